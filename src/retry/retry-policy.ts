import { type Clock, clockOf } from '../core/clock.ts';
import { parseConfig } from '../core/config.ts';
import { messageOf, ResilienceError } from '../core/errors.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { defaultRandom } from '../core/random.ts';
import { type RetryBudget, retryBudgetOf } from '../core/retry-budget.ts';
import { type Acceptance, acceptanceOf } from './acceptance.ts';
import { type Backoff, backoffOf } from './backoff.ts';
import type { Resume } from './resume.ts';
import { type RetryConfig, RetryConfigSchema } from './retry-config.ts';

/** The longest that a server may ask for where nobody has set a cap. */
const LONGEST_WAIT = 60_000;

/** What all subscriptions through one operator have in common. It holds no state. */
export class RetryPolicy<T, R> {
  readonly name: string;
  readonly maxRetries: number;
  readonly maxDelay: number;
  readonly timeout: number;
  readonly budget: RetryBudget | undefined;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly accepts: Acceptance;
  readonly onRetry: RetryConfig['onRetry'];
  readonly commitOn: ((value: T) => boolean) | undefined;
  readonly resume: Resume<T, R> | undefined;
  readonly #backoff: Backoff;
  readonly #longestBackoff: number;
  readonly #random: () => number;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: RetryConfig<T, R>) {
    const options = parseConfig('retryWithBackoff', RetryConfigSchema, config);
    this.#backoff = backoffOf(options.backoff);
    this.#longestBackoff = options.maxDelay ?? Number.POSITIVE_INFINITY;
    this.#random = options.random ?? defaultRandom;
    this.name = options.name ?? 'retry';
    this.maxRetries = options.maxRetries;
    this.maxDelay = options.maxDelay ?? this.#backoff.maxDelay ?? LONGEST_WAIT;
    this.timeout = options.timeout;
    this.budget = options.budget && retryBudgetOf(options.budget, options.scheduler);
    this.clock = clockOf(options.scheduler);
    this.events = options.events ?? getEventBus();
    this.accepts = acceptanceOf(options);
    this.onRetry = options.onRetry;
    this.commitOn = config.commitOn;
    this.resume = config.resume;
  }

  /**
   * Milliseconds that the back-off wants to wait before a retry.
   *
   * @throws {ResilienceError} when the back-off gives no usable answer: neither a hot loop nor an endless wait.
   */
  backoff(retry: number, previousDelay: number, error: unknown): number {
    let delay: number;
    try {
      delay = this.#backoff.delay(retry, previousDelay, this.#random);
    } catch (thrown) {
      throw this.#unusable(`threw "${messageOf(thrown)}"`, retry, error);
    }
    if (Number.isFinite(delay) && delay >= 0) return Math.min(delay, this.#longestBackoff);
    throw this.#unusable(`said ${String(delay)}`, retry, error);
  }

  #unusable(answer: string, retry: number, cause: unknown): ResilienceError {
    return new ResilienceError(
      `Retry "${this.name}": asked how long to wait before retry ${retry}, the back-off ${answer}. ` +
        'It must answer with milliseconds, finite and not negative.',
      { cause },
    );
  }
}
