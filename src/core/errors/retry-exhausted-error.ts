import { brand } from './brand.ts';
import { messageOf } from './message-of.ts';
import { ResilienceError } from './resilience-error.ts';

/** At least one retry ran, and the last attempt failed as well. `cause` is the last error. */
export class RetryExhaustedError extends ResilienceError {
  static {
    brand(this, 'RetryExhaustedError');
  }
  /** Name of the retry policy. */
  readonly policy: string;
  /** Attempts made, the first one included. */
  readonly attempts: number;
  /** Why there was no further attempt. */
  readonly reason: string;

  constructor(policy: string, attempts: number, reason: string, cause: unknown) {
    super(`${givenUp(policy, attempts, reason)} Last error: ${messageOf(cause)}`, { cause });
    this.policy = policy;
    this.attempts = attempts;
    this.reason = reason;
  }

  override get summary(): string {
    return givenUp(this.policy, this.attempts, this.reason);
  }
}
const givenUp = (policy: string, attempts: number, reason: string): string =>
  `Retry "${policy}" gave up after ${attempts} attempts: ${reason}.`;
