import type { OperatorFunction } from 'rxjs';
import type * as z from 'zod/mini';
import { AdaptiveThrottle, adaptiveThrottle } from '../adaptive-throttle/index.ts';
import { bulkhead } from '../bulkhead/index.ts';
import { CircuitBreaker, circuitBreaker } from '../circuit-breaker/index.ts';
import { clockOf } from '../core/clock.ts';
import { parseConfig } from '../core/config.ts';
import { getEventBus } from '../core/event-bus.ts';
import { inherit } from '../core/inherit.ts';
import { labelled } from '../core/label.ts';
import type { AddingOperator } from '../core/operator-types.ts';
import { Places } from '../core/places.ts';
import { retryBudgetOf } from '../core/retry-budget.ts';
import { fallbackConfigOf } from '../fallback/fallback-config.ts';
import { type Alternative, type Answer, fallback } from '../fallback/index.ts';
import { type HedgeConfig, hedge } from '../hedge/index.ts';
import { RateLimiter, rateLimit } from '../rate-limit/index.ts';
import { retryWithBackoff } from '../retry/index.ts';
import { timeout } from '../timeout/index.ts';
import { announced } from './announced.ts';
import { compose } from './compose.ts';
import { type ResilienceConfig, ResilienceConfigSchema, type TransparentParts } from './resilience-config.ts';

/**
 * All patterns in the one order in which they help each other.
 *
 * *resilience: The breaker sees every attempt*
 * ```text
 * const breaker = new CircuitBreaker({ failureThreshold: 2,
 *     recoveryTimeout: 50 });
 * resilience({
 *   fallback: 'f',
 *   retry: { backoff: fixedBackoff(3), maxDelay: 10 },
 *   circuitBreaker: breaker,
 * })
 *
 * attempt 1   --#
 * attempt 2        --#
 * result      ----------(f|)
 * circuit     c------o------ 43ms h   c closed, o open, h half-open
 * ```
 *
 * From the outside to the inside: fallback > `timeout.total` > retry > hedge > circuit breaker > throttle > rate limit >
 * bulkhead > `timeout.first` and `timeout.each` > source.
 *
 * - The breaker sees every attempt and every attempt's timeout; an open circuit uses no permit and no place.
 * - To all that stands further in a hedge is an attempt of its own, with a permit and a place. It is no retry: each retry
 *   begins a new race.
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
 * @returns an operator; subscriptions through it share breaker, throttle, limiter and bulkhead.
 * @throws {FallbackExhaustedError | StreamTimeoutError | RetryExhaustedError | CircuitOpenError | ThrottledError |
 * RateLimitExceededError | BulkheadRejectedError} (as the stream's error), or the error of the source: what the outermost part says.
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
export function resilience<W = never>(
  config: TransparentParts<never, W> & { readonly fallback?: undefined },
): AddingOperator<W>;
/** All patterns in the one order in which they help each other. @see the documentation of the first overload. */
export function resilience<A extends Alternative, W = never>(
  config: TransparentParts<A, W>,
): AddingOperator<Answer<A> | W>;
/** All patterns in the one order in which they help each other. @see the documentation of the first overload. */
export function resilience<T, R = never, W = never>(
  config: ResilienceConfig<T, never, R, W> & { readonly fallback?: undefined },
): OperatorFunction<T, T | R | W>;
/** All patterns in the one order in which they help each other. @see the documentation of the first overload. */
export function resilience<T, A extends Alternative, R = never, W = never>(
  config: ResilienceConfig<T, A, R, W>,
): OperatorFunction<T, T | Answer<A> | R | W>;
export function resilience(
  config: z.input<typeof ResilienceConfigSchema>,
): OperatorFunction<unknown, unknown> {
  const parts = parseConfig('resilience', ResilienceConfigSchema, config);
  const { name, events, scheduler, random, commitOn } = parts;
  const { priority, patience, tokens, tokensOf, usageOf, reportsOf } = parts;
  const common = { name, events, scheduler };
  const committing = { ...common, commitOn };
  const { total = Infinity, ...limits } =
    typeof parts.timeout === 'number' ? { total: parts.timeout } : (parts.timeout ?? {});
  const { first, each, ...answer } = limits;
  const layers: OperatorFunction<never, unknown>[] = [];

  // From the inside to the outside.
  if ((first ?? each) !== undefined) layers.push(timeout(inherit(limits, committing)));
  if (parts.bulkhead) layers.push(bulkhead(policyOf(parts.bulkhead, Places, common), { priority, patience }));
  if (parts.rateLimit) {
    const demand = { priority, patience, tokens, tokensOf, usageOf, reportsOf };
    layers.push(rateLimit(policyOf(parts.rateLimit, RateLimiter, common), demand));
  }
  if (parts.throttle)
    layers.push(adaptiveThrottle(policyOf(parts.throttle, AdaptiveThrottle, { ...common, random })));
  if (parts.circuitBreaker)
    layers.push(circuitBreaker(policyOf(parts.circuitBreaker, CircuitBreaker, common)));
  const retry =
    typeof parts.retry === 'number'
      ? { maxRetries: parts.retry, timeout: Infinity, budget: undefined }
      : parts.retry;
  const budget = retry?.budget && retryBudgetOf(retry.budget, scheduler);
  if (parts.hedge !== undefined) {
    const hedging = typeof parts.hedge === 'number' ? { delay: parts.hedge } : parts.hedge;
    layers.push(hedge(inherit(hedging as HedgeConfig<never>, { ...committing, budget })));
  }
  const endsItself = (answer.with ?? answer.name ?? answer.events ?? answer.scheduler) !== undefined;
  if (retry !== undefined) {
    // A wait that would not fit into the total is refused at once, so the fallback need not wait for the end of it. A total
    // that has to be told by another name, or answered, ends the stream itself, before retry would.
    const known = answer.with ? Infinity : endsItself ? total + 1 : total;
    const limit = Math.min(known, retry.timeout);
    layers.push(retryWithBackoff(inherit({ ...retry, budget, timeout: limit }, { ...committing, random })));
  }
  if (total !== Infinity && (retry === undefined || endsItself))
    layers.push(timeout(inherit({ ...answer, total }, common)));
  if (parts.fallback !== undefined)
    layers.push(fallback(inherit(fallbackConfigOf(parts.fallback), committing)));
  if (layers.length > 0)
    layers.push(announced(name ?? 'resilience', events ?? getEventBus(), clockOf(scheduler)));
  return labelled('resilience', name ?? 'resilience', compose('resilience', layers));
}

/** A shared object as it is; a config together with what it inherits. */
function policyOf<Shared extends object, Config extends object>(
  given: Shared | Config,
  type: abstract new (...args: never[]) => Shared,
  inherited: object,
): Shared | Config {
  return given instanceof type ? given : inherit(given as Config, inherited);
}
