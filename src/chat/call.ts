import { catchError, defer, Observable } from 'rxjs';
import type { Clock } from '../core/clock.ts';
import type { EventBus } from '../core/event-bus.ts';
import { type CallScope, enterCall, scoped } from '../core/scope.ts';
import { reportUnhandled } from '../core/unhandled.ts';
import { Answer, type ChatResponse } from './answer.ts';
import { AttemptSubscriber, type Listener } from './attempt.ts';
import { type ChatChunk, isContent } from './chunk.ts';
import type { ChatTimeout } from './clocks.ts';
import { type Continuation, continuationOf } from './continuation.ts';
import { isStreamInterruptedError, kindOf, ProviderError, StreamInterruptedError } from './errors.ts';
import type { GuardedProvider } from './guarded-provider.ts';
import {
  type Asked,
  AttemptRecord,
  type AttemptReport,
  type AttemptTotals,
  type ChatPhase,
  NO_ATTEMPTS,
  withAttempt,
} from './ledger.ts';
import type { ChatContext, ChatProvider, ChatRequest } from './provider.ts';
import { type ResponseUsage, UsageAccount } from './usage.ts';

/** What all calls of one `ResilientProvider` count together. */
export interface Tally {
  /** Attempts made, over all providers. */
  attempts: number;
  /** Times that what was shown was taken back. */
  retracted: number;
  /** Times that an answer went on where it had broken off. */
  continued: number;
  /** Times that another provider went on to speak. */
  switched: number;
}

/** Where a call is. */
export interface CallPhase {
  readonly phase: ChatPhase;
  /** Name of the provider whose attempt it is; of the first one before there is any. */
  readonly provider: string;
  /** Number of the attempt as in the events of the call, from 1 over all providers; 0 before the first one. */
  readonly attempt: number;
}

export interface CallDetails {
  /** Name of the provider that was called. */
  readonly name: string;
  readonly request: ChatRequest;
  readonly callId: string | undefined;
  readonly onPhase: ((phase: CallPhase) => void) | undefined;
  /** Whoever asks, and has clocks and limits: it hears of every sign of life that no chunk shows. */
  readonly outer: Pick<ChatContext, 'headersReceived' | 'keepAliveReceived' | 'limitsReported' | 'priority'>;
  /** Milliseconds that the caller waits for the end of it. */
  readonly patience: number;
  /** Limits of this call's attempts, which replace those of the providers. */
  readonly limits: ChatTimeout;
  /** Who is asked first, and so who speaks unless a mark says otherwise. */
  readonly primary: ChatProvider;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly tally: Tally;
  /** The totals of every provider, by its name. */
  readonly totals: Map<string, AttemptTotals>;
}

/** One call: what stands of its answer, and who has said it, over all attempts and providers. */
export class Call {
  readonly scope: CallScope;
  readonly #details: CallDetails;
  readonly #answer: Answer;
  readonly #begun: number;
  readonly #ledger: AttemptReport[] = [];
  /** Who would not go on with an answer, and is asked from the start from then on. */
  readonly #refusing = new Set<ChatProvider>();
  #attemptCount = 0;
  /** Who is at work, by the numbers of the attempts: several in a race. */
  readonly #running = new Map<number, ChatProvider>();
  /** The attempt whose words are read. */
  #speaking: number | undefined;
  #lastError: unknown;
  #speaker: ChatProvider;
  #timeToFirstToken: number | undefined;
  /** Where the speaker itself can take up what stands. */
  #checkpoint: string | undefined;
  readonly #usage = new UsageAccount();
  #idleSince: number;
  #phase: CallPhase | undefined;

  constructor(details: CallDetails) {
    this.#details = details;
    this.scope = enterCall(details.callId);
    this.#speaker = details.primary;
    this.#answer = new Answer(details.primary.name);
    this.#begun = details.clock.now();
    this.#idleSince = this.#begun;
  }

  /** Name of the provider that spoke last. */
  get speaker(): string {
    return this.#answer.finish?.provider ?? this.#answer.speaker ?? this.#speaker.name;
  }

  /** The model that answered; known of a whole answer. */
  get model(): string | undefined {
    return this.#answer.finish?.model;
  }

  /** The model that whoever spoke last was asked for; before anybody has spoken, the one that is asked first. */
  get requestedModel(): string | undefined {
    return this.#details.request.model ?? this.#speaker.model;
  }

  get request(): ChatRequest {
    return this.#details.request;
  }

  /** Who goes first where several calls wait: the higher. */
  get priority(): number | undefined {
    return this.#details.outer.priority;
  }

