import type { EventData } from '../events.ts';
import { brand } from './brand.ts';
import { messageOf } from './message-of.ts';
import { ResilienceError } from './resilience-error.ts';

/** Why a failure was not retried, as the event `retry_exhausted` tells it. */
export type RetryRefusal = EventData<'retry_exhausted'>['reason'];

/** At least one retry ran, and the last attempt failed as well. `cause` is the last error. */
export class RetryExhaustedError extends ResilienceError {
  static {
    brand(this, 'RetryExhaustedError');
  }
  /** Name of the retry policy. */
  readonly policy: string;
  /** Attempts made, the first one included. */
  readonly attempts: number;
  /**
   * Why there was no further attempt. `delay`: the wait would have been too long, or there would have been none; `time`: it
   * did not fit into what was left of `timeout`.
   */
  readonly reason: RetryRefusal;
  readonly #summary: string;

  /** @param explanation the reason as a person would say it. */
  constructor(policy: string, attempts: number, reason: RetryRefusal, explanation: string, cause: unknown) {
    const summary = `Retry "${policy}" gave up after ${attempts} attempts: ${explanation}.`;
    super(`${summary} Last error: ${messageOf(cause)}`, { cause });
    this.policy = policy;
    this.attempts = attempts;
    this.reason = reason;
    this.#summary = summary;
  }

  override get summary(): string {
    return this.#summary;
  }
}
