import { brand, brandOf } from './brand.ts';
import { messageOf } from './message-of.ts';
import { retryAfterOf } from './verdicts.ts';

/**
 * At least one hedge ran, and every attempt failed. An `AggregateError` that carries the brand of `ResilienceError` as well,
 * so `instanceof` holds for both.
 */
export class HedgeExhaustedError extends AggregateError {
  static {
    brand(this, 'HedgeExhaustedError');
    Object.defineProperty(this.prototype, brandOf('ResilienceError'), { value: true });
  }
  /** Name of the hedge policy. */
  readonly policy: string;
  /** The error of every attempt, in the order in which they failed; the first one is the `cause` too. */
  declare readonly errors: unknown[];
  /** Milliseconds until all who have asked for a wait are ready again; `undefined` when nobody has. */
  readonly retryAfter: number | undefined;

  constructor(policy: string, errors: readonly unknown[]) {
    const list = errors.map((error, index) => `${index + 1}. ${messageOf(error)}`).join('; ');
    super(errors, `Hedge "${policy}": all ${errors.length} attempts failed: ${list}`, { cause: errors[0] });
    this.policy = policy;
    const asked = errors.map(retryAfterOf).filter((wait) => wait !== undefined);
    this.retryAfter = asked.length === 0 ? undefined : Math.max(...asked);
  }

  /** The message without the words of others: what events repeat. */
  get summary(): string {
    return `Hedge "${this.policy}": all ${this.errors.length} attempts failed.`;
  }
}
