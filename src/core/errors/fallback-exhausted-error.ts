import { brand, brandOf } from './brand.ts';
import { messageOf } from './message-of.ts';

/**
 * The source and every alternative failed. An `AggregateError` that carries the brand of `ResilienceError` as well, so
 * `instanceof` holds for both.
 */
export class FallbackExhaustedError extends AggregateError {
  static {
    brand(this, 'FallbackExhaustedError');
    Object.defineProperty(this.prototype, brandOf('ResilienceError'), { value: true });
  }
  /** Name of the fallback policy. */
  readonly policy: string;
  /** Every error, the one of the source first; that one is the `cause` too. */
  declare readonly errors: unknown[];

  constructor(policy: string, errors: readonly unknown[]) {
    const list = errors.map((error, index) => `${index + 1}. ${messageOf(error)}`).join('; ');
    super(errors, `Fallback "${policy}": the source and every alternative failed: ${list}`, {
      cause: errors[0],
    });
    this.policy = policy;
  }

  /** The message without the words of others: what events repeat. */
  get summary(): string {
    return `Fallback "${this.policy}": the source and every alternative failed, ${this.errors.length} errors in all.`;
  }
}
