import type { OperatorFunction } from 'rxjs';
import { parseConfig } from '../core/config.ts';
import { isCancellation } from '../core/errors.ts';
import { getEventBus } from '../core/event-bus.ts';
import { labelled } from '../core/label.ts';
import type { AddingOperator } from '../core/operator-types.ts';
import { recovering } from '../core/recovery.ts';
import type { Alternative, Answer } from './alternative.ts';
import { type FallbackConfig, FallbackConfigSchema, fallbackConfigOf } from './fallback-config.ts';
import { FallbackRun } from './fallback-run.ts';

/**
 * Answers instead of a source that failed.
 *
 * *fallback: A chain is tried in order*
 * ```text
 * const events = new EventBus();
 * fallback({ events, alternatives: [brokenCache, 'x', 'y'] })
 *
 * source      --#
 * result      ----(x|)
 * alternative --1-2---
 * ```
 *
 * **An alternative** is a value, a stream, or a function of `{ error, errors, emitted }` that makes either. Observables,
 * promises, async iterables and readable streams are streams. Everything else is one value, emitted as it is, also a
 * string, an object or what a function returns as an array: `fallback(() => [])` emits one empty array. An array that is
 * given to the operator itself is a chain, tried in order. An object that has `alternatives`, `handle`,
 * `midStream` or `commitOn` is a config.
 *
 * An alternative is subscribed once and only after an error; a function that throws counts as its alternative's error.
 * Rejections by an open circuit, a full bulkhead or a rate limit are answered like any other error; the caller's own abort
 * is not, and `handle` may say more.
 *
 * **The commit rule.** After the first delivered value the error goes downstream as it came, so two answers are never
 * mixed, unless `midStream` allows it. `commitOn` says which values count.
 *
 * Unsubscribing ends whichever stream runs, and no other is tried. Events: `fallback_used`, `fallback_exhausted`.
 *
 * @param alternatives an array; without one, a single alternative or a config.
 * @returns an operator that delivers the values of the source, or of the first alternative that does not fail.
 * @throws {FallbackExhaustedError} (as the stream's error) when all have failed: every error in order, the first as `cause`.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const cache$ = throwError(() => new Error('not cached'));
 * const apology = ({ errors }: FallbackFailure) => `no answer after ${errors.length} errors`;
 * throwError(() => new Error('503'))
 *   .pipe(fallback([cache$, apology]))
 *   .subscribe(console.log);
 * // no answer after 2 errors
 * ```
 */
export function fallback<A extends readonly Alternative[] | []>(
  alternatives: A,
): AddingOperator<Answer<A[number]>>;
/** Answers instead of a source that failed, as the config says. @see the documentation of the first overload. */
export function fallback<A extends readonly Alternative[] | []>(
  config: FallbackConfig<never, A[number]> & { readonly alternatives: A; readonly commitOn?: undefined },
): AddingOperator<Answer<A[number]>>;
/** Answers instead of a source that failed, as the config says. @see the documentation of the first overload. */
export function fallback<T, A extends Alternative>(
  config: FallbackConfig<T, A>,
): OperatorFunction<T, T | Answer<A>>;
/** Answers instead of a source that failed. @see the documentation of the first overload. */
export function fallback<A extends Alternative>(alternative: A): AddingOperator<Answer<A>>;
export function fallback<T>(given: unknown): OperatorFunction<T, unknown> {
  const options = parseConfig('fallback', FallbackConfigSchema, fallbackConfigOf(given));
  const policy = {
    ...options,
    name: options.name ?? 'fallback',
    // The array is the caller's, who may go on with it.
    alternatives: [...options.alternatives] as Alternative[],
    handle: options.handle ?? ((error: unknown) => !isCancellation(error)),
    events: options.events ?? getEventBus(),
    commitOn: options.commitOn as ((value: unknown) => boolean) | undefined,
  };
  return labelled('fallback', policy.name, (source) =>
    recovering<unknown>(source, () => new FallbackRun(policy)),
  );
}
