import * as z from 'zod/mini';
import { commonOptions, count, duration, functionOption, limit, notEmpty } from '../core/config.ts';
import { type RetryBudget, type RetryBudgetConfig, retryBudget } from '../core/retry-budget.ts';
import { BackoffSchema } from './backoff.ts';
import type { Resume } from './resume.ts';

/** Any class of errors. */
type ErrorClass = abstract new (...args: never[]) => unknown;

/** The options of `retryWithBackoff()`, with their defaults. */
export const RetryConfigSchema = z.strictObject({
  ...commonOptions,
  /** Attempts beside the first one: 3 means at most four subscriptions. 0 never retries. @default 3 */
  maxRetries: z._default(count(0), 3),
  /** How long to wait before a retry: a name, a strategy, or a function of the attempt. @default 'exponential' */
  backoff: z._default(BackoffSchema, 'exponential'),
  /**
   * The longest wait, in milliseconds. A longer back-off is cut to it; a server that asks for more is not retried.
   *
   * @default the cap of the back-off; 60_000 where it has none
   */
  maxDelay: z.optional(duration()),
  budget: retryBudget(),
  /** To the end of the stream, all attempts and waits together, in milliseconds; `Infinity` means none. @default Infinity */
  timeout: z._default(limit(), Number.POSITIVE_INFINITY),
  /** Classes of errors that are retried. With `retryIf`, both have to agree. @default every error that may pass */
  retryOn: z.optional(
    z
      .array(
        z.custom<ErrorClass>((value) => typeof value === 'function', 'must be a class'),
        'must be an array',
      )
      .check(notEmpty('must name at least one class')),
  ),
  /** Says whether to retry after this error of the n-th attempt, from 1. @default every error that may pass */
  retryIf: z.optional(functionOption<(error: unknown, attempt: number) => boolean>()),
  /** Hears of every retry before its wait: its number from 1, the error, and the wait in milliseconds. */
  onRetry: z.optional(functionOption<(attempt: number, error: unknown, delay: number) => void>()),
  /** Says which values commit: after one of them an error is not retried without `resume`. @default all */
  commitOn: z.optional(functionOption<(value: never) => boolean>()),
  /** How to go on when a stream breaks after its commit. @default its error goes downstream */
  resume: z.optional(functionOption<Resume<never, unknown>>()),
  /** Gives numbers in [0, 1), for jitter. @default Math.random */
  random: z.optional(functionOption<() => number>()),
});

/** @typeParam T values of the source. @typeParam R values of `resume`. */
export interface RetryConfig<T = unknown, R = never>
  extends Omit<z.input<typeof RetryConfigSchema>, 'budget' | 'commitOn' | 'resume'> {
  /**
   * What retries may add to the load: a budget that others spend from too, or the config of one for this operator.
   *
   * @default no limit
   */
  readonly budget?: RetryBudget | RetryBudgetConfig | undefined;
  /** Says which values commit: after one of them an error is not retried without `resume`. @default all */
  readonly commitOn?: ((value: T) => boolean) | undefined;
  /** How to go on when a stream breaks after its commit. @default its error goes downstream */
  readonly resume?: Resume<T, R> | undefined;
}
