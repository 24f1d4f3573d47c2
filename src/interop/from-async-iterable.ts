import type { Observable } from 'rxjs';
import { type AsyncSource, readingFrom } from './async-source.ts';
import { fromAbortable } from './from-abortable.ts';

/**
 * An Observable of an async iterable or a `ReadableStream`, whose source closes when the Observable is unsubscribed.
 *
 * ```
 * source   ^--a--b--c--|
 * consumer ^-------!
 * result   ---a--b--
 * closed   --------!        the iterator's return(), the stream's cancel(), the factory's signal
 * ```
 *
 * Where RxJS' own `from` waits for the value that is under way, this closes at once: the signal is aborted (by an
 * `AbortError`), then `return()` is called. What the source rejects with afterwards is swallowed. An error of the source
 * is the error of the stream.
 *
 * Give a function if the stream may be subscribed more than once, by a retry for example: it is called for every
 * subscription. A generator object or a stream can be read only once; a second subscription errors instead of completing empty.
 *
 * @param source the iterable or stream, or a function that opens one with the signal it is given.
 * @throws {ResilienceError} (as the stream's error) when the source can be read only once and has been.
 *
 * @example
 * ```ts
 * const lines = fromAsyncIterable(async function* (signal) {
 *   const response = await fetch(url, { signal });
 *   yield* splitLines(response.body);
 * });
 * lines.pipe(take(2)).subscribe(console.log); // the first two lines; then the connection is closed
 * ```
 * @see {@link toAsyncIterable} for the way back.
 */
export function fromAsyncIterable<T>(
  source: AsyncSource<T> | ((signal: AbortSignal) => AsyncSource<T> | PromiseLike<AsyncSource<T>>),
): Observable<T> {
  return typeof source === 'function'
    ? fromAbortable((signal) => readingFrom(source(signal)))
    : readingFrom(source);
}
