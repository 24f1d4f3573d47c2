import { defer, Observable } from 'rxjs';
import type { Clock } from '../core/clock.ts';
import { type EventBus, summarize } from '../core/event-bus.ts';
import { Answer, type ChatResponse } from './answer.ts';
import { AttemptSubscriber, type Listener } from './attempt.ts';
import { type ChatChunk, isContent } from './chunk.ts';
import { isStreamInterruptedError, StreamInterruptedError } from './errors.ts';
import type { ChatProvider, ChatRequest } from './provider.ts';

/** What all calls of one `ResilientProvider` count together. */
export interface Tally {
  attempts: number;
  retracted: number;
  switched: number;
}

export interface CallDetails {
  /** Name of the provider that was called. */
  readonly name: string;
  readonly request: ChatRequest;
  readonly callId: string | undefined;
  /** Who is asked first, and so who speaks unless a mark says otherwise. */
  readonly primary: ChatProvider;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly tally: Tally;
}

/** One call: what stands of its answer, and who has said it, over all attempts and providers. */
export class Call {
  readonly #details: CallDetails;
  readonly #answer: Answer;
  readonly #begun: number;
  #attemptCount = 0;
  #lastError: unknown;
  #speaker: ChatProvider;
  #timeToFirstToken: number | undefined;

  constructor(details: CallDetails) {
    this.#details = details;
    this.#speaker = details.primary;
    this.#answer = new Answer(details.primary.name);
    this.#begun = details.clock.now();
  }

  /** Name of the provider that spoke last. */
  get speaker(): string {
    return this.#answer.finish?.provider ?? this.#answer.speaker;
  }

  /** Every subscription asks the provider once. */
  attempts(provider: ChatProvider): Observable<ChatChunk> {
    const { request, callId, tally } = this.#details;
    const chunks = defer(() => {
      tally.attempts++;
      return provider.stream(request, { attempt: ++this.#attemptCount, callId });
    });
    const listener: Listener = {
      speaks: () => this.#marksBefore(provider),
      delivers: (chunk) => this.#delivered(chunk),
    };
    return new Observable((subscriber) => {
      chunks.subscribe(new AttemptSubscriber(subscriber, provider.name, listener));
    });
  }

  /** An attempt has failed, and another is going to follow. */
  failed(error: unknown): void {
    this.#lastError = error;
  }

  /** The error of the call: with the partial answer, if there is one. */
  broken(error: unknown): unknown {
    if (this.#answer.empty || isStreamInterruptedError(error)) return error;
    return new StreamInterruptedError(this.speaker, this.#answer, error);
  }

  /** The answer of a call that has completed. */
  response(): ChatResponse {
    const { text, reasoning, toolCalls, usage, finish } = this.#answer;
    return {
      text,
      reasoning,
      toolCalls,
      usage,
      finishReason: finish?.reason ?? 'other',
      provider: this.speaker,
      model: finish?.model,
      attempts: this.#attemptCount,
      timeToFirstToken: this.#timeToFirstToken,
    };
  }

  /** Marks come with the first word that needs them: an attempt that says nothing changes nothing of what is shown. */
  #marksBefore(provider: ChatProvider): ChatChunk[] {
    const { name, events, tally } = this.#details;
    const marks: ChatChunk[] = [];
    const error = summarize(this.#lastError);
    const before = this.#speaker;
    if (!this.#answer.empty) {
      tally.retracted++;
      events.publish('stream_retracted', name, { provider: before.name, error });
      marks.push({ type: 'retract' });
    }
    if (before !== provider) {
      const [from, to] = [before.name, provider.name];
      tally.switched++;
      events.publish('provider_switched', name, { from, to, error });
      marks.push({ type: 'switch', from, to });
    }
    this.#speaker = provider;
    this.#timeToFirstToken = undefined;
    return marks;
  }

  #delivered(chunk: ChatChunk): void {
    this.#answer.add(chunk);
    if (this.#timeToFirstToken !== undefined || !isContent(chunk)) return;
    const { name, clock, events } = this.#details;
    const after = clock.now() - this.#begun;
    this.#timeToFirstToken = after;
    events.publish('first_token', name, { provider: this.#speaker.name, after });
  }
}