  /** Milliseconds that the caller waits yet, and one more: that he waits no longer is his own to say. */
  get patience(): number {
    return Math.max(0, this.#details.patience - this.elapsed) + 1;
  }

  /** Milliseconds since it began. */
  get elapsed(): number {
    return this.#details.clock.now() - this.#begun;
  }

  enter(
    phase: ChatPhase,
    { provider, attempt }: Omit<CallPhase, 'phase'> = this.#phase ?? {
      provider: this.#speaker.name,
      attempt: 0,
    },
  ): void {
    if (this.#phase?.phase === phase && phase !== 'connecting') return;
    this.#phase = { phase, provider, attempt };
    try {
      this.#details.onPhase?.(this.#phase);
    } catch (thrown) {
      reportUnhandled(thrown);
    }
  }

  /** Every subscription asks the provider once. @param continues whether it may go on with what stands. */
  attempts(guarded: GuardedProvider, continues: boolean): Observable<ChatChunk> {
    return defer(() => this.#try(guarded, continues, enterCall()));
  }

  /** Something has failed, and others may be at work. */
  note(error: unknown): void {
    this.#lastError = error;
  }

  /** An attempt has failed, and another is going to follow. */
  failed(error: unknown): void {
    this.note(error);
    if (this.#running.size === 0) this.enter('queued');
  }

  /** The error of the call: with the partial answer, if there is one. */
  broken(error: unknown): unknown {
    const { empty, text } = this.#answer;
    // That of a ResilientProvider within, unless it knows of a part of the answer only.
    if (empty || (isStreamInterruptedError(error) && error.text === text)) return error;
    return new StreamInterruptedError(this.speaker, this.#answer, error, [...this.#ledger]);
  }

  /** The answer of a call that has completed. */
  response(): ChatResponse {
    return {
      ...this.#answer.whole(this.#answer.finish ?? { type: 'finish', reason: 'other' }),
      provider: this.speaker,
      attempts: this.#attemptCount,
      ledger: [...this.#ledger],
      timeToFirstToken: this.#timeToFirstToken,
      totalUsage: this.#usage.total,
    };
  }

  #try(guarded: GuardedProvider, continues: boolean, scope: CallScope): Observable<ChatChunk> {
    const { provider } = guarded;
    const continuation = continues ? this.#continuation(provider) : undefined;
    const asked = {
      provider,
      request: continuation?.request ?? this.#details.request,
      resumes: continuation?.by === 'resume',
    };
    const record = this.#begin(asked, scope);
    const chunks = this.#ask(guarded, record, continuation);
    if (continuation === undefined) return chunks;
    return chunks.pipe(
      catchError((error) => {
        // The caller's own request is not wrong: the one that asks to go on is.
        if (record.phase === 'content' || !isRefusal(error)) throw error;
        this.#refusing.add(provider);
        return this.#try(guarded, false, scope.next());
      }),
    );
  }

  #begin(asked: Asked, scope: CallScope): AttemptRecord {
    const { name, clock, events, tally } = this.#details;
    tally.attempts++;
    this.#attemptCount++;
    const { attempt } = scope;
    this.#running.set(attempt, asked.provider);
    const entered = (phase: ChatPhase): void => this.enter(phase, { provider: asked.provider.name, attempt });
    const record = new AttemptRecord(scope, asked, clock, this.#idleSince, entered);
    const { provider, requestedModel, delay } = record;
    events.publish('attempt_started', name, { provider, requestedModel, delay }, scope);
    entered('connecting');
    return record;
  }

  #ask(
    guarded: GuardedProvider,
    record: AttemptRecord,
    continuation: Continuation | undefined,
  ): Observable<ChatChunk> {
    const { provider } = guarded;
    const { limits, outer } = this.#details;
    const { scope, request } = record;
    const used = this.#usage.open(record.resumes);
    // What the provider itself takes up is exact, and needs no look at the seam.
    const said = continuation === undefined || record.resumes ? undefined : this.#answer.text;
    let attempt: AttemptSubscriber | undefined;
    const context: ChatContext = {
      priority: outer.priority,
      limitsReported: outer.limitsReported,
      attempt: scope.attempt,
      callId: scope.call,
      resume: continuation?.resume,
      headersReceived() {
        record.accepted();
        outer.headersReceived?.();
      },
      keepAliveReceived: outer.keepAliveReceived,
      checkpoint: (token) => {
        // Before its first word the answer of another attempt stands, which this token does not belong to; and what is
        // held back lies before this place, and has not been delivered.
        if (attempt?.settled) this.#checkpoint = token;
      },
    };
    const listener: Listener = {
      hears(chunk) {
        record.hear(chunk);
        // It may be held back.
        outer.keepAliveReceived?.();
      },
      speaks: () => {
        this.#speaking = scope.attempt;
        if (continuation === undefined) this.#usage.retract();
        used.stands = true;
        return this.#marksBefore(provider, continuation, scope);
      },
      delivers: (chunk) => {
        // It lies behind the place that was told before: from there it would be said a second time.
        this.#checkpoint = undefined;
        const told =
          chunk.type === 'usage' ? { ...chunk, usage: this.#usage.ofAnswer(used, chunk.usage) } : chunk;
        this.#delivered(told, scope);
        return told;
      },
      objection: (finish) => this.#objection(provider, finish),
      ended: (outcome, error) => {
        const lostTo = this.#stopped(scope.attempt);
        this.#attemptEnded(record.end(outcome, error, lostTo), used, scope);
      },
    };
    // Deferred: what a provider throws instead of answering is an error of the attempt.
    const chunks = defer(() => guarded.stream(request, context, limits));
    return new Observable((subscriber) => {
      attempt = new AttemptSubscriber(subscriber, provider.name, listener, said);
      scoped(chunks, scope).subscribe(attempt);
    });
  }

  #continuation(provider: ChatProvider): Continuation | undefined {
    if (this.#answer.empty || this.#refusing.has(provider)) return undefined;
    const checkpoint = this.#speaker === provider ? this.#checkpoint : undefined;
    return continuationOf(this.#details.request, this.#answer, provider, checkpoint);
  }

  /** @returns the attempt that was faster, if there was a race. */
  #stopped(attempt: number): number | undefined {
    this.#running.delete(attempt);
    if (this.#speaking !== attempt) return this.#speaking;
    this.#speaking = undefined;
    return undefined;
  }

  #attemptEnded(report: AttemptReport, used: ResponseUsage, scope: CallScope): void {
    const { name, clock, events, totals } = this.#details;
    this.#ledger.push(report);
    this.#idleSince = clock.now();
    const { kind: _, ...data } = report;
    const replaced = this.#usage.close(used, report);
    totals.set(report.provider, withAttempt(totals.get(report.provider) ?? NO_ATTEMPTS, report, replaced));
    events.publish('attempt_ended', name, data, scope);
  }

  #objection(
    { name }: ChatProvider,
    finish: Extract<ChatChunk, { type: 'finish' }>,
  ): ProviderError | undefined {
    const flaw = this.#answer.flawAt(finish);
    return flaw === undefined
      ? undefined
      : // The model may do better the next time.
        new ProviderError(`Provider "${name}" ${flaw}`, {
          kind: 'malformed',
          provider: name,
          retryable: true,
        });
  }

  /** Marks come with the first word that needs them: an attempt that says nothing changes nothing of what is shown. */
  #marksBefore(
    provider: ChatProvider,
    continuation: Continuation | undefined,
    scope: CallScope,
  ): ChatChunk[] {
    const { name, events, tally } = this.#details;
    const marks: ChatChunk[] = [];
    const error = this.#lastError;
    const before = this.#speaker;
    if (continuation !== undefined) {
      const { by } = continuation;
      const characters = this.#answer.text.length;
      tally.continued++;
      events.publish('stream_continued', name, { provider: provider.name, by, characters, error }, scope);
      marks.push({ type: 'resume' });
    } else if (!this.#answer.empty) {
      tally.retracted++;
      events.publish('stream_retracted', name, { provider: before.name, error }, scope);
      marks.push({ type: 'retract' });
    }
    if (before !== provider) {
      const [from, to] = [before.name, provider.name];
      // One that is at work yet was only slower.
      const beaten = [...this.#running.values()].includes(before);
      tally.switched++;
      events.publish('provider_switched', name, { from, to, error: beaten ? undefined : error }, scope);
      marks.push({ type: 'switch', from, to });
    }
    this.#speaker = provider;
    if (continuation === undefined) this.#timeToFirstToken = undefined;
    return marks;
  }

  #delivered(chunk: ChatChunk, scope: CallScope): void {
    this.#answer.add(chunk);
    if (this.#timeToFirstToken !== undefined || !isContent(chunk)) return;
    const { name, clock, events } = this.#details;
    const after = clock.now() - this.#begun;
    this.#timeToFirstToken = after;
    events.publish('first_token', name, { provider: this.#speaker.name, after }, scope);
  }
}

function isRefusal(error: unknown): boolean {
  const kind = kindOf(error);
  return kind === 'invalid' || kind === 'context-length';
}
