import { Observable, Subscriber } from 'rxjs';

/** What is known when an attempt has failed. */
export interface Failure {
  readonly error: unknown;
  /** Values that downstream has received, over all attempts. */
  readonly emitted: number;
}

/** What one subscription does about its failures. Whatever a method throws is the error that downstream receives. */
export interface Recovery<T> {
  /** Says which values commit. Without it every value does. */
  readonly commitOn?: ((value: T) => boolean) | undefined;
  /** The next attempt, while nothing has been committed. */
  recover(failure: Failure): Observable<T>;
  /** How to go on after a commit. Without it the error goes downstream, so nothing is emitted twice. */
  readonly resume?: ((failure: Failure) => Observable<T>) | undefined;
}

/**
 * The commit rule, which all recovery shares: what has been delivered is known, and after the first committing value an
 * error is not recovered from, unless the author of the stream says how.
 *
 * A cancel reaches the attempt that runs and starts no other.
 */
export function recovering<T>(source: Observable<T>, begin: () => Recovery<T>): Observable<T> {
  return new Observable((subscriber) => {
    new RecoveredStream(subscriber, begin()).run(source);
  });
}

/** One subscription: its attempts, one after the other, and what they have delivered together. */
class RecoveredStream<T> {
  emitted = 0;
  committed = false;
  private subscribing = false;
  private failed = false;
  private error: unknown;

  constructor(
    readonly downstream: Subscriber<T>,
    readonly recovery: Recovery<T>,
  ) {}

  /** A loop, not a recursion: attempts that fail while they are being subscribed must not deepen the stack. */
  run(source: Observable<T>): void {
    let next: Observable<T> | undefined = source;
    this.subscribing = true;
    while (next !== undefined) {
      this.failed = false;
      next.subscribe(new AttemptSubscriber(this));
      next = this.failed ? this.followUp() : undefined;
    }
    this.subscribing = false;
  }

  attemptFailed(error: unknown): void {
    this.error = error;
    if (this.subscribing) {
      this.failed = true;
      return;
    }
    const next = this.followUp();
    if (next !== undefined) this.run(next);
  }

  /** Asks whether this value commits. False when the question itself has ended the stream. */
  consider(value: T): boolean {
    try {
      this.committed = this.recovery.commitOn?.(value) ?? true;
      return true;
    } catch (thrown) {
      this.downstream.error(thrown);
      return false;
    }
  }

  private followUp(): Observable<T> | undefined {
    if (this.downstream.closed) return undefined;
    const { error, emitted, recovery } = this;
    this.error = undefined;
    try {
      if (!this.committed) return recovery.recover({ error, emitted });
      if (recovery.resume) return recovery.resume({ error, emitted });
    } catch (verdict) {
      this.downstream.error(verdict);
      return undefined;
    }
    this.downstream.error(error);
    return undefined;
  }
}

class AttemptSubscriber<T> extends Subscriber<T> {
  constructor(private readonly stream: RecoveredStream<T>) {
    super(stream.downstream);
  }

  override next(value: T): void {
    if (this.isStopped) return;
    const { stream } = this;
    if (!stream.committed && !stream.consider(value)) return;
    stream.emitted++;
    this.destination.next(value);
  }

  // The failed attempt is torn down before the next one starts.
  protected override _error(error: unknown): void {
    this.unsubscribe();
    this.stream.attemptFailed(error);
  }
}
