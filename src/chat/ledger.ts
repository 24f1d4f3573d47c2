import type { Clock } from '../core/clock.ts';
import type { CallScope } from '../core/scope.ts';
import { type ChatChunk, type ChatUsage, type FinishReason, isContent } from './chunk.ts';
import { kindOf, type ProviderErrorKind } from './errors.ts';
import type { ChatProvider, ChatRequest } from './provider.ts';
import { estimateRequest, estimateTokens } from './tokens.ts';

/**
 * How far a call has come. `queued`: no attempt is under way, it waits for a place, a permit or a back-off. `connecting`: the
 * request is on its way. `preamble`: the other side has answered, and said nothing yet. `content`: the answer is being
 * written. `ended`: whatever the outcome.
 */
export type ChatPhase = 'queued' | 'connecting' | 'preamble' | 'content' | 'ended';

export type AttemptOutcome = 'completed' | 'failed' | 'cancelled';

/** What became of one attempt. All times are milliseconds. */
export interface AttemptReport {
  /**
   * The number of the attempt in the events of the call. One that a policy refused has a number there too, but no report.
   */
  readonly attempt: number;
  readonly provider: string;
  /** The model that was at work, by the name that the provider gives it; it is known at the end of a whole answer. */
  readonly model: string | undefined;
  /** The model that was asked: the request's, else the provider's own. */
  readonly requestedModel: string | undefined;
  /** How far it came. */
  readonly phase: Exclude<ChatPhase, 'queued'>;
  readonly outcome: AttemptOutcome;
  readonly error: unknown;
  readonly kind: ProviderErrorKind | undefined;
  /** Why the model stopped; known of a whole answer. */
  readonly finishReason: FinishReason | undefined;
  /** The attempt that was faster, if it has lost a race: then it was cancelled before its first content. */
  readonly lostTo: number | undefined;
  /** What passed before it, since the call began or the attempt before it ended: back-off, and waits for a place. */
  readonly delay: number;
  readonly duration: number;
  /**
   * Estimated from the length of question and answer where the provider spoke, and did not count; of who has lost a race
   * once it was accepted, only what it has read. `undefined` when nobody knows: that is not 0. An attempt that takes up the stream of the one before tells what both have used, if it tells.
   */
  readonly usage: ChatUsage | undefined;
  /** From the beginning of the attempt to its first content. */
  readonly timeToFirstToken: number | undefined;
  /** Output tokens per second, from the first content to the end. */
  readonly tokensPerSecond: number | undefined;
}

/** Whom an attempt asks, and for what. */
export interface Asked {
  readonly provider: ChatProvider;
  readonly request: ChatRequest;
  readonly resumes: boolean;
}

/** One attempt, while it is under way. */
export class AttemptRecord {
  readonly scope: CallScope;
  readonly provider: string;
  /** Whether it takes up the stream of the attempt before. */
  readonly resumes: boolean;
  readonly request: ChatRequest;
  readonly requestedModel: string | undefined;
  #phase: AttemptReport['phase'] = 'connecting';
  readonly #clock: Clock;
  readonly #entered: (phase: AttemptReport['phase']) => void;
  readonly #begun: number;
  /** What passed before it. */
  readonly delay: number;
  #spoke: number | undefined;
  #characters = 0;
  #usage: ChatUsage | undefined;
  #finish: Extract<ChatChunk, { type: 'finish' }> | undefined;

  /** @param waitedSince when the call began, or the attempt before it ended. @param entered hears of every phase. */
  constructor(
    scope: CallScope,
    { provider, request, resumes }: Asked,
    clock: Clock,
    waitedSince: number,
    entered: (phase: AttemptReport['phase']) => void,
  ) {
    this.scope = scope;
    this.provider = provider.name;
    this.resumes = resumes;
    this.request = request;
    this.requestedModel = request.model ?? provider.model;
    this.#clock = clock;
    this.#entered = entered;
    this.#begun = clock.now();
    this.delay = this.#begun - waitedSince;
  }

  get phase(): AttemptReport['phase'] {
    return this.#phase;
  }

