import { Observable, Subscriber } from 'rxjs';
import { type Clock, isDue, type Moment, type Timer } from './clock.ts';
import type { TimeoutKind } from './errors.ts';
import { enterCall, leave, returnTo, scoped, within } from './scope.ts';

/** Limits in milliseconds; `Infinity` means none. */
export interface Limits<T> {
  /** To the first committing value. */
  readonly first: number;
  /** Between two values, whether they commit or not; with a limit on `first`, from the first value on. */
  readonly each: number;
  /** To the end. */
  readonly total: number;
  /** Says which value ends the wait for the first one. Without it any value does. */
  readonly commitOn?: ((value: T) => boolean) | undefined;
}

/**
 * Holds a stream to its limits. However many there are, one timer serves them: it is armed for the nearest, and a value
 * moves a timestamp, not the timer. What arrives at the very moment of a limit is in time.
 *
 * @param expired answers with what follows instead; what it throws is the error that downstream receives. The source is
 * unsubscribed before it is called.
 */
export function withDeadlines<T, R = never>(
  source: Observable<T>,
  clock: Clock,
  limits: Limits<T>,
  expired: (kind: TimeoutKind, after: number) => Observable<R>,
): Observable<T | R> {
  return new Observable((subscriber) => {
    // RxJS subscribes also on behalf of those who have left already.
    if (subscriber.closed) return;
    const timed = new TimedSubscriber(subscriber, clock, limits, expired);
    within(timed.scope, () => source.subscribe(timed));
    timed.watch();
  });
}

class TimedSubscriber<T, R> extends Subscriber<T> {
  readonly scope = enterCall();
  private readonly begun: number;
  private readonly mark: () => Moment;
  private awaitingFirst: boolean;
  /** Before any value, silence is the business of `first`, if that is limited at all. */
  private idleCounts: boolean;
  private idleSince: Moment;
  private due = Number.POSITIVE_INFINITY;
  private timer: Timer | undefined;

  constructor(
    private readonly downstream: Subscriber<T | R>,
    private readonly clock: Clock,
    private readonly limits: Limits<T>,
    private readonly expired: (kind: TimeoutKind, after: number) => Observable<R>,
  ) {
    super(downstream);
    this.begun = clock.now();
    this.mark = clock.marker();
    this.idleSince = { at: this.begun };
    this.awaitingFirst = limits.first !== Number.POSITIVE_INFINITY;
    this.idleCounts = !this.awaitingFirst && limits.each !== Number.POSITIVE_INFINITY;
  }

  /** Once the source is subscribed: one that has ended by then needs no timer. */
  watch(): void {
    if (!this.closed) this.arm(this.clock.now());
  }

  override next(value: T): void {
    if (this.isStopped) return;
    if (this.awaitingFirst && !this.consider(value)) return;
    const scope = leave();
    this.destination.next(value);
    returnTo(scope);
    // Measured from here: the time that downstream takes is not the source's silence.
    if (this.idleCounts) this.idleSince = this.mark();
  }

  protected override _error(error: unknown): void {
    this.timer?.cancel();
    within(undefined, () => super._error(error));
  }

  protected override _complete(): void {
    this.timer?.cancel();
    within(undefined, () => super._complete());
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
      this.fail(thrown);
      return false;
    }
    if (this.isStopped) return false;
    if (this.awaitingFirst && this.idleCounts) return true;
    const now = this.clock.now();
    this.idleCounts = this.limits.each !== Number.POSITIVE_INFINITY;
    this.idleSince = { at: now };
    // `each` may end sooner than the limit that the timer waits for.
    if (this.timer !== undefined && this.nearest(now)[1] !== this.due) this.arm(now);
    return true;
  }

  private arm(now: number): void {
    this.timer?.cancel();
    [, this.due] = this.nearest(now);
    this.timer = this.clock.schedule(this.due - now, () => this.check());
  }

  private check(): void {
    const now = this.clock.now();
    const [kind, due] = this.nearest(now);
    if (!isDue(due, now)) return this.arm(now);
    const { downstream, limits } = this;
    try {
      this.unsubscribe();
      // Whoever learns of the end, the source or a listener, may cancel there and then.
      if (downstream.closed) return;
      const answer = within(this.scope, () => this.expired(kind, limits[kind]));
      if (!downstream.closed) scoped(answer, this.scope.next()).subscribe(downstream);
    } catch (verdict) {
      downstream.error(verdict);
    }
  }

  /** The source stops before downstream hears why. */
  private fail(error: unknown): void {
    const { downstream } = this;
    try {
      this.unsubscribe();
    } finally {
      downstream.error(error);
    }
  }

  /** The limit that runs out first, and when; of two at one moment, the one that says more. */
  private nearest(now: number): [kind: TimeoutKind, due: number] {
    const { limits, begun } = this;
    // A value of the turn that is still running has no time yet: it came just now.
    const idleSince = Number.isNaN(this.idleSince.at) ? now : this.idleSince.at;
    let kind: TimeoutKind = 'total';
    let due = begun + limits.total;
    if (this.idleCounts && idleSince + limits.each <= due) [kind, due] = ['each', idleSince + limits.each];
    if (this.awaitingFirst && begun + limits.first <= due) [kind, due] = ['first', begun + limits.first];
    return [kind, due];
  }
}
