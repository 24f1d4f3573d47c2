import { brand } from './brand.ts';
import { type ErrorDetails, ResilienceError } from './resilience-error.ts';

export type TimeoutKind = 'first' | 'each' | 'total';

/** The clocks of `timeout()`, and those that know of a connection and of the pace of a stream. */
export type StreamTimeoutKind = TimeoutKind | 'headers' | 'throughput';

const TIMEOUT_STORY: Record<StreamTimeoutKind, string> = {
  first: 'gave no first value within',
  each: 'was silent for',
  total: 'did not end within',
  headers: 'was not accepted within',
  throughput: 'fell below its minimum pace for',
};

/** A clock ran out. */
export class StreamTimeoutError extends ResilienceError {
  static {
    brand(this, 'StreamTimeoutError');
  }
  /** Name of the policy that watched the clock. */
  readonly policy: string;
  readonly kind: StreamTimeoutKind;
  /** The limit that was passed, or for `throughput` the time that the pace was measured, in milliseconds. */
  readonly after: number;

  constructor(policy: string, kind: StreamTimeoutKind, after: number, details?: ErrorDetails) {
    super(`Timeout "${policy}": the stream ${TIMEOUT_STORY[kind]} ${after} ms (${kind}).`, details);
    this.policy = policy;
    this.kind = kind;
    this.after = after;
  }
}
