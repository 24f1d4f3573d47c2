import type { OperatorFunction } from 'rxjs';
import { labelled } from '../core/label.ts';
import type { TransparentOperator } from '../core/operator-types.ts';
import { recovering } from '../core/recovery.ts';
import type { RetryConfig } from './retry-config.ts';
import { RetryPolicy } from './retry-policy.ts';
import { RetryRun } from './retry-run.ts';

/**
 * Subscribes again to a source that failed, after a wait that grows.
 *
 * *retryWithBackoff: Every wait is twice as long as the one before*
 * ```text
 * const events = new EventBus();
 * retryWithBackoff({ events, backoff: exponentialBackoff({ base: 2 }) })
 *
 * attempt 1   --#
 * attempt 2       --#
 * attempt 3             --#
 * attempt 4                       a|
 * result      --------------------a|
 * waits in ms --2---4-----8---------
 * ```
 *
 * **The commit rule.** After the first delivered value an error goes downstream as it came, so nothing is emitted twice.
 * `commitOn` says which values count, `resume` how a broken stream goes on: {@link replayFromStart},
 * {@link skipDelivered}, {@link restartBehind}, or a function of your own.
 *
 * **What is retried.** Every error but those that no repetition cures: errors of the caller (400, 401, 403, 404, 413,
 * 422, an abort, …) and those whose own `retryable` is `false`; `retryable: true` outweighs a status. A rejection of this
 * library is retried when it says when to come back, as a rate limit and an open circuit do, and a bulkhead that knows by
 * now how long its streams take; or when the places of a half-open circuit are taken, which its probes give back. `retryOn`
 * and `retryIf` replace all this, except that no rejection is ever retried without a wait.
 *
 * **The wait.** 1, 2, 4 … seconds, at most 60, unless `backoff` says otherwise. An error's `retryAfter` (milliseconds) wins
 * when it is longer. A wait of 0 uses no timer.
 *
 * **Giving up.** At once when the error is not retried, the attempts are used up, the server asks for more than `maxDelay`,
 * or the wait does not fit into what is left of `timeout`. Downstream receives the original error when no retry ran. When
 * one did, it receives a `RetryExhaustedError` with the number of attempts and the last error as its `cause`, whatever the
 * reason: also when the last error is one that is not retried. Only the caller's own abort always goes out as it came.
 *
 * Unsubscribing ends the attempt or the wait at once; nothing else happens. Nothing is shared between subscriptions.
 * Events: `retry_attempted` before every wait, `stream_resumed`, `retry_exhausted`, `timed_out`.
 *
 * @param config the number of retries beside the first attempt, or a config. @default 3
 * @returns an operator that delivers the values of the attempts, each value once.
 * @throws {RetryExhaustedError} (as the stream's error) when retries have run and the last attempt failed as well.
 * @throws {StreamTimeoutError} (as the stream's error) when `timeout` has passed; its `cause` is the last error.
 * @throws {ResilienceError} (as the stream's error) when a back-off function throws or answers NaN, a negative number or
 * Infinity.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * let attempt = 0;
 * defer(() => (++attempt < 3 ? throwError(() => new Error('503')) : of(`answer of attempt ${attempt}`)))
 *   .pipe(retryWithBackoff({ maxRetries: 3, backoff: exponentialBackoff({ base: 100 }) }))
 *   .subscribe(console.log);
 * // answer of attempt 3
 * ```
 * @see {@link exponentialBackoff}, {@link fullJitterBackoff}, {@link decorrelatedJitterBackoff}
 */
export function retryWithBackoff(
  config?: number | (RetryConfig & { readonly commitOn?: undefined; readonly resume?: undefined }),
): TransparentOperator;
export function retryWithBackoff<T, R = never>(
  config?: number | RetryConfig<T, R>,
): OperatorFunction<T, T | R>;
export function retryWithBackoff<T, R>(config: number | RetryConfig<T, R> = {}): OperatorFunction<T, T | R> {
  const policy = new RetryPolicy(typeof config === 'object' ? config : { maxRetries: config });
  return labelled('retryWithBackoff', policy.name, (source) =>
    recovering<T | R>(source, () => new RetryRun(policy, source)),
  );
}
