import type { RecoveredStream } from './recovery.ts';
import { type CallScope, LeavingSubscriber, leave, returnTo } from './scope.ts';
import { reportUnhandled } from './unhandled.ts';

/** One attempt of a stream that recovers. A failure is the stream's to answer; everything else is handed on. */
export class AttemptSubscriber<T> extends LeavingSubscriber<T> {
  constructor(
    protected readonly stream: RecoveredStream<T>,
    readonly scope: CallScope,
  ) {
    super(stream.downstream);
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

  // The attempt is torn down before the next one starts or downstream hears, even if its teardown throws.
  protected fail(error: unknown, final: boolean): void {
    this.tearDown();
    this.stream.attemptFailed({ error, final, scope: this.scope });
  }

  tearDown(): void {
    try {
      this.unsubscribe();
    } catch (thrown) {
      reportUnhandled(thrown);
    }
  }
}
