import { Observable, type Subscriber, Subscription } from 'rxjs';
import { AttemptSubscriber, LimitedAttempt } from './attempt-subscriber.ts';
import type { Clock } from './clock.ts';
import type { Race } from './race.ts';
import { type CallScope, enterCall, within } from './scope.ts';

/** What is known when an attempt has failed. */
export interface Failure {
  readonly error: unknown;
  /** Values that downstream has received from the attempt that failed and from those that it continued. */
  readonly emitted: number;
}

/**
 * An attempt that has to wait. It is made when its time has come, unless there is none to be made after all, and not after
 * a cancel; what `make` throws is the error of the stream. A delay of 0 uses no timer.
 */
export class Postponed<T> {
  constructor(
    readonly clock: Clock,
    readonly delay: number,
    readonly make: () => Observable<T> | undefined,
  ) {}
}

/** The time of a clock at which something must be over. */
export interface Limit {
  readonly clock: Clock;
  readonly due: number;
}

/** What one subscription does about its failures. Whatever a method throws is the error that downstream receives. */
export interface Recovery<T> {
  /** Says which values commit. Without it every value does. */
  readonly commitOn?: ((value: T) => boolean) | undefined;
  /**
   * The next attempt, while nothing has been committed.
   *
   * @param rivals how many others may still commit; where there are some, `undefined` leaves the stream to them.
   */
  recover(failure: Failure, rivals: number): Observable<T> | Postponed<T> | undefined;
  /** How to go on after a commit. Without it the error goes downstream, so nothing is emitted twice. */
  readonly resume?: ((failure: Failure) => Observable<T> | Postponed<T>) | undefined;
  /** For all attempts together, where they follow each other. Whoever has one asks for no wait that ends later. */
  readonly limit?: Limit | undefined;
  /** The limit has passed, and the attempt that was under way is gone. */
  expired?(): never;
  /**
   * In a race: who joins an attempt that has begun, if nobody has committed by then.
   */
  rival?(): Postponed<T> | undefined;
  /** Hears which attempt, from 1, has beaten which others: they are gone, and downstream has received nothing yet. */
  won?(winner: number, losers: readonly number[]): void;
}

/**
 * The commit rule, which all recovery shares: what has been delivered is known, and after the first committing value an
 * error is not recovered from, unless the author of the stream says how.
 *
 * A cancel reaches the attempts that run, and the wait for the next, and starts no other.
 *
 * @param raceOf makes a race of the attempts, which otherwise only follow each other. @see racing
 */
export function recovering<T>(
  source: Observable<T>,
  begin: () => Recovery<T>,
  raceOf?: (stream: RecoveredStream<T>) => Race<T>,
): Observable<T> {
  return new Observable((subscriber) => {
    const scope = enterCall();
    new RecoveredStream(subscriber, within(scope, begin), scope, raceOf).run(source);
  });
}

interface FailedAttempt {
  readonly scope: CallScope;
  readonly error: unknown;
  /** Whether the error is not the attempt's but the stream's, and nothing may follow. */
  readonly final: boolean;
}

/** One subscription: its attempts, one after the other or side by side, and what they have delivered together. */
export class RecoveredStream<T> {
  emitted = 0;
  committed = false;
  private attempts = 0;
  private readonly race: Race<T> | undefined;
  /** Those that nothing has been decided about. */
  private failed: FailedAttempt[] | undefined;
  private wait: Subscription | undefined;
  private busy = false;

  constructor(
    readonly downstream: Subscriber<T>,
    readonly recovery: Recovery<T>,
    readonly scope: CallScope,
    raceOf: ((stream: RecoveredStream<T>) => Race<T>) | undefined,
  ) {
    this.race = raceOf?.(this);
  }

  /** A loop, not a recursion: attempts that fail while they are being subscribed must not deepen the stack. */
  run(first?: Observable<T>): void {
    // An attempt that has left its place may have been the beginning of another one.
    const { busy } = this;
    this.busy = true;
    let next = first ?? this.followUp();
    while (next !== undefined) next = this.attempt(next) ?? this.followUp();
    this.busy = busy;
    if (!busy) this.race?.settle();
  }

  attemptFailed(failure: FailedAttempt): void {
    this.failed ??= [];
    this.failed.push(failure);
    this.goOn();
  }

  /** The time of all attempts is over, and with it the last of them. */
  expired(): void {
    // Whoever learns of the end of the attempt may have cancelled there and then.
    if (!this.downstream.closed) this.answer(this.scope, () => this.recovery.expired?.());
  }

  /** An attempt has ended, and something may follow. */
  goOn(): void {
    if (!this.busy) this.run();
  }

  /** Nobody waits any more, and nothing is to be recovered from. */
  forget(): void {
    this.failed = undefined;
    this.stopWaiting();
  }

  private attempt(source: Observable<T>): Observable<T> | undefined {
    // Whoever is told of a failure may cancel there and then.
    if (this.downstream.closed) return undefined;
    this.stopWaiting();
    const first = ++this.attempts === 1;
    if (this.race === undefined) {
      const { limit } = this.recovery;
      const scope = first ? this.scope : this.scope.next();
      const attempt = limit ? new LimitedAttempt(this, scope, limit) : new AttemptSubscriber(this, scope);
      attempt.begin(source);
      return undefined;
    }
    const scope = first ? this.scope.apart() : this.scope.next();
    return this.race.join(source, scope, this.attempts);
  }

  private followUp(): Observable<T> | undefined {
    for (let failure = this.failed?.shift(); failure !== undefined; failure = this.failed?.shift()) {
      if (this.downstream.closed) return undefined;
      const { error, final, scope } = failure;
      const next = final ? this.end(error) : this.answer(scope, () => this.decide(error));
      if (next !== undefined) return next;
    }
    return undefined;
  }

  private decide(error: unknown): Observable<T> | Postponed<T> | undefined {
    const { emitted, committed, recovery } = this;
    if (!committed) {
      this.emitted = 0;
      const rivals = (this.race?.rivals ?? 0) + (this.failed?.length ?? 0);
      return recovery.recover({ error, emitted }, rivals);
    }
    if (recovery.resume) return recovery.resume({ error, emitted });
    throw error;
  }

  /** The attempt that follows at once, if there is one. What is decided about an attempt belongs to it. */
  answer(scope: CallScope, ask: () => Observable<T> | Postponed<T> | undefined): Observable<T> | undefined {
    try {
      const next = within(scope, ask);
      return next instanceof Postponed ? this.postpone(next, scope) : next;
    } catch (verdict) {
      return this.end(verdict);
    }
  }

  private postpone({ clock, delay, make }: Postponed<T>, scope: CallScope): Observable<T> | undefined {
    // Whoever has been told of the wait may have cancelled.
    if (this.downstream.closed) return undefined;
    if (delay === 0) return within(scope, make);
    const wait = new Subscription();
    const timer = clock.schedule(delay, () => {
      wait.unsubscribe();
      this.run(this.answer(scope, make));
    });
    wait.add(() => timer.cancel());
    this.wait = wait;
    this.downstream.add(wait);
    return undefined;
  }

  private stopWaiting(): void {
    this.wait?.unsubscribe();
    this.wait = undefined;
  }

  private end(error: unknown): undefined {
    this.race?.end();
    within(undefined, () => this.downstream.error(error));
  }
}
