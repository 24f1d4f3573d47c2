import { Observable, Subscriber } from 'rxjs';
import { type Clock, isDue, type Moment, type Timer } from './clock.ts';
import type { TimeoutKind } from './errors.ts';

/** Limits in milliseconds; `Infinity` means none. */
export interface Limits<T> {
  readonly first: number;
  readonly each: number;
  readonly total: number;
  /** Says which value ends the wait for the first one. Without it any value does. */
  readonly commitOn?: ((value: T) => boolean) | undefined;
}

/**
 * Holds a stream to its limits. However many there are, one timer serves them: it is armed for the nearest, and a value
 * moves a timestamp, not the timer.
 *
 * @param expired answers with what follows instead; what it throws is the error that downstream receives. The source is
 * unsubscribed before it is called.
 */
export function withDeadlines<T>(
  source: Observable<T>,
  clock: Clock,
  limits: Limits<T>,
  expired: (kind: TimeoutKind, after: number) => Observable<T>,
): Observable<T> {
  return new Observable((subscriber) => {
    source.subscribe(new TimedSubscriber(subscriber, clock, limits, expired));
  });
}

class TimedSubscriber<T> extends Subscriber<T> {
  private readonly begun: number;
  private readonly mark: () => Moment;
  private awaitingFirst: boolean;
  private idleSince: Moment;
  /** Before any value, silence is the business of `first`, if that is limited at all. */
  private idleCounts: boolean;
  private due = Number.POSITIVE_INFINITY;
  private timer: Timer | undefined;

  constructor(
    private readonly downstream: Subscriber<T>,
    private readonly clock: Clock,
    private readonly limits: Limits<T>,
    private readonly expired: (kind: TimeoutKind, after: number) => Observable<T>,
  ) {
    super(downstream);
    this.begun = clock.now();
    this.mark = clock.marker();
    this.idleSince = { at: this.begun };
    this.awaitingFirst = limits.first !== Number.POSITIVE_INFINITY;
    this.idleCounts = !this.awaitingFirst;
    this.arm(this.begun);
  }

  override next(value: T): void {
    if (this.isStopped) return;
    if (this.awaitingFirst && !this.consider(value)) return;
    this.destination.next(value);
    // Measured from here: the time that downstream takes is not the source's silence.
    this.idleSince = this.mark();
  }

  protected override _error(error: unknown): void {
    this.timer?.cancel();
    super._error(error);
  }

  protected override _complete(): void {
    this.timer?.cancel();
    super._complete();
  }

  override unsubscribe(): void {
    this.timer?.cancel();
    super.unsubscribe();
  }

  /** Asks whether this value is the first that counts. False when the question itself has ended the stream. */
  private consider(value: T): boolean {
    try {
      this.awaitingFirst = !(this.limits.commitOn?.(value) ?? true);
    } catch (thrown) {
      this.error(thrown);
      return false;
    }
    if (this.awaitingFirst && this.idleCounts) return true;
    // `each` counts from now on and may end sooner than the limit that the timer waits for.
    this.idleCounts = true;
    const now = this.clock.now();
    this.idleSince = { at: now };
    if (this.nearest(now)[1] !== this.due) this.arm(now);
    return true;
  }

  private arm(now: number): void {
    this.timer?.cancel();
    const [, due] = this.nearest(now);
    this.due = due;
    this.timer = this.clock.schedule(due - now, () => this.check());
  }

  private check(): void {
    const now = this.clock.now();
    const [kind, due] = this.nearest(now);
    if (!isDue(due, now)) return this.arm(now);
    const { downstream, expired, limits } = this;
    this.unsubscribe();
    let answer: Observable<T>;
    try {
      answer = expired(kind, limits[kind]);
    } catch (verdict) {
      downstream.error(verdict);
      return;
    }
    answer.subscribe(downstream);
  }

  /** The limit that runs out first, and when. */
  private nearest(now: number): [kind: TimeoutKind, due: number] {
    const { limits, begun } = this;
    // A value of the turn that is still running has no time yet: it came just now.
    const idleSince = Number.isNaN(this.idleSince.at) ? now : this.idleSince.at;
    let kind: TimeoutKind = 'total';
    let due = begun + limits.total;
    if (this.idleCounts && idleSince + limits.each < due) [kind, due] = ['each', idleSince + limits.each];
    if (this.awaitingFirst && begun + limits.first <= due) [kind, due] = ['first', begun + limits.first];
    return [kind, due];
  }
}
