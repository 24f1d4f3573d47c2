import { Observable, Subscriber } from 'rxjs';
import * as z from 'zod/mini';
import { type AbortListener, listen, unlisten } from '../core/abort-listeners.ts';
import { parseConfig, signalOption } from '../core/config.ts';
import { labelled } from '../core/label.ts';
import type { TransparentOperator } from '../core/operator-types.ts';

/**
 * Ends the stream with the signal's reason when the signal aborts.
 *
 * ```
 * source   ^--a--b--c--d|
 * signal   --------!        untilAborted(signal)
 * result   ---a--b-#
 * ```
 *
 * The source is unsubscribed before downstream hears of it, and never subscribed when the signal has aborted already.
 * Nothing stays on the signal after complete, error or unsubscribe, and streams that share one signal share one listener.
 *
 * Put it last in the `pipe`: policies before it are unsubscribed, which is neutral to all of them. A policy *after* it
 * receives the reason as an error. The default reason is an `AbortError`, which no policy retries or counts as a failure;
 * a reason of your own is judged like any other error.
 *
 * @param signal the caller's signal.
 * @throws the signal's `reason` (as the stream's error).
 * @throws {ConfigurationError} at once, when this is no signal.
 *
 * @example
 * ```ts
 * const controller = new AbortController();
 * setTimeout(() => controller.abort(), 250);
 * interval(100).pipe(untilAborted(controller.signal)).subscribe({ next: console.log, error: (e) => console.log(e.name) });
 * // 0
 * // 1
 * // AbortError
 * ```
 * @see {@link fromAbortable} for the other direction.
 */
export function untilAborted(signal: AbortSignal): TransparentOperator {
  parseConfig('untilAborted', UntilAbortedSchema, { signal });
  return labelled(
    'untilAborted',
    'signal',
    (source) =>
      new Observable((subscriber) => {
        // RxJS subscribes also on behalf of those who have left already.
        if (subscriber.closed) return;
        if (signal.aborted) subscriber.error(signal.reason);
        else source.subscribe(new AbortableSubscriber(subscriber, signal));
      }),
  );
}

const UntilAbortedSchema = z.object({ signal: signalOption() });

class AbortableSubscriber<T> extends Subscriber<T> implements AbortListener {
  constructor(
    private readonly downstream: Subscriber<T>,
    private readonly signal: AbortSignal,
  ) {
    super(downstream);
    listen(signal, this);
  }

  aborted(reason: unknown): void {
    const { downstream } = this;
    try {
      this.unsubscribe();
    } finally {
      downstream.error(reason);
    }
  }

  protected override _error(error: unknown): void {
    unlisten(this.signal, this);
    super._error(error);
  }

  protected override _complete(): void {
    unlisten(this.signal, this);
    super._complete();
  }

  override unsubscribe(): void {
    unlisten(this.signal, this);
    super.unsubscribe();
  }
}
