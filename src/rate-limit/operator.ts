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
 * Bounds how many subscriptions may start in a span of time, and how many model tokens they use.
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
 * its source was never subscribed, or if another policy of this library refused: then nothing was sent. A bulkhead inside
 * makes those wait who have a permit, and they may start together when its places come free.
 *
 * The algorithm is a token bucket by virtual scheduling (GCRA, ITU-T I.371). `burstSize` permits are there at the start,
 * `requestsPerSecond` come back, and what is not used does not pile up beyond the burst.
 *
 * **Model tokens.** With `tokensPerMinute` and its kind a subscription reserves `tokens` before it starts, from all limits
 * at once. While it flows, what its values hold beyond that (`tokensOf`, `usageOf`) is taken as it comes; at its end the
 * last `usageOf` is settled: the rest of the reservation goes back, what it lacks becomes a debt, which is paid before
 * anybody else starts. Without a usage, a stream that completes has used what was counted, if something was, and one that
 * breaks off or is cancelled keeps its reservation.
 *
 * **The service.** An error with the status 429 or of the kind `rate-limit` (503, 529 and `overloaded` if they have a
 * `retryAfter`) pauses the limiter for all, and `reportsOf` lowers it to what the service says is left: see `feedback`.
 *
 * @param limiter the shared object, or a config from which one is made for this operator. By default 10 a second, 20 at
 * once, a line of 50, a wait of 5 000 ms.
 * @param options what each subscription asks, and how its values tell what it uses.
 * @returns an operator; every subscription through it takes one permit.
 * @throws {RateLimitExceededError} (as the stream's error) with `retryAfter`, when the queue is full, the wait too long, or
 * the place in line needed for a higher `priority`.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const gently = rateLimit({ name: 'search', requestsPerSecond: 1, burstSize: 1, queueTimeout: 500 });
 * of('first').pipe(gently).subscribe(console.log);
 * // first
 * of('second').pipe(gently).subscribe({ error: ({ name }) => console.log(name) });
 * // RateLimitExceededError
 *
 * const limiter = new RateLimiter({ requestsPerMinute: 500, tokensPerMinute: 30_000 });
 * const answer$ = ask(question).pipe(rateLimit(limiter, { tokens: 1_200, usageOf: (chunk) => chunk.usage }));
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
