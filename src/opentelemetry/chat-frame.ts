import { SpanKind, type Tracer } from '@opentelemetry/api';
import type { EventData, ResilienceEvent, ResilienceEventOf } from '../core/events.ts';
import { CHAT, type Conventions, FINISH_REASONS, OWN, providerOf } from './conventions.ts';
import { OpenSpan } from './open-span.ts';
import { closed } from './vocabulary.ts';

type Attempt = EventData<'attempt_ended'>;

const TOKENS = ['inputTokens', 'outputTokens', 'cachedTokens', 'reasoningTokens'] as const;

/** A chat that is under way. */
export class ChatFrame {
  readonly source: string;
  readonly span: OpenSpan;
  /** Who of those that it asks is a `ResilientProvider` as well, and so tells of its own attempts. */
  readonly relays = new Set<string>();
  readonly #conventions: Conventions;
  readonly #tokens: Partial<Record<(typeof TOKENS)[number], number>> = {};
  /** When the attempts that are under way have begun, by their numbers. */
  readonly #begun = new Map<number, number>();
  #attempts = 0;
  #finishReason: Attempt['finishReason'];
  #timeToFirstToken: number | undefined;

  constructor(
    tracer: Tracer,
    conventions: Conventions,
    { source, timestamp, call, data }: ResilienceEventOf<'stream_started'>,
    inside: OpenSpan | undefined,
    /** Whether another chat asks it, which tells of the same operation. */
    readonly relay: boolean,
  ) {
    const { genAi, version } = conventions;
    this.source = source;
    this.#conventions = conventions;
    this.span = new OpenSpan(tracer, {
      name: data.model === undefined ? CHAT : `${CHAT} ${data.model}`,
      kind: SpanKind.CLIENT,
      begun: timestamp,
      inside,
      facts: [
        [genAi.operation, CHAT],
        [genAi.provider, providerOf(data.provider, version)],
        [genAi.requestModel, data.model],
        [genAi.stream, true],
        [OWN.source, source],
        [OWN.call, call],
      ],
    });
  }

  decided(event: ResilienceEvent): void {
    if (event.type === 'first_token') this.#timeToFirstToken = event.data.after;
    this.span.decided(event);
  }

  attemptBegan({ timestamp, attempt = 0 }: ResilienceEventOf<'attempt_started'>): void {
    this.#begun.set(attempt, timestamp);
  }

  attemptEnded({ timestamp, source, data }: ResilienceEventOf<'attempt_ended'>): void {
    const { genAi } = this.#conventions;
    const { provider, outcome, usage } = data;
    const begun = this.#begun.get(data.attempt) ?? timestamp - data.duration;
    this.#begun.delete(data.attempt);
    this.span.part({
      name: `attempt ${provider}`,
      from: begun,
      to: timestamp,
      facts: [
        [OWN.source, source],
        [OWN.attempt, data.attempt],
        [OWN.provider, provider],
        [OWN.outcome, closed('outcome', outcome)],
        [OWN.phase, data.phase],
        [OWN.delay, data.delay],
        [genAi.requestModel, data.requestedModel],
        [genAi.responseModel, data.model],
        // Not by the names of the conventions: who adds up the tokens of all spans would count them twice.
        [OWN.inputTokens, usage?.inputTokens],
        [OWN.outputTokens, usage?.outputTokens],
        [OWN.estimated, usage?.estimated],
      ],
      spoke: data.timeToFirstToken,
      failure: outcome === 'failed' ? data : undefined,
    });
    this.#attempts++;
    this.#finishReason = data.finishReason ?? this.#finishReason;
    // The span of a relay says what it has used. What nobody has counted is not told.
    if (usage === undefined || usage.estimated || this.relays.has(provider)) return;
    for (const kind of TOKENS) {
      const tokens = usage[kind];
      if (tokens !== undefined) this.#tokens[kind] = (this.#tokens[kind] ?? 0) + tokens;
    }
  }

  ended({ timestamp, data }: ResilienceEventOf<'stream_ended'>): void {
    const { genAi, version } = this.#conventions;
    const { provider, model, outcome } = data;
    const reason = this.#finishReason && (FINISH_REASONS.get(this.#finishReason) ?? 'other');
    const first = this.#timeToFirstToken;
    this.span.end(
      timestamp,
      [
        [genAi.provider, providerOf(provider, version)],
        [genAi.responseModel, model],
        [genAi.finishReasons, reason && [reason]],
        [genAi.inputTokens, this.#tokens.inputTokens],
        [genAi.outputTokens, this.#tokens.outputTokens],
        [genAi.cachedTokens, this.#tokens.cachedTokens],
        [genAi.reasoningTokens, this.#tokens.reasoningTokens],
        [genAi.timeToFirstToken, first === undefined ? undefined : first / 1_000],
        [OWN.outcome, closed('outcome', outcome)],
        [OWN.attempts, this.#attempts],
      ],
      outcome === 'failed' ? data : undefined,
    );
  }
}
