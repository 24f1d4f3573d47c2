import { Observable, Subscriber, Subscription } from 'rxjs';
import type { Clock } from './clock.ts';
import { type CallScope, enterCall, leave, returnTo, within } from './scope.ts';
import { reportUnhandled } from './unhandled.ts';

/** What is known when an attempt has failed. */
export interface Failure {
  readonly error: unknown;
  /** Values that downstream has received from the attempt that failed and from those that it continued. */
  readonly emitted: number;
}

/**
 * An attempt that has to wait. It is made when its time has come, and not after a cancel; what `make` throws is the error
 * of the stream. A delay of 0 uses no timer.
 */
export class Postponed<T> {
  constructor(
    readonly clock: Clock,
    readonly delay: number,
    readonly make: () => Observable<T>,
  ) {}
}

/** What one subscription does about its failures. Whatever a method throws is the error that downstream receives. */
export interface Recovery<T> {
  /** Says which values commit. Without it every value does. */
  readonly commitOn?: ((value: T) => boolean) | undefined;
  /** The next attempt, while nothing has been committed. */
  recover(failure: Failure): Observable<T> | Postponed<T>;
  /** How to go on after a commit. Without it the error goes downstream, so nothing is emitted twice. */
  readonly resume?: ((failure: Failure) => Observable<T> | Postponed<T>) | undefined;
}

/**
 * The commit rule, which all recovery shares: what has been delivered is known, and after the first committing value an
 * error is not recovered from, unless the author of the stream says how.
 *
 * A cancel reaches the attempt that runs, or the wait for it, and starts no other.
 */
export function recovering<T>(source: Observable<T>, begin: () => Recovery<T>): Observable<T> {
  return new Observable((subscriber) => {
    new RecoveredStream(subscriber, begin()).run(source);
  });
}

/** One subscription: its attempts, one after the other, and what they have delivered together. */
class RecoveredStream<T> {
  private readonly scope = enterCall();
  private attempt: CallScope | undefined;
  emitted = 0;
  committed = false;
  private subscribing = false;
  private failed = false;
  private final = false;
  private error: unknown;

  constructor(
    readonly downstream: Subscriber<T>,
    readonly recovery: Recovery<T>,
  ) {}

  /** A loop, not a recursion: attempts that fail while they are being subscribed must not deepen the stack. */
  run(source: Observable<T>): void {
    let next: Observable<T> | undefined = source;
    this.subscribing = true;
    // Whoever is told of a failure may cancel there and then.
    while (next !== undefined && !this.downstream.closed) {
      this.failed = false;
      this.subscribe(next);
      next = this.failed ? this.followUp() : undefined;
    }
    this.subscribing = false;
  }

  /** @param final whether the error is not the attempt's but the stream's, and nothing may follow. */
  attemptFailed(error: unknown, final: boolean): void {
    this.error = error;
    this.final = final;
    if (this.subscribing) {
      this.failed = true;
      return;
    }
    const next = this.followUp();
    if (next !== undefined) this.run(next);
  }

  private subscribe(attempt: Observable<T>): void {
    this.attempt = this.attempt === undefined ? this.scope : this.scope.next();
    within(this.attempt, () => attempt.subscribe(new AttemptSubscriber(this)));
  }

  private followUp(): Observable<T> | undefined {
    const { error } = this;
    this.error = undefined;
    if (this.downstream.closed) return undefined;
    if (this.final) return this.end(error);
    try {
      const next = within(this.attempt, () => this.decide(error));
      return next instanceof Postponed ? this.postpone(next) : next;
    } catch (verdict) {
      return this.end(verdict);
    }
  }

  private decide(error: unknown): Observable<T> | Postponed<T> {
    const { emitted, committed, recovery } = this;
    if (!committed) {
      this.emitted = 0;
      return recovery.recover({ error, emitted });
    }
    if (recovery.resume) return recovery.resume({ error, emitted });
    throw error;
  }

  private postpone({ clock, delay, make }: Postponed<T>): Observable<T> | undefined {
    // Whoever has been told of the wait may have cancelled.
    if (this.downstream.closed) return undefined;
    if (delay === 0) return within(this.attempt, make);
    const wait = new Subscription();
    const timer = clock.schedule(delay, () => {
      wait.unsubscribe();
      let next: Observable<T>;
      try {
        next = within(this.attempt, make);
      } catch (thrown) {
        this.end(thrown);
        return;
      }
      this.run(next);
    });
    wait.add(() => timer.cancel());
    this.downstream.add(wait);
    return undefined;
  }

  private end(error: unknown): undefined {
    within(undefined, () => this.downstream.error(error));
  }
}

class AttemptSubscriber<T> extends Subscriber<T> {
  constructor(private readonly stream: RecoveredStream<T>) {
    super(stream.downstream);
  }

  override next(value: T): void {
    if (this.isStopped) return;
    const { stream } = this;
    if (!stream.committed && !this.consider(value)) return;
    stream.emitted++;
    const scope = leave();
    this.destination.next(value);
    returnTo(scope);
  }

  protected override _error(error: unknown): void {
    this.fail(error, false);
  }

  protected override _complete(): void {
    within(undefined, () => super._complete());
  }

  /** Asks whether this value commits. False when the question itself has ended the attempt. */
  private consider(value: T): boolean {
    const { recovery } = this.stream;
    try {
      this.stream.committed = recovery.commitOn === undefined || recovery.commitOn(value);
    } catch (thrown) {
      this.fail(thrown, true);
    }
    return !this.isStopped;
  }

  // The attempt is torn down before the next one starts or downstream hears, even if its teardown throws.
  private fail(error: unknown, final: boolean): void {
    try {
      this.unsubscribe();
    } catch (thrown) {
      reportUnhandled(thrown);
    }
    this.stream.attemptFailed(error, final);
  }
}
