import type { SchedulerLike } from 'rxjs';
import * as z from 'zod/mini';
import { commonOptions, numberThat, parseConfig, period } from './config.ts';
import { inherit } from './inherit.ts';
import { RecentSum } from './recent-sum.ts';
import { enterCall } from './scope.ts';
import { steadyClockOf } from './steady-clock.ts';

const { name, scheduler } = commonOptions;

/** The options of a {@link RetryBudget}, with their defaults. */
export const RetryBudgetConfigSchema = z
  .strictObject({
    name,
    scheduler,
    /** Retries that every request pays for, from 0 to 1000: at 0.2 there is one for every five requests. @default 0.2 */
    retryRatio: z._default(
      numberThat((ratio) => ratio >= 0 && ratio <= 1_000, 'must be at least 0 and at most 1000'),
      0.2,
    ),
    /** Retries a second that nobody has to pay for, on average: for those who ask seldom. @default 10 */
    minRetriesPerSecond: z._default(
      numberThat((rate) => Number.isFinite(rate) && rate >= 0, 'must be finite, and not negative'),
      10,
    ),
    /** How long a payment counts, in milliseconds. @default 10_000 */
    timeToLive: z._default(period(), 10_000),
  })
  .check(
    z.refine(({ retryRatio, minRetriesPerSecond }) => retryRatio > 0 || minRetriesPerSecond > 0, {
      path: ['retryRatio'],
      message: 'must be greater than 0 where minRetriesPerSecond is 0: nothing could ever be retried',
    }),
  );
export type RetryBudgetConfig = z.input<typeof RetryBudgetConfigSchema>;

/** Accounts are kept in whole numbers, so that ten times a tenth is one. */
const DEPOSIT = 1_000_000;

/**
 * Bounds how much retries and hedges may add to the load, over all calls that share it: when everything fails, everybody
 * retries, and without a budget that multiplies the load of a service that is down already.
 *
 * Every first attempt pays in a part of a retry (`retryRatio`), every retry and every hedge takes a whole one out. What is
 * paid in and what is taken out expires after `timeToLive`, so a quiet hour saves nothing up; `minRetriesPerSecond` is there
 * without a payment, as much at once as a `timeToLive` brings. Over any stretch of time there are at most
 * `retryRatio` × (requests in it and in a `timeToLive` before it) + `minRetriesPerSecond` × (its seconds and those of a
 * `timeToLive`) retries. An empty budget never fails a first attempt: the error of the attempt goes downstream as it came.
 *
 * Source: the token bucket with a time to live of Finagle's `RetryBudget` (Twitter, 2015), the numbers of whose own tests
 * it reproduces; that retries and hedges are throttled together is from gRPC (proposal A6, 2017). Memory is fixed, and
 * every operation is O(1).
 *
 * @example
 * ```ts
 * const budget = new RetryBudget({ retryRatio: 0.1 });
 * source$.pipe(hedge({ delay: 500, budget }), retryWithBackoff({ maxRetries: 3, budget }));
 * console.log(budget.balance);
 * // 100
 * ```
 */
export class RetryBudget {
  readonly name: string;
  readonly #reserve: number;
  readonly #deposit: number;
  readonly #price: number;
  readonly #payments: RecentSum;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: RetryBudgetConfig = {}) {
    const { retryRatio, minRetriesPerSecond, timeToLive, ...options } = parseConfig(
      'RetryBudget',
      RetryBudgetConfigSchema,
      config,
    );
    this.name = options.name ?? 'retry-budget';
    const clock = steadyClockOf(options.scheduler);
    this.#deposit = retryRatio === 0 ? 0 : DEPOSIT;
    this.#price = retryRatio === 0 ? DEPOSIT : Math.round(DEPOSIT / retryRatio);
    this.#reserve = (minRetriesPerSecond * timeToLive * this.#price) / 1_000;
    this.#payments = new RecentSum(timeToLive, () => clock.now());
  }

  /** Retries that could be made now. */
  get balance(): number {
    return Math.max(0, Math.floor(this.#funds() / this.#price));
  }

  /** A request is made: its first attempt, not its retries. */
  deposit(): void {
    this.#payments.add(this.#deposit);
  }

  /** A call begins, of which a layer further out may have told already. @internal */
  begin(): void {
    if (enterCall().once(this)) this.deposit();
  }

  /**
   * Takes out what a retry costs, if it is there.
   *
   * @returns whether the retry may be made.
   */
  tryWithdraw(): boolean {
    if (this.#funds() < this.#price) return false;
    this.#payments.add(-this.#price);
    return true;
  }

  #funds(): number {
    return this.#payments.value + this.#reserve;
  }
}

/** The option of whoever spends from a budget. */
export const retryBudget = (): z.ZodMiniOptional<
  z.ZodMiniUnion<[z.ZodMiniCustom<RetryBudget, RetryBudget>, typeof RetryBudgetConfigSchema]>
> =>
  z.optional(
    z.union([z.instanceof(RetryBudget, { error: 'must be a RetryBudget' }), RetryBudgetConfigSchema]),
  );

/** A shared budget as it is; of a config, one that is made now. */
export const retryBudgetOf = (
  given: RetryBudget | RetryBudgetConfig,
  scheduler: SchedulerLike | undefined,
): RetryBudget => (given instanceof RetryBudget ? given : new RetryBudget(inherit(given, { scheduler })));
