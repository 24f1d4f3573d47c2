import { Observable, type Subscriber } from 'rxjs';
import { currentTrace, type Trace } from './label.ts';
import { type AdmissionPolicy, type Applicant, type Demand, Lease, type Place } from './lease.ts';
import type { TransparentOperator } from './operator-types.ts';
import { enter, enterCall, LeavingSubscriber, leave, returnTo, within } from './scope.ts';
import { reportUnhandled } from './unhandled.ts';

/**
 * Lets every subscription to the source ask `policy` first. Policies that stand directly upon each other become one
 * admission: asked from the outermost to the innermost, started together once all have agreed, settled together.
 *
 * @param demand what a subscription asks of the policy, made anew for each.
 */
export function admission(policy: AdmissionPolicy, demand?: () => Demand): TransparentOperator {
  const counter = { policy, demand };
  return (source) =>
    source instanceof AdmittedObservable
      ? new AdmittedObservable(source.attempt, [counter, ...source.counters])
      : new AdmittedObservable(source, [counter]);
}

/** Where a subscription asks, and for what. */
interface Counter {
  readonly policy: AdmissionPolicy;
  readonly demand: (() => Demand) | undefined;
}

class AdmittedObservable<T> extends Observable<T> {
  constructor(
    readonly attempt: Observable<T>,
    readonly counters: readonly Counter[],
  ) {
    super((subscriber) => {
      // RxJS subscribes also on behalf of those who have left already.
      if (!subscriber.closed) new AdmittedSubscriber(subscriber, this.attempt, this.counters).apply();
    });
  }
}

class AdmittedSubscriber<T> extends LeavingSubscriber<T> implements Applicant {
  private readonly scope = enterCall();
  /** Room for one of each policy: a list that grows would make some for seventeen. */
  private leases: Lease[];
  /** How many of the policies have agreed, from the outermost on. */
  private agreed = 0;
  private place: Place | undefined;
  private trace: Trace | undefined;
  private silent = true;
  /** Those of the leases that hear every value. */
  private listening: Lease[] | undefined;

  constructor(
    downstream: Subscriber<T>,
    private readonly source: Observable<T>,
    private readonly counters: readonly Counter[],
  ) {
    super(downstream);
    this.leases = new Array<Lease>(counters.length); // oxlint-disable-line unicorn/no-new-array
  }

  apply(): void {
    const outer = enter(this.scope);
    try {
      if (!this.admitted()) return;
      this.scope.waiting = false;
      this.source.subscribe(this);
      // It has not begun where it waits further in.
      this.scope.begin();
    } finally {
      returnTo(outer);
    }
  }

  granted(lease: Lease): void {
    if (this.closed) return lease.neutral();
    this.place = undefined;
    this.leases[this.agreed++] = lease;
    const { trace = (task) => task() } = this;
    this.walled(() => trace(() => this.apply()));
  }

  refused(why: () => Error): void {
    this.giveUp(within(this.scope, why));
  }

  override next(value: T): void {
    if (this.isStopped) return;
    if (this.silent && !this.opened()) return;
    if (this.listening !== undefined && !this.heard(value, this.listening)) return;
    const scope = leave();
    this.destination.next(value);
    returnTo(scope);
  }

  protected override _error(error: unknown): void {
    this.end({ error });
  }

  protected override _complete(): void {
    this.end();
  }

  // The source stops before its place is given to somebody else, who gets it even if the source refuses to stop.
  override unsubscribe(): void {
    try {
      super.unsubscribe();
    } finally {
      this.giveBack();
    }
  }

  /** What a policy throws is the end of the stream. */
  private admitted(): boolean {
    try {
      return this.asked() && this.started();
    } catch (thrown) {
      this.giveUp(thrown);
      return false;
    }
  }

  /** Asks the policies that have not agreed yet; false when one refuses, lets wait, or has been the end of the stream. */
  private asked(): boolean {
    while (this.agreed < this.counters.length) {
      const asked = this.agreed;
      const { policy, demand } = this.counters[asked] as Counter;
      const answer = policy.admit(this, demand?.());
      const agrees = answer instanceof Lease;
      if (agrees) this.leases[this.agreed++] = answer;
      else if (answer instanceof Error) this.giveUp(answer);
      else this.stand(answer, asked);
      // A listener of the policy may also have cancelled the stream.
      if (this.closed) this.giveBack();
      if (this.closed || !agrees) return false;
    }
    return true;
  }

  /** Starts all leases; false when one has refused, or has been the end of the stream. */
  private started(): boolean {
    for (const lease of this.leases) {
      const refusal = lease.start();
      if (refusal !== undefined) {
        lease.neutral();
        // To the others a refusal from below, for some have started: they must learn that nothing was sent.
        this.walled(() => this.error(refusal));
      }
      if (this.closed) return false;
      if (lease.value !== undefined) this.listening = [...(this.listening ?? []), lease];
    }
    return true;
  }

  /** A place that is answered may have been granted already, by whom a listener of the policy has set free. */
  private stand(place: Place, asked: number): void {
    this.trace = currentTrace();
    if (this.agreed !== asked) return;
    this.place = place;
    this.scope.waiting = true;
  }

  /** False when a lease that was told of the first value has been the end of the stream. */
  private opened(): boolean {
    this.silent = false;
    try {
      within(this.scope, () => {
        for (const lease of this.leases) {
          lease.firstValue();
          if (this.isStopped) return;
        }
      });
    } catch (thrown) {
      this.error(thrown);
    }
    return !this.isStopped;
  }

  /** False when a lease that was told of the value has been the end of the stream. */
  private heard(value: T, leases: readonly Lease[]): boolean {
    try {
      for (const lease of leases) lease.value?.(value);
    } catch (thrown) {
      this.error(thrown);
    }
    return !this.isStopped;
  }

  /**
   * Leases are settled before downstream hears of the end: whoever subscribes again inside its handler finds the place
   * free.
   */
  private end(failure?: Failure): void {
    const outer = enter(this.scope);
    try {
      const verdict = this.settle(failure);
      // Whoever listens to the policies may have cancelled this very stream.
      if (this.closed) return;
      if (verdict === undefined) super._complete();
      else super._error(verdict.error);
    } finally {
      returnTo(outer);
    }
  }

  /** Innermost first; what a policy throws is the end that those further out see. */
  private settle(failure: Failure | undefined): Failure | undefined {
    const { leases, agreed } = this;
    // Whoever hears of it and cancels this very stream finds nothing to give back.
    this.leases = [];
    this.agreed = 0;
    let verdict = failure;
    for (let held = agreed; held > 0; ) {
      const lease = leases[--held] as Lease;
      try {
        if (verdict === undefined) lease.success();
        else lease.failure(verdict.error);
      } catch (thrown) {
        verdict = { error: thrown };
      }
    }
    return verdict;
  }

  private giveUp(error: unknown): void {
    this.giveBack();
    this.walled(() => this.error(error));
  }

  /** A policy that grants or refuses is in the middle of its line: what this stream throws must not reach it. */
  private walled(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      if (this.isStopped) reportUnhandled(thrown);
      else this.walled(() => this.error(thrown));
    }
  }

  private giveBack(): void {
    const { place, leases, agreed } = this;
    this.place = undefined;
    this.leases = [];
    this.agreed = 0;
    if (place === undefined && agreed === 0) return;
    within(this.scope, () => {
      place?.leave();
      for (let held = agreed; held > 0; ) (leases[--held] as Lease).neutral();
    });
  }
}

interface Failure {
  readonly error: unknown;
}
