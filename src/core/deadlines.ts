import { Observable, type Subscriber } from 'rxjs';
import { type Clock, isDue, type Moment, type Timer } from './clock.ts';
import type { StreamTimeoutKind } from './errors.ts';
import { enter, enterCall, LeavingSubscriber, leave, returnTo, scoped, within } from './scope.ts';

/** Limits in milliseconds; `Infinity` means none. */
export interface Limits<T> {
  /** To the first committing value. */
  readonly first: number;
  /** Between two values, whether they commit or not; with a limit on `first`, from the first value on. */
  readonly each: number;
  /** To the end. */
  readonly total: number;
  /** To the first value or sign of any kind. @default Infinity */
  readonly headers?: number;
  readonly pace?: Pace<T> | undefined;
  /** Says which value ends the wait for the first one. Without it any value does. */
  readonly commitOn?: ((value: T) => boolean) | undefined;
  /** Says which values end a silence. Without it all do. */
  readonly breaksSilence?: ((value: T) => boolean) | undefined;
}

/** How much has to come in every window, from the first value that has a size. */
export interface Pace<T> {
  /** Milliseconds. */
  readonly window: number;
  readonly least: number;
  readonly sizeOf: (value: T) => number;
}

/** What a source shows beside its values. */
export interface Signs {
  /** The other side has taken the request. */
  accepted(): void;
  /** It is there, and this is to count as no silence. */
  alive(): void;
}

/**
 * Holds a stream to its limits. However many there are, one timer serves them: it is armed for the nearest, and a value
 * moves a timestamp, not the timer. What arrives at the very moment of a limit is in time.
 *
 * @param source or a function that makes it, and may give signs.
 * @param expired answers with what follows instead; what it throws is the error that downstream receives. The source is
 * unsubscribed before it is called.
 */
export function withDeadlines<T, R = never>(
  source: Observable<T> | ((signs: Signs) => Observable<T>),
  clock: Clock,
  limits: Limits<T>,
  expired: (kind: StreamTimeoutKind, after: number) => Observable<R>,
): Observable<T | R> {
  const terms: Terms<T, R> = { clock, limits, expired };
  return new Observable((subscriber) => {
    // RxJS subscribes also on behalf of those who have left already.
    if (subscriber.closed) return;
    const timed = new TimedSubscriber(subscriber, terms);
    const outer = enter(timed.scope);
    try {
      (typeof source === 'function' ? source(timed) : source).subscribe(timed);
    } finally {
      returnTo(outer);
    }
    timed.watch();
  });
}

/** What all subscriptions to one stream are held to. */
interface Terms<T, R> {
  readonly clock: Clock;
  readonly limits: Limits<T>;
  readonly expired: (kind: StreamTimeoutKind, after: number) => Observable<R>;
}

class TimedSubscriber<T, R> extends LeavingSubscriber<T> implements Signs {
  declare protected destination: Subscriber<T | R>;
  readonly scope = enterCall();
  private readonly begun: number;
  private readonly mark: () => Moment;
  private awaitingHeaders = true;
  private awaitingFirst: boolean;
  /** Before any value, silence is the business of `first`, if that is limited at all. */
  private idleCounts: boolean;
  private idleSince: Moment;
  /** The one that the pace is kept in, from the first value that has a size. */
  private paced: Window | undefined;
  private timer: Timer | undefined;

  constructor(
    downstream: Subscriber<T | R>,
    private readonly terms: Terms<T, R>,
  ) {
    super(downstream);
    const { clock, limits } = terms;
    this.begun = clock.now();
    this.mark = clock.marker();
    this.idleSince = { at: this.begun };
    this.awaitingFirst = limits.first !== Number.POSITIVE_INFINITY;
    this.idleCounts = !this.awaitingFirst && limits.each !== Number.POSITIVE_INFINITY;
  }

  /** Once the source is subscribed: one that has ended by then needs no timer. */
  watch(): void {
    if (!this.closed) this.arm(this.begun);
  }

  accepted(): void {
    this.awaitingHeaders = false;
  }

  alive(): void {
    if (this.isStopped) return;
    this.awaitingHeaders = false;
    if (this.idleCounts) this.idleSince = this.mark();
    else this.countIdle();
  }

