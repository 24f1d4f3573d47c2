import { defer, type Observable, type OperatorFunction } from 'rxjs';
import { clockOf } from '../core/clock.ts';
import { parseConfig } from '../core/config.ts';
import { isCancellation } from '../core/errors.ts';
import { getEventBus } from '../core/event-bus.ts';
import { labelled } from '../core/label.ts';
import type { AddingOperator, TransparentOperator } from '../core/operator-types.ts';
import { racing } from '../core/race.ts';
import { retryBudgetOf } from '../core/retry-budget.ts';
import { toObservable } from '../interop/to-observable.ts';
import { mayPassAtOnce } from './acceptance.ts';
import {
  type HedgeAlternative,
  type HedgeAnswer,
  type HedgeConfig,
  HedgeConfigSchema,
} from './hedge-config.ts';
import { type HedgePolicy, HedgeRun } from './hedge-run.ts';
import { LatencyPercentile } from './latency-percentile.ts';

/**
 * Starts a second attempt when the first one is late, and takes whichever speaks first.
 *
 * *hedge: A second attempt joins the one that is late, and the first to speak wins*
 * ```text
 * hedge(5)
 *
 * attempt 1   -------!
 * attempt 2        --b--c|
 * result      -------b--c|
 * ```
 *
 * **The race.** When an attempt has not committed after `delay`, another one joins it; one that fails is followed at once.
 * The first attempt to commit wins: the others are unsubscribed, and only then its values are delivered. What an attempt
 * sends before it commits is held back, so downstream sees a single stream that was never mixed. `commitOn` says which
 * values commit; an error, an empty stream, or one that sends nothing but pings cannot win. Where nobody wins the stream
 * completes as the first attempt that has completed, or fails.
 *
 * **The delay** is a number, or a live percentile: by default one attempt in twenty is hedged, the slowest
 * ({@link LatencyPercentile}). It hedges nobody before it knows 20 times. Of a first attempt that is beaten it is known that it
 * would have taken longer, so hedging does not make its own percentile look better than the service is. The delay begins
 * when the attempt does: who waits in a line of ours, for a permit or a place, is not late.
 *
 * **The load.** Every hedge is a request. `budget` bounds what they add, also when everything is slow: by default to one for
 * every five requests, beside ten a second ({@link RetryBudget}).
 *
 * **Failures.** An error that no repetition cures, or that asks for a wait, is not followed by a hedge; `hedgeIf` may say
 * otherwise. Losers are cancelled, which is neutral to the policies around them; the winner's is the only end that counts.
 *
 * Only hedge what may safely be done twice. Unsubscribing ends all attempts at once. Events: `hedge_started`, `hedge_won`,
 * `hedge_refused`.
 *
 * Sources: Jeffrey Dean and Luiz André Barroso, "The Tail at Scale", Communications of the ACM 56(2), 2013; the hedging
 * policy of gRPC (proposal A6, 2017).
 *
 * @param config the `delay` in milliseconds, or a config.
 * @returns an operator; subscriptions through it share the percentile and the budget.
 * @throws {HedgeExhaustedError} (as the stream's error) when several attempts were made and all have failed: every error, the
 * first as its `cause`. The error of a single attempt goes downstream as it came, and so does the caller's own abort.
 * @throws {ResilienceError} (as an attempt's error) when it sends a thousand values and none that commits.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * let attempt = 0;
 * const answer$ = defer(() => timer(++attempt === 1 ? 1_000 : 10).pipe(map(() => `answer of attempt ${attempt}`)));
 * answer$.pipe(hedge(50)).subscribe(console.log);
 * // answer of attempt 2
 * ```
 * @see {@link LatencyPercentile}, {@link RetryBudget}
 */
export function hedge(
  config?:
    | number
    | (HedgeConfig<never> & { readonly alternatives?: undefined; readonly commitOn?: undefined }),
): TransparentOperator;
/** Starts another attempt when one is late, and takes whichever speaks first. @see the documentation of the first overload. */
export function hedge<A extends HedgeAlternative>(
  config: HedgeConfig<never, A> & { readonly commitOn?: undefined },
): AddingOperator<HedgeAnswer<A>>;
/** Starts another attempt when one is late, and takes whichever speaks first. @see the documentation of the first overload. */
export function hedge<T, A extends HedgeAlternative = never>(
  config: HedgeConfig<T, A>,
): OperatorFunction<T, T | HedgeAnswer<A>>;
export function hedge<T, A extends HedgeAlternative>(
  config: number | HedgeConfig<T, A> = {},
): OperatorFunction<T, T | HedgeAnswer<A>> {
  const given = typeof config === 'object' ? config : { delay: config };
  const { delay = {}, budget = {}, ...options } = parseConfig('hedge', HedgeConfigSchema, given);
  const { name = 'hedge', alternatives, scheduler } = options;
  const policy: Omit<HedgePolicy<T | HedgeAnswer<A>>, 'ask'> = {
    name,
    delay:
      typeof delay === 'number' || delay instanceof LatencyPercentile ? delay : new LatencyPercentile(delay),
    maxHedges: options.maxHedges ?? alternatives?.length ?? 1,
    hedgeIf:
      options.hedgeIf ?? (alternatives === undefined ? mayPassAtOnce : (error) => !isCancellation(error)),
    commitOn: given.commitOn,
    budget: retryBudgetOf(budget, scheduler),
    clock: clockOf(scheduler),
    events: options.events ?? getEventBus(),
  };
  const others = alternatives?.map((alternative) => answerOf<HedgeAnswer<A>>(alternative));
  return labelled('hedge', name, (source) => {
    const ask = others === undefined ? () => source : (hedge: number) => others[hedge];
    const asking = { ...policy, ask };
    return racing<T | HedgeAnswer<A>>(source, () => new HedgeRun(asking));
  });
}

/** A function is called by the subscriber, so what it throws is that attempt's error. */
const answerOf = <V>(alternative: HedgeAlternative): Observable<V> =>
  defer(() => toObservable(typeof alternative === 'function' ? alternative() : alternative)) as Observable<V>;
