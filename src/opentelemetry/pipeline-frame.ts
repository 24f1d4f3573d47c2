import { SpanKind, type Tracer } from '@opentelemetry/api';
import type { ErrorSummary, ResilienceEvent, ResilienceEventOf } from '../core/events.ts';
import { OWN } from './conventions.ts';
import { OpenSpan } from './open-span.ts';
import { closed } from './vocabulary.ts';

/**
 * A call through `resilience()` that is under way. Its attempts are not announced one by one: one ends when a retry or a
 * fallback is decided upon, and the next begins when the wait is over.
 */
export class PipelineFrame {
  readonly source: string;
  readonly span: OpenSpan;
  #attemptBegun: number;
  #attempts = 0;

  constructor(
    tracer: Tracer,
    { source, timestamp, call }: ResilienceEventOf<'call_started'>,
    inside: OpenSpan | undefined,
  ) {
    this.source = source;
    this.#attemptBegun = timestamp;
    this.span = new OpenSpan(tracer, {
      name: source,
      kind: SpanKind.INTERNAL,
      begun: timestamp,
      inside,
      facts: [
        [OWN.source, source],
        [OWN.call, call],
      ],
    });
  }

  decided(event: ResilienceEvent): void {
    if (event.type === 'retry_attempted')
      this.#attempted(event, 'failed', event.data.delay, event.data.error);
    if (event.type === 'fallback_used') this.#attempted(event, 'failed', 0, event.data.error);
    this.span.decided(event);
  }

  ended(event: ResilienceEventOf<'call_ended'>): void {
    const { timestamp, data } = event;
    const outcome = closed('outcome', data.outcome);
    // Who leaves during a wait has not begun another attempt.
    if (this.#attemptBegun <= timestamp) this.#attempted(event, outcome, 0, data.error);
    this.span.end(
      timestamp,
      [
        [OWN.outcome, outcome],
        [OWN.attempts, this.#attempts],
      ],
      outcome === 'failed' ? data : undefined,
    );
  }

  /** @param wait milliseconds until the next one begins. */
  #attempted(
    { attempt, timestamp }: ResilienceEvent,
    outcome: string,
    wait: number,
    error: ErrorSummary | undefined,
  ): void {
    this.#attempts++;
    this.span.part({
      name: 'attempt',
      from: this.#attemptBegun,
      to: timestamp,
      facts: [
        [OWN.source, this.source],
        [OWN.attempt, attempt],
        [OWN.outcome, outcome],
      ],
      failure: outcome === 'failed' ? { error } : undefined,
    });
    this.#attemptBegun = timestamp + wait;
  }
}
