import { concat, type Observable, type ObservableInput, of, skip } from 'rxjs';
import type { Failure } from '../core/recovery.ts';

/** What is known when a stream breaks after it has delivered something. */
export interface Interruption<T> extends Failure {
  /** The source, to be subscribed again. */
  readonly source: Observable<T>;
  /** The number of this retry, from 1. */
  readonly retry: number;
}

/** How a stream goes on that broke after its commit. Called when the back-off is over; what it throws ends the stream. */
export type Resume<T, R = T> = (interruption: Interruption<T>) => ObservableInput<R>;

/**
 * Starts the source again from its beginning and delivers everything again, to whoever can bear duplicates.
 *
 * ```
 * --a--b--#    --a--b--c--|    becomes    --a--b----a--b--c--|
 * ```
 */
export function replayFromStart<T>({ source }: Interruption<T>): Observable<T> {
  return source;
}

/**
 * Starts the source again and leaves out as many values as were delivered: exact if the source repeats itself.
 *
 * ```
 * --a--b--#    --a--b--c--|    becomes    --a--b----------c--|
 * ```
 */
export function skipDelivered<T>({ source, emitted }: Interruption<T>): Observable<T> {
  return source.pipe(skip(emitted));
}

/**
 * Delivers `marker`, which tells downstream to forget what it has, and starts the source again.
 *
 * ```
 * --a--b--#    --a--b--c--|    becomes    --a--b--M--a--b--c--|
 * ```
 */
export function restartBehind<M>(marker: M): <T>(interruption: Interruption<T>) => Observable<T | M> {
  return ({ source }) => concat(of(marker), source);
}
