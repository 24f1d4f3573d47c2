import { SpanKind, type Tracer } from '@opentelemetry/api';
import type { ErrorSummary } from '../core/event-parts.ts';
import type { ResilienceEvent, ResilienceEventOf } from '../core/events.ts';
import { OWN } from './conventions.ts';
import { OpenSpan } from './open-span.ts';
import { closed } from './vocabulary.ts';

/** An attempt that is under way, or that has to wait. */
interface Attempt {
  readonly number: number;
  readonly begun: number;
}

/**
 * A call through `resilience()` that is under way. Its attempts are not announced one by one, but what ends them and begins
 * others is: a retry, whose attempt begins when the wait is over, a fallback, and a hedge, which ends nothing.
 */
export class PipelineFrame {
  readonly source: string;
  readonly span: OpenSpan;
  /** In the order in which they have begun: more than one is a race. */
  #attempts: readonly Attempt[];
  #begun = 1;

  constructor(
    tracer: Tracer,
    { source, timestamp, call }: ResilienceEventOf<'call_started'>,
    inside: OpenSpan | undefined,
  ) {
    this.source = source;
    this.#attempts = [{ number: 1, begun: timestamp }];
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
    const { timestamp } = event;
    if (event.type === 'retry_attempted')
      this.#failed(timestamp, event.data.error, timestamp + event.data.delay);
    if (event.type === 'fallback_used') this.#failed(timestamp, event.data.error, timestamp);
    if (event.type === 'hedge_started') this.#begin(timestamp);
    if (event.type === 'hedge_won') this.#won(event);
    this.span.decided(event);
  }

  ended({ timestamp, data }: ResilienceEventOf<'call_ended'>): void {
    const outcome = closed('outcome', data.outcome);
    // Who leaves during a wait has not begun another attempt.
    const made = this.#attempts.filter(({ begun }) => begun <= timestamp);
    for (const [index, attempt] of made.entries())
      this.#over(attempt, timestamp, index === 0 ? outcome : 'cancelled', data.error);
    this.span.end(
      timestamp,
      [
        [OWN.outcome, outcome],
        [OWN.attempts, this.#begun - (this.#attempts.length - made.length)],
      ],
      outcome === 'failed' ? data : undefined,
    );
  }

  #begin(at: number): void {
    this.#attempts = [...this.#attempts, { number: ++this.#begun, begun: at }];
  }

  /** All that were under way have failed, and another attempt begins at `next`. */
  #failed(at: number, error: ErrorSummary, next: number): void {
    for (const attempt of this.#attempts) this.#over(attempt, at, 'failed', error);
    this.#attempts = [];
    this.#begin(next);
  }

  #won({ timestamp, data }: ResilienceEventOf<'hedge_won'>): void {
    const winner = this.#attempts[data.attempt - 1];
    for (const attempt of this.#attempts) if (attempt !== winner) this.#over(attempt, timestamp, 'cancelled');
    this.#attempts = this.#attempts.filter((attempt) => attempt === winner);
  }

  #over({ number, begun }: Attempt, at: number, outcome: string, error?: ErrorSummary): void {
    this.span.part({
      name: 'attempt',
      from: begun,
      to: at,
      facts: [
        [OWN.source, this.source],
        [OWN.attempt, number],
        [OWN.outcome, outcome],
      ],
      failure: outcome === 'failed' ? { error } : undefined,
    });
  }
}