  accepted(): void {
    if (this.#phase === 'connecting') this.#enter('preamble');
  }

  hear(chunk: ChatChunk): void {
    this.accepted();
    if (chunk.type === 'usage') this.#usage = chunk.usage;
    else if (chunk.type === 'finish') this.#finish = chunk;
    else if (isContent(chunk)) this.#hearContent(chunk);
  }

  end(outcome: AttemptOutcome, error: unknown, lostTo: number | undefined): AttemptReport {
    const now = this.#clock.now();
    if (outcome === 'completed') this.#phase = 'ended';
    const usage = this.#usage ?? this.#estimate(lostTo !== undefined);
    const written = this.#spoke === undefined ? 0 : now - this.#spoke;
    return {
      attempt: this.scope.attempt,
      provider: this.provider,
      model: this.#finish?.model,
      requestedModel: this.requestedModel,
      phase: this.#phase,
      outcome,
      error,
      kind: kindOf(error),
      finishReason: this.#finish?.reason,
      lostTo,
      delay: this.delay,
      duration: now - this.#begun,
      usage,
      timeToFirstToken: this.#spoke === undefined ? undefined : this.#spoke - this.#begun,
      tokensPerSecond:
        usage?.outputTokens === undefined || written === 0 || (this.resumes && usage === this.#usage)
          ? undefined
          : (usage.outputTokens * 1_000) / written,
    };
  }

  #hearContent(chunk: ChatChunk): void {
    if (this.#phase !== 'content') {
      this.#spoke = this.#clock.now();
      this.#enter('content');
    }
    this.#characters += lengthOf(chunk);
  }

  /** @param lost whether it would have gone on: then what it was asked has been read, once it was accepted. */
  #estimate(lost: boolean): ChatUsage | undefined {
    // Who takes up a stream asks nothing that has to be read.
    const inputTokens = this.resumes ? 0 : estimateRequest(this.request);
    if (this.#phase === 'preamble' && lost) return { inputTokens, estimated: true };
    if (this.#spoke === undefined) return undefined;
    const outputTokens = Math.ceil(estimateTokens(this.#characters));
    return { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens, estimated: true };
  }

  #enter(phase: AttemptReport['phase']): void {
    this.#phase = phase;
    this.#entered(phase);
  }
}

/** Characters that a chunk adds to the answer. */
function lengthOf(chunk: ChatChunk): number {
  switch (chunk.type) {
    case 'text':
    case 'reasoning':
      return chunk.text.length;
    case 'tool-call':
      return chunk.arguments.length;
    default:
      return 0;
  }
}

/** Tokens that a chunk may have, as long as nobody has counted them. */
export const tokensIn = (chunk: ChatChunk): number => estimateTokens(lengthOf(chunk));

/** What the attempts at one provider add up to, over all calls. */
export interface AttemptTotals {
  readonly attempts: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Those of the cancelled that have lost a race. */
  readonly lost: number;
  /** How often it failed with an error of which kind; `other` is what is not the provider's doing. */
  readonly errors: Readonly<Partial<Record<ProviderErrorKind | 'other', number>>>;
  /** Tokens that are known or estimated. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Attempts of which part of these tokens is estimated, or not known at all. */
  readonly uncounted: number;
}

export const NO_ATTEMPTS: AttemptTotals = {
  attempts: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  lost: 0,
  errors: {},
  inputTokens: 0,
  outputTokens: 0,
  uncounted: 0,
};

/** @param replaced what had been added for the response that this attempt took up, and is in its count as well. */
export function withAttempt(
  totals: AttemptTotals,
  report: AttemptReport,
  replaced: ChatUsage | undefined,
): AttemptTotals {
  const { outcome, usage } = report;
  const kind = report.kind ?? 'other';
  const counted =
    usage?.inputTokens !== undefined && usage.outputTokens !== undefined && usage.estimated !== true;
  return {
    ...totals,
    attempts: totals.attempts + 1,
    [outcome]: totals[outcome] + 1,
    lost: totals.lost + (report.lostTo === undefined ? 0 : 1),
    errors:
      outcome === 'failed' ? { ...totals.errors, [kind]: (totals.errors[kind] ?? 0) + 1 } : totals.errors,
    inputTokens: totals.inputTokens + (usage?.inputTokens ?? 0) - (replaced?.inputTokens ?? 0),
    outputTokens: totals.outputTokens + (usage?.outputTokens ?? 0) - (replaced?.outputTokens ?? 0),
    uncounted: totals.uncounted + (counted ? 0 : 1),
  };
}
