import { from, type Observable, type ObservableInput, type ObservedValueOf, observable } from 'rxjs';
import { type AsyncSource, isAsyncSource, readingFrom } from './async-source.ts';

/**
 * RxJS' `from`, but async iterables and `ReadableStream`s close as soon as they are unsubscribed.
 *
 * @see {@link fromAsyncIterable}
 */
export function toObservable<O extends ObservableInput<unknown>>(input: O): Observable<ObservedValueOf<O>> {
  return isAsyncSource(input) && !isObservable(input) && !isPromise(input)
    ? readingFrom(input as AsyncSource<ObservedValueOf<O>>)
    : from(input);
}

/** Whether this is an Observable of whatever library. */
export function isObservable(value: unknown): value is ObservableInput<unknown> {
  return typeof value === 'object' && value !== null && observable in value;
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
