import { admission } from '../core/admission.ts';
import { labelled } from '../core/label.ts';
import type { TransparentOperator } from '../core/operator-types.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerConfig } from './config.ts';

/**
 * Refuses to subscribe while the source keeps failing.
 *
 * *circuitBreaker: Failures in a row open the circuit, and then nobody calls*
 * ```text
 * circuitBreaker({ failureThreshold: 2, recoveryTimeout: 10 })
 *
 * attempt 1   -#
 * attempt 2      -#
 * consumer 1  -#
 * consumer 2     -#
 * consumer 3        #           CircuitOpenError
 * circuit     c---o---------h   c closed, o open, h half-open
 * ```
 *
 * Every subscription asks the breaker; while the circuit is open the source is not subscribed. Complete (also without a
 * value) is a success; an error is what `classify` says, and passes through unchanged; values never count. All of that is
 * settled before downstream hears of the end. Unsubscribing is neutral: it gives the place of a probe back and counts
 * nothing. An attempt whose circuit opens while it waits in the queue of an inner policy is refused as well.
 *
 * @param breaker the shared object, or a config from which one is made for this operator.
 * @returns an operator; every subscription through it is one call.
 * @throws {CircuitOpenError} (as the stream's error) with `retryAfter`, and the failure that opened the circuit as `cause`.
 * It carries no stack of its own: refusing has to cost next to nothing.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const guarded = circuitBreaker({ name: 'search', failureThreshold: 3, recoveryTimeout: 10_000 });
 * query$.pipe(switchMap((query) => search(query).pipe(guarded)));
 * ```
 * @see {@link CircuitBreaker}
 */
export function circuitBreaker(breaker: CircuitBreaker | CircuitBreakerConfig = {}): TransparentOperator {
  const policy = breaker instanceof CircuitBreaker ? breaker : new CircuitBreaker(breaker);
  return labelled('circuitBreaker', policy.name, admission(policy));
}
