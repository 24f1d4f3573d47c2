import type { Observable } from 'rxjs';
import type { Clock } from '../core/clock.ts';
import { HedgeExhaustedError, isCancellation } from '../core/errors.ts';
import type { EventBus } from '../core/event-bus.ts';
import { type Failure, Postponed, type Recovery } from '../core/recovery.ts';
import type { RetryBudget } from '../core/retry-budget.ts';
import type { LatencyPercentile } from './latency-percentile.ts';

/** What all subscriptions through one operator have in common. */
export interface HedgePolicy<T> {
  readonly name: string;
  readonly delay: number | LatencyPercentile;
  readonly maxHedges: number;
  /** Whom the n-th hedge asks, from 0: nobody, if there is nobody left. */
  readonly ask: (hedge: number) => Observable<T> | undefined;
  readonly hedgeIf: (error: unknown) => boolean;
  readonly commitOn: ((value: T) => boolean) | undefined;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly events: EventBus;
}

/** One subscription: who has joined the race so far, and who may still. */
export class HedgeRun<T> implements Recovery<T> {
  readonly commitOn: Recovery<T>['commitOn'];
  readonly #policy: HedgePolicy<T>;
  /** When the first attempt has begun: its wait in a line is nobody's latency. */
  #begun: number;
  readonly #errors: unknown[] = [];
  #hedges = 0;

  constructor(policy: HedgePolicy<T>) {
    policy.budget.begin();
    this.#policy = policy;
    this.#begun = policy.clock.now();
    this.commitOn = policy.commitOn;
  }

  rival(): Postponed<T> | undefined {
    const { delay, maxHedges, clock } = this.#policy;
    if (this.#hedges === 0) this.#begun = clock.now();
    if (this.#hedges === maxHedges) return undefined;
    const patience = typeof delay === 'number' ? delay : delay.delay;
    return new Postponed(clock, patience, () => this.#hedge(patience));
  }

  recover({ error }: Failure, rivals: number): Observable<T> | undefined {
    this.#errors.push(error);
    const hedge = this.#policy.hedgeIf(error) ? this.#hedge(0) : undefined;
    if (hedge !== undefined || rivals > 0) return hedge;
    throw this.#verdict();
  }

  won(winner: number, losers: readonly number[]): void {
    const { name, delay, clock, events } = this.#policy;
    // Less than nothing where virtual time has begun in between.
    const after = Math.max(0, clock.now() - this.#begun);
    // Of a first attempt that is beaten it is known that it takes longer than this. Without those the slow ones would be
    // missing, the percentile would fall, and more and more attempts would be hedged.
    const beaten = losers.includes(1);
    if (typeof delay !== 'number' && (winner === 1 || beaten)) delay.record(after, beaten);
    if (winner > 1) events.publish('hedge_won', name, { attempt: winner, after });
  }

  #hedge(delay: number): Observable<T> | undefined {
    const { name, maxHedges, ask, budget, events } = this.#policy;
    const attempt = this.#hedges < maxHedges ? ask(this.#hedges) : undefined;
    if (attempt === undefined) return undefined;
    if (!budget.tryWithdraw()) {
      events.publish('hedge_refused', name, { reason: 'budget' });
      return undefined;
    }
    events.publish('hedge_started', name, { attempt: ++this.#hedges + 1, delay });
    return attempt;
  }

  /** What downstream receives when nobody has won: the error as it came, if no other attempt was made. */
  #verdict(): unknown {
    const errors = this.#errors;
    return errors.length === 1
      ? errors[0]
      : (errors.find(isCancellation) ?? new HedgeExhaustedError(this.#policy.name, errors));
  }
}
