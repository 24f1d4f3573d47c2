import { type MonoTypeOperatorFunction, Observable, Subscriber } from 'rxjs';
import { type AdmissionPolicy, type Applicant, Lease, type Place } from './lease.ts';

/**
 * Lets every subscription to the source ask `policy` first. Policies that stand directly upon each other become one
 * admission: asked from the outermost to the innermost, started together once all have agreed, settled together.
 */
export function admission<T>(policy: AdmissionPolicy): MonoTypeOperatorFunction<T> {
  return (source) =>
    source instanceof AdmittedObservable
      ? new AdmittedObservable(source.attempt, [policy, ...source.policies])
      : new AdmittedObservable(source, [policy]);
}

class AdmittedObservable<T> extends Observable<T> {
  constructor(
    readonly attempt: Observable<T>,
    readonly policies: readonly AdmissionPolicy[],
  ) {
    super((subscriber) => {
      new AdmittedSubscriber(subscriber, this.attempt, this.policies).apply();
    });
  }
}

class AdmittedSubscriber<T> extends Subscriber<T> implements Applicant {
  private leases: Lease[] = [];
  private place: Place | undefined;
  private started = false;
  private silent = true;

  constructor(
    downstream: Subscriber<T>,
    private readonly source: Observable<T>,
    private readonly policies: readonly AdmissionPolicy[],
  ) {
    super(downstream);
  }

  apply(): void {
    for (let next = this.leases.length; next < this.policies.length; next++) {
      const answer = (this.policies[next] as AdmissionPolicy).admit(this);
      if (answer instanceof Lease) this.leases.push(answer);
      else if (answer instanceof Error) return this.refused(answer);
      else {
        this.place = answer;
        return;
      }
    }
    for (const lease of this.leases) {
      const refusal = lease.start();
      if (refusal !== undefined) return this.refused(refusal);
    }
    this.started = true;
    this.source.subscribe(this);
  }

  granted(lease: Lease): void {
    this.place = undefined;
    this.leases.push(lease);
    this.apply();
  }

  refused(error: Error): void {
    this.place = undefined;
    this.error(error);
  }

  override next(value: T): void {
    if (this.isStopped) return;
    if (this.silent) {
      this.silent = false;
      for (const lease of this.leases) lease.firstValue();
    }
    this.destination.next(value);
  }

  // Leases are settled before downstream hears of the end: whoever subscribes again inside its handler finds the
  // place free.
  protected override _error(error: unknown): void {
    super._error(this.started ? this.settleFailed(error) : this.settleNeutral(error));
  }

  protected override _complete(): void {
    for (const lease of this.takeLeases()) lease.success();
    super._complete();
  }

  // The source stops before its place is given to somebody else.
  override unsubscribe(): void {
    super.unsubscribe();
    this.place?.leave();
    this.place = undefined;
    this.settleNeutral(undefined);
  }

  private settleFailed(error: unknown): unknown {
    let verdict = error;
    for (const lease of this.takeLeases()) {
      try {
        lease.failure(error);
      } catch (thrown) {
        verdict = thrown;
      }
    }
    return verdict;
  }

  private settleNeutral(error: unknown): unknown {
    for (const lease of this.takeLeases()) lease.neutral();
    return error;
  }

  /** The leases still held, innermost first; they are settled once, whatever happens meanwhile. */
  private takeLeases(): Lease[] {
    const leases = this.leases;
    this.leases = [];
    return leases.reverse();
  }
}
