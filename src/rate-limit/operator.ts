import type { MonoTypeOperatorFunction } from 'rxjs';
import type * as z from 'zod/mini';
import { admission } from '../core/admission.ts';
import { parseConfig } from '../core/config.ts';
import { labelled } from '../core/label.ts';
import type { TransparentOperator } from '../core/operator-types.ts';
import { type RateLimitOptions, RateLimitOptionsSchema, tokenDemandOf } from './rate-limit-options.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { RateLimiterConfig } from './rate-limiter-config.ts';

/**
 * Bounds how many subscriptions may start in a span of time.
 *
 * *rateLimit: First a burst, then one after the other*
 * ```text
 * rateLimit({ requestsPerSecond: 250, burstSize: 2 })
 *
 * attempt 1     -a|
 * attempt 2     -a|
 * attempt 3         -a|
 * attempt 4             -a|
 * consumer 1    -a|
 * consumer 2    -a|
 * consumer 3    -----a|
 * consumer 4    ---------a|
 * permits     2-0-----------1---2
 * waiting     0-2---1---0--------
 * ```
 *
 * A dash is a millisecond, so 250 a second is one every fourth dash, after the two of the burst.
 *
 * One subscription takes one permit, whatever the number of its values. Where there is none, it waits in line (`maxQueue`)
 * before its source is subscribed; a wait that would be longer than `queueTimeout` is refused at once. Values, errors and
 * completion pass through unchanged. Unsubscribing in the line leaves it, and all behind move up. A permit comes back if
 * its source was never subscribed, or if another policy of this library refused: then nothing was sent.
 *
 * The algorithm is a token bucket by virtual scheduling (GCRA, ITU-T I.371). `burstSize` permits are there at the start,
 * `requestsPerSecond` come back, and what is not used does not pile up beyond the burst.
 *
 * @param limiter the shared object, or a config from which one is made for this operator. By default 10 a second, 20 at
 * once, a line of 50, a wait of 5 000 ms.
 * @returns an operator; every subscription through it takes one permit.
 * @throws {RateLimitExceededError} (as the stream's error) with `retryAfter`, when the queue is full or the wait too long.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const gently = rateLimit({ name: 'search', requestsPerSecond: 1, burstSize: 1, queueTimeout: 500 });
 * of('first').pipe(gently).subscribe(console.log);
 * // first
 * of('second').pipe(gently).subscribe({ error: ({ name }) => console.log(name) });
 * // RateLimitExceededError
 * ```
 * @see {@link RateLimiter}
 */
export function rateLimit(
  limiter?: RateLimiter | RateLimiterConfig,
  options?: UnlookedOptions,
): TransparentOperator;
/** Bounds how many subscriptions may start, and what they use. @see the documentation of the first overload. */
export function rateLimit<T>(
  limiter: RateLimiter | RateLimiterConfig,
  options: RateLimitOptions<T>,
): MonoTypeOperatorFunction<T>;
export function rateLimit(
  limiter: RateLimiter | RateLimiterConfig = {},
  options: z.input<typeof RateLimitOptionsSchema> = {},
): TransparentOperator {
  const policy = limiter instanceof RateLimiter ? limiter : new RateLimiter(limiter);
  const demand = tokenDemandOf('rateLimit', parseConfig('rateLimit', RateLimitOptionsSchema, options));
  return labelled('rateLimit', policy.name, admission(policy, demand));
}

/** Options that do not look at values: an operator made of them fits a stream of any type. */
type UnlookedOptions = RateLimitOptions<never> & {
  readonly tokensOf?: undefined;
  readonly usageOf?: undefined;
  readonly reportsOf?: undefined;
};