  override next(value: T): void {
    if (this.isStopped) return;
    this.awaitingHeaders = false;
    const { pace, breaksSilence } = this.terms.limits;
    const silent = breaksSilence !== undefined && !breaksSilence(value);
    if (this.awaitingFirst && !this.consider(value, silent)) return;
    if (pace !== undefined) this.measure(pace.sizeOf(value));
    const scope = leave();
    this.destination.next(value);
    returnTo(scope);
    // Measured from here: the time that downstream takes is not the source's silence.
    if (this.idleCounts && !silent) this.idleSince = this.mark();
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
  private consider(value: T, silent: boolean): boolean {
    try {
      this.awaitingFirst = !(this.terms.limits.commitOn?.(value) ?? true);
    } catch (thrown) {
      this.fail(thrown);
      return false;
    }
    if (this.isStopped) return false;
    if (!this.awaitingFirst || !(this.idleCounts || silent)) this.countIdle();
    return true;
  }

  private countIdle(): void {
    const { clock, limits } = this.terms;
    const { each } = limits;
    this.idleCounts = each !== Number.POSITIVE_INFINITY;
    this.idleSince = this.mark();
    // A silence that began no earlier than the stream can end before the timer only if its limit is the shorter one.
    if (this.timer === undefined) return;
    if (this.begun + each < this.timer.due || !this.idleCounts) this.look(clock.now());
  }

  private measure(size: number): void {
    if (this.paced !== undefined) this.paced.size += size;
    else if (size !== 0) {
      this.paced = { since: this.terms.clock.now(), size };
      this.look(this.paced.since);
    }
  }

  /**
   * A clock that has just begun may end sooner than the one that the timer waits for. One that ends later is seen to when
   * the timer runs; but where no limit is left, none may run on, for it keeps a process alive.
   */
  private look(now: number): void {
    if (this.timer === undefined) return;
    const { due } = this.nearest(now);
    if (due < this.timer.due || due === Number.POSITIVE_INFINITY) this.arm(now);
  }

  private arm(now: number): void {
    this.timer?.cancel();
    // Bound, not in a function of its own: every open stream has one.
    this.timer = this.terms.clock.at(this.nearest(now).due, this.check.bind(this));
  }

  private check(): void {
    const { clock, expired } = this.terms;
    const now = clock.now();
    const { kind, due, after } = this.nearest(now);
    if (!isDue(due, now) || (kind === 'throughput' && this.keepsPace(now))) return this.arm(now);
    const { destination: downstream } = this;
    this.tearDown();
    // Whoever learns of the end, the source or a listener, may cancel there and then.
    if (downstream.closed) return;
    try {
      const answer = within(this.scope, () => expired(kind, after));
      if (!downstream.closed) scoped(answer, this.scope.next()).subscribe(downstream);
    } catch (verdict) {
      downstream.error(verdict);
    }
  }

  /** The source stops before downstream hears why. */
  private fail(error: unknown): void {
    const { destination: downstream } = this;
    this.tearDown();
    downstream.error(error);
  }

  /** Whether enough has come in the window that is over; if so, the next one begins. */
  private keepsPace(now: number): boolean {
    const { size } = this.paced as Window;
    if (size < (this.terms.limits.pace as Pace<T>).least) return false;
    this.paced = { since: now, size: 0 };
    return true;
  }

  /** The limit that runs out first, and when; of two at one moment, the one that says more. */
  private nearest(now: number): Deadline {
    const { terms, begun } = this;
    const { total, pace, each, first, headers = Number.POSITIVE_INFINITY } = terms.limits;
    let nearest: Deadline = { kind: 'total', due: begun + total, after: total };
    const consider = (kind: StreamTimeoutKind, since: number, after: number): void => {
      if (since + after <= nearest.due) nearest = { kind, due: since + after, after };
    };
    if (pace !== undefined && this.paced !== undefined) consider('throughput', this.paced.since, pace.window);
    // A value of the turn that is still running has no time yet: it came just now.
    if (this.idleCounts) consider('each', Number.isNaN(this.idleSince.at) ? now : this.idleSince.at, each);
    if (this.awaitingFirst) consider('first', begun, first);
    if (this.awaitingHeaders) consider('headers', begun, headers);
    return nearest;
  }
}

interface Window {
  readonly since: number;
  /** What has come in it. */
  size: number;
}

interface Deadline {
  readonly kind: StreamTimeoutKind;
  readonly due: number;
  /** The limit that it comes from. */
  readonly after: number;
}
