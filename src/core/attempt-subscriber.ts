import type { Observable } from 'rxjs';
import type { Timer } from './clock.ts';
import type { Limit, RecoveredStream } from './recovery.ts';
import { type CallScope, enter, LeavingSubscriber, leave, returnTo } from './scope.ts';

/** One attempt of a stream that recovers. A failure is the stream's to answer; everything else is handed on. */
export class AttemptSubscriber<T> extends LeavingSubscriber<T> {
  constructor(
    protected readonly stream: RecoveredStream<T>,
    readonly scope: CallScope,
  ) {
    super(stream.downstream);
  }

  begin(source: Observable<T>): void {
    const outer = enter(this.scope);
    try {
      source.subscribe(this);
    } finally {
      returnTo(outer);
    }
  }

  override next(value: T): void {
    if (this.isStopped) return;
    const { stream } = this;
    if (!stream.committed) {
      if (this.commits(value)) stream.committed = true;
      // The question itself may have been the end.
      if (this.isStopped) return;
    }
    this.deliver(value);
  }

  protected override _error(error: unknown): void {
    this.fail(error, false);
  }

  protected commits(value: T): boolean {
    const { recovery } = this.stream;
    try {
      return recovery.commitOn === undefined || recovery.commitOn(value);
    } catch (thrown) {
      this.fail(thrown, true);
      return false;
    }
  }

  protected deliver(value: T): void {
    this.stream.emitted++;
    const scope = leave();
    this.destination.next(value);
    returnTo(scope);
  }

  // The attempt is torn down before the next one starts or downstream hears.
  protected fail(error: unknown, final: boolean): void {
    this.tearDown();
    this.stream.attemptFailed({ error, final, scope: this.scope });
  }
}

/** One attempt of a stream whose time is limited. No value of it is looked at for that. */
export class LimitedAttempt<T> extends AttemptSubscriber<T> {
  private timer: Timer | undefined;

  constructor(
    stream: RecoveredStream<T>,
    scope: CallScope,
    private readonly limit: Limit,
  ) {
    super(stream, scope);
  }

  override begin(source: Observable<T>): void {
    super.begin(source);
    // Only now: what comes at the very moment of the limit is in time, and what has ended by then needs no timer.
    if (!this.closed) this.timer = this.limit.clock.at(this.limit.due, this.expire.bind(this));
  }

  override unsubscribe(): void {
    this.timer?.cancel();
    super.unsubscribe();
  }

  private expire(): void {
    this.tearDown();
    this.stream.expired();
  }
}
