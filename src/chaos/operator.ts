import { EMPTY, NEVER, Observable, type OperatorFunction, Subscriber, throwError } from 'rxjs';
import { parseConfig } from '../core/config.ts';
import { labelled } from '../core/label.ts';
import type { TransparentOperator } from '../core/operator-types.ts';
import { type ChaosConfig, ChaosConfigSchema } from './chaos-config.ts';
import { type ChaosEnd, ChaosPlan } from './chaos-plan.ts';
import { DelayLine } from './delay-line.ts';

/**
 * Makes a source misbehave on purpose: in tests, and on a game day in production. It is off unless `enabled` says
 * otherwise, and everything that it does is an event (`chaos_injected`).
 *
 * *chaos: A stream breaks after some values*
 * ```text
 * chaos({ enabled: true, cut: 2 })
 *
 * source      -a-(b!)
 * result      -a-(b#)   ChaosError
 * injected    ---c---   c cut
 * ```
 *
 * It takes the place of a bad other side, so it belongs next to the source, innermost: `source.pipe(chaos(…), timeout(…),
 * retryWithBackoff(…))`. Which subscriptions are hit say `rate` (by chance), `attempts` (by number), `from` and `until` (by
 * time), all together. What happens to them:
 *
 * - `latency` delays the first value, `gap` each further one after the one before.
 * - `corrupt` changes values.
 * - `cut` breaks the stream off after some values, with `error`; `truncate` completes it as if it were whole; `stall`
 *   lets it fall silent. Of these only one. The source is unsubscribed then; with 0 values it is not even subscribed.
 *
 * For conditions that differ from fault to fault, put several behind each other. Values, errors and completion of a
 * subscription that is not hit pass through untouched. Unsubscribing ends the source, every delay and a stall at once.
 *
 * @param config who is hit, and by what.
 * @returns an operator; subscriptions through it are counted together.
 * @throws {ChaosError} (as the stream's error) when the stream is cut and there is no `error`. To every policy it is a
 * failure like any other. What a function of the config throws is the stream's error.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const gameDay = chaos({ enabled: () => flags.gameDay, rate: 0.05, latency: [500, 3_000], cut: 3, random: seededRandom(1) });
 * answer$.pipe(gameDay, resilience({ timeout: { first: 2_000 }, retry: 2 }));
 * ```
 */
export function chaos(config: ChaosConfig & { readonly corrupt?: undefined }): TransparentOperator;
export function chaos<T, R = T>(config: ChaosConfig<T, R>): OperatorFunction<T, T | R>;
export function chaos<T, R>(config: ChaosConfig<T, R>): OperatorFunction<T, T | R> {
  const options = parseConfig('chaos', ChaosConfigSchema, config);
  // Whoever left it off pays nothing for it.
  if (options.enabled === false) return (source) => source;
  const plan = new ChaosPlan(options);

  return labelled(
    'chaos',
    plan.name,
    (source) =>
      new Observable<T | R>((subscriber) => {
        const { end } = plan;
        if (!plan.hits()) source.subscribe(subscriber);
        else if (end?.after === 0) endOf(plan, end).subscribe(new HitSubscriber(subscriber, plan));
        else source.subscribe(new HitSubscriber<T, R>(subscriber, plan));
      }),
  );
}

/** What is left of a stream that ends on purpose. */
function endOf(plan: ChaosPlan, { fault }: ChaosEnd): Observable<never> {
  plan.announce(fault);
  if (fault === 'cut') return throwError(() => plan.error());
  return fault === 'truncate' ? EMPTY : NEVER;
}

class HitSubscriber<T, R> extends Subscriber<T> {
  private readonly line: DelayLine;
  private count = 0;

  constructor(
    private readonly downstream: Subscriber<T | R>,
    private readonly plan: ChaosPlan,
  ) {
    super(downstream);
    this.line = new DelayLine(plan.clock);
    downstream.add(() => this.line.clear());
  }

  override next(value: T): void {
    if (this.isStopped) return;
    const { downstream, plan } = this;
    let shown: T | R;
    try {
      shown = this.corrupted(value);
    } catch (thrown) {
      return this.error(thrown);
    }
    this.line.push(() => downstream.next(shown), this.delay());
    this.count++;
    if (plan.end?.after !== this.count || downstream.closed) return;
    // The source stops; what it has said so far may still be on its way.
    this.unsubscribe();
    this.line.push(() => endOf(plan, plan.end as ChaosEnd).subscribe(downstream), 0);
  }

  protected override _error(error: unknown): void {
    this.line.push(() => this.downstream.error(error), this.count === 0 ? this.delay() : 0);
    this.unsubscribe();
  }

  protected override _complete(): void {
    this.line.push(() => this.downstream.complete(), this.count === 0 ? this.delay() : 0);
    this.unsubscribe();
  }

  private corrupted(value: T): T | R {
    const { plan } = this;
    if (plan.corrupt === undefined) return value;
    const shown = plan.corrupt(value as never, this.count) as R;
    if (!Object.is(shown, value)) plan.announce('corrupt');
    return shown;
  }

  private delay(): number {
    const { plan } = this;
    const delay = this.count === 0 ? plan.latency : plan.gap;
    if (delay > 0) plan.announce(this.count === 0 ? 'latency' : 'gap', delay);
    return delay;
  }
}
