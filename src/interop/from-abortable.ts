import { Observable, type ObservableInput, type ObservedValueOf, Subscriber } from 'rxjs';
import { toObservable } from './to-observable.ts';

/**
 * An Observable of a function that takes an `AbortSignal`, such as `fetch`: cold, called for every subscription, and
 * cancelled by unsubscribing.
 *
 * ```
 * call     ^--------v       fromAbortable((signal) => fetch(url, { signal }))
 * consumer ^-----!
 * signal   ------!          AbortError
 * ```
 *
 * The signal is aborted when the Observable is unsubscribed before its end, and never after complete or error. A
 * rejection that comes after the unsubscribe is swallowed; one that comes before is the error of the stream, and so is
 * what the function throws.
 *
 * @param open is given the signal of its subscription; returns a promise, an Observable, an async iterable, …
 *
 * @example
 * ```ts
 * const user$ = fromAbortable((signal) => fetch('/user/7', { signal }).then((response) => response.json()));
 * user$.pipe(timeout(2_000), retryWithBackoff(3)); // a slow request is aborted, then made again
 * ```
 * @see {@link untilAborted} for the other direction.
 */
export function fromAbortable<O extends ObservableInput<unknown>>(
  open: (signal: AbortSignal) => O,
): Observable<ObservedValueOf<O>> {
  return new Observable((downstream) => {
    // RxJS subscribes also on behalf of those who have left already.
    if (downstream.closed) return;
    const subscriber = new AbortingSubscriber(downstream);
    let source: Observable<ObservedValueOf<O>>;
    try {
      source = toObservable(open(subscriber.signal));
    } catch (error) {
      subscriber.error(error);
      return;
    }
    // Even when it was unsubscribed while it opened: a promise is under way, and somebody must catch its rejection.
    source.subscribe(subscriber);
  });
}

class AbortingSubscriber<T> extends Subscriber<T> {
  private readonly controller = new AbortController();

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  // The signal comes first: an async generator hears of its `return()` only when what it awaits has ended.
  override unsubscribe(): void {
    if (!this.isStopped) {
      this.isStopped = true;
      this.controller.abort();
    }
    super.unsubscribe();
  }
}
