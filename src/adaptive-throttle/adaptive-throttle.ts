import * as z from 'zod/mini';
import { commonOptions, functionOption, numberThat, parseConfig, period } from '../core/config.ts';
import { isCallerError, isLocalRejection, isOverload, ThrottledError } from '../core/errors.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { type AdmissionPolicy, type Applicant, Lease, type Outcome } from '../core/lease.ts';
import { defaultRandom } from '../core/random.ts';
import { RecentSum } from '../core/recent-sum.ts';
import { steadyClockOf } from '../core/steady-clock.ts';
import { withoutStack } from '../core/without-stack.ts';

/** What the other side did with a request. `neutral`: that is not known, as if it had not been made. */
export type Reception = 'accepted' | 'rejected' | 'neutral';

/** The options of an {@link AdaptiveThrottle}, with their defaults. */
export const AdaptiveThrottleConfigSchema = z.strictObject({
  ...commonOptions,
  /**
   * How many requests are tried for each that is accepted, at least 1. Lower is more considerate of the other side, higher
   * sees sooner that it has recovered. @default 2
   */
  multiplier: z._default(
    numberThat((value) => Number.isFinite(value) && value >= 1, 'must be finite, and at least 1'),
    2,
  ),
  /** How long a request counts, in milliseconds. @default 120_000 */
  window: z._default(period(), 120_000),
  /**
   * However bad it looks, some are let through to find out, in [0, 1]. With 1 it is the formula of the source, which
   * after a long outage takes minutes to notice that it is over. @default 0.95
   */
  maxProbability: z._default(
    numberThat((value) => value >= 0 && value <= 1, 'must be at least 0 and at most 1'),
    0.95,
  ),
  /**
   * What an error says the other side did with the request.
   * @default 429, 503, 529 and a late first value are rejected, caller errors accepted, all else is neutral
   */
  classify: z.optional(functionOption<(error: unknown) => Reception>()),
  /** Gives numbers in [0, 1): who is turned away. @default Math.random */
  random: z.optional(functionOption<() => number>()),
});
export type AdaptiveThrottleConfig = z.input<typeof AdaptiveThrottleConfigSchema>;

/**
 * Turns requests away before they are made, as many as the other side would: it costs an overloaded service something to
 * say no, too.
 *
 * A request is turned away with the probability `(requests − multiplier × accepts) / (requests + 1)`, never less than 0,
 * over the last `window`. `requests` are all that were wanted, those turned away here included; `accepts` are those that
 * the other side took. So however many are wanted, about `multiplier` are tried for each that is accepted.
 *
 * Source: adaptive throttling, Site Reliability Engineering (Beyer and others, O'Reilly 2016), chapter 21, "Handling
 * Overload". Other than there, a request counts once its reception is known - a stream, with its first value - so that a
 * burst of slow requests is not taken for a service that accepts nothing. Every operation is O(1).
 */
export class AdaptiveThrottle implements AdmissionPolicy {
  readonly name: string;
  readonly #multiplier: number;
  readonly #maxProbability: number;
  readonly #classify: (error: unknown) => Reception;
  readonly #random: () => number;
  readonly #events: EventBus;
  readonly #requests: RecentSum;
  readonly #accepts: RecentSum;
  #rejectedCount = 0;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: AdaptiveThrottleConfig = {}) {
    const options = parseConfig('AdaptiveThrottle', AdaptiveThrottleConfigSchema, config);
    const clock = steadyClockOf(options.scheduler);
    this.name = options.name ?? 'adaptive-throttle';
    this.#multiplier = options.multiplier;
    this.#maxProbability = options.maxProbability;
    this.#classify = options.classify ?? reception;
    this.#random = options.random ?? defaultRandom;
    this.#events = options.events ?? getEventBus();
    this.#requests = new RecentSum(options.window, () => clock.now());
    this.#accepts = new RecentSum(options.window, () => clock.now());
  }

  /** Requests of the last `window` whose reception is known, and those that were turned away here. */
  get requests(): number {
    return this.#requests.value;
  }

  /** Those that the other side took. */
  get accepts(): number {
    return this.#accepts.value;
  }

  /** How likely the next request is to be turned away. */
  get probability(): number {
    const { requests, accepts } = this;
    const excess = (requests - this.#multiplier * accepts) / (requests + 1);
    return Math.min(Math.max(0, excess), this.#maxProbability);
  }

  /** Requests turned away so far. */
  get rejectedCount(): number {
    return this.#rejectedCount;
  }

  /**
   * A lease for code without a stream. Settle it with what the other side said; `firstValue()` says that it has accepted.
   *
   * ```ts
   * using lease = throttle.acquire();
   * const reply = await send(message);
   * lease.success();
   * ```
   *
   * @throws {ThrottledError} when the request is turned away.
   */
  acquire(): Lease {
    const answer = this.admit();
    if (answer instanceof Error) throw answer;
    return answer;
  }

  /** @internal */
  admit(_applicant?: Applicant): Lease | Error {
    const { probability } = this;
    if (probability > 0 && this.#random() < probability) return this.#reject(probability);
    return new ThrottleLease(this.#received, this.#classify);
  }

  readonly #received = (accepted: boolean): void => {
    this.#requests.add(1);
    if (accepted) this.#accepts.add(1);
  };

  #reject(probability: number): Error {
    this.#rejectedCount++;
    this.#requests.add(1);
    this.#events.publish('throttled', this.name, { probability });
    return withoutStack(() => new ThrottledError(this.name, probability));
  }
}

class ThrottleLease extends Lease {
  readonly #received: (accepted: boolean) => void;
  readonly #classify: (error: unknown) => Reception;
  #known = false;

  constructor(received: (accepted: boolean) => void, classify: (error: unknown) => Reception) {
    super();
    this.#received = received;
    this.#classify = classify;
  }

  override firstValue(): void {
    this.#settle('accepted');
  }

  protected override onSettled(outcome: Outcome, error?: unknown): void {
    if (outcome === 'success') this.#settle('accepted');
    if (outcome === 'failure' && !this.#known && !isLocalRejection(error))
      this.#settle(this.#classify(error));
  }

  #settle(reception: Reception): void {
    if (this.#known) return;
    this.#known = true;
    if (reception !== 'neutral') this.#received(reception === 'accepted');
  }
}

function reception(error: unknown): Reception {
  if (isOverload(error)) return 'rejected';
  return isCallerError(error) ? 'accepted' : 'neutral';
}
