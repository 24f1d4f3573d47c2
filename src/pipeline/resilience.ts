import type { OperatorFunction } from 'rxjs';
import type * as z from 'zod/mini';
import { Bulkhead, bulkhead } from '../bulkhead/index.ts';
import { CircuitBreaker, circuitBreaker } from '../circuit-breaker/index.ts';
import { parseConfig } from '../core/config.ts';
import { labelled } from '../core/label.ts';
import { type Alternative, type Answer, type FallbackConfig, fallback } from '../fallback/index.ts';
import { RateLimiter, rateLimit } from '../rate-limit/index.ts';
import { retryWithBackoff } from '../retry/index.ts';
import { timeout } from '../timeout/index.ts';
import { compose } from './compose.ts';
import { type ResilienceConfig, ResilienceConfigSchema } from './resilience-config.ts';

export function resilience<T, R = never, W = never>(
  config: ResilienceConfig<T, never, R, W> & { readonly fallback?: undefined },
): OperatorFunction<T, T | R | W>;
export function resilience<T, A extends Alternative, R = never, W = never>(
  config: ResilienceConfig<T, A, R, W>,
): OperatorFunction<T, T | Answer<A> | R | W>;
/**
 * All patterns in the one order in which they help each other.
 *
 * ```
 * 1st attempt  --#
 * 2nd attempt       --#              the breaker has seen enough: open
 * 3rd attempt                        not made
 *                resilience({ retry: 2, circuitBreaker: { failureThreshold: 2 }, fallback: 'f' })
 * result       -------(f|)
 * ```
 *
 * From the outside to the inside: fallback > `timeout.total` > retry > circuit breaker > rate limit > bulkhead >
 * `timeout.first` and `timeout.each` > source.
 *
 * - The breaker sees every attempt and every attempt's timeout; an open circuit uses no permit and no place.
 * - A wait for a permit or a place is no part of a slow call, nor of `timeout.first`.
 * - `timeout.total` bounds attempts, waits and back-offs together, and the fallback can still act when it fires.
 * - The fallback sees the final verdict.
 *
 * Every part is optional, and what is absent costs nothing. A part takes what its operator takes: a shared object, or a
 * config from which one is made for this operator, now. A plain config inherits `name`, `events`, `scheduler`, `random`
 * and `commitOn` where it does not say otherwise. `timeout.with` answers for whichever clock ran out; for `first` and
 * `each` that answer is the attempt's, a success to the breaker.
 *
 * Unsubscribing ends whatever is under way, an attempt, a wait in line or a back-off, and is neutral to all parts.
 *
 * @param config the parts. A `fallback` that is to answer with `undefined` is written `[undefined]`.
 * @returns an operator; subscriptions through it share breaker, limiter and bulkhead.
 * @throws {FallbackExhaustedError | StreamTimeoutError | RetryExhaustedError | CircuitOpenError | RateLimitExceededError |
 * BulkheadRejectedError} (as the stream's error), or the error of the source: what the outermost part says.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const guarded = resilience({
 *   name: 'prices',
 *   timeout: { total: 10_000, first: 2_000 },
 *   retry: 3,
 *   circuitBreaker: { failureThreshold: 5 },
 *   bulkhead: { maxConcurrent: 10 },
 *   fallback: 'price on request',
 * });
 * throwError(() => new Error('not found')).pipe(guarded).subscribe(console.log); // after three back-offs
 * // price on request
 * ```
 * @see {@link protect} and {@link resilient} for promises
 */
export function resilience(
  config: z.input<typeof ResilienceConfigSchema>,
): OperatorFunction<unknown, unknown> {
  const parts = parseConfig('resilience', ResilienceConfigSchema, config);
  const { name, events, scheduler, random, commitOn } = parts;
  const common = { name, events, scheduler };
  const { total, ...limits } =
    typeof parts.timeout === 'number' ? { total: parts.timeout } : (parts.timeout ?? {});
  const { first, each, ...answer } = limits;
  const layers: OperatorFunction<never, unknown>[] = [];

  // From the inside to the outside.
  if ((first ?? each) !== undefined) layers.push(timeout({ ...common, commitOn, ...limits }));
  if (parts.bulkhead) layers.push(bulkhead(inheriting(parts.bulkhead, Bulkhead, common)));
  if (parts.rateLimit) layers.push(rateLimit(inheriting(parts.rateLimit, RateLimiter, common)));
  if (parts.circuitBreaker)
    layers.push(circuitBreaker(inheriting(parts.circuitBreaker, CircuitBreaker, common)));
  if (parts.retry !== undefined) {
    const retry = typeof parts.retry === 'number' ? { maxRetries: parts.retry } : parts.retry;
    layers.push(retryWithBackoff({ ...common, random, commitOn, ...retry }));
  }
  if (total !== undefined) layers.push(timeout({ ...common, ...answer, total }));
  if (parts.fallback !== undefined) {
    layers.push(fallback({ ...common, commitOn, ...fallbackConfigOf(parts.fallback) }));
  }
  return labelled('resilience', name ?? 'resilience', compose('resilience', layers));
}

/** A shared object as it is; a config together with what it inherits. */
function inheriting<Shared extends object, Config extends object>(
  part: Shared | Config,
  type: abstract new (...args: never[]) => Shared,
  common: object,
): Shared | Config {
  return part instanceof type ? part : { ...common, ...(part as Config) };
}

/** The forms that `fallback()` takes, as the one that can inherit. */
function fallbackConfigOf(given: unknown): FallbackConfig {
  if (Array.isArray(given)) return { alternatives: given };
  const isConfig = typeof given === 'object' && given !== null && 'alternatives' in given;
  return isConfig ? (given as FallbackConfig) : { alternatives: [given as Alternative] };
}
