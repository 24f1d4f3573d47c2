import { defer, type InteropObservable, type Observable, of, type ReadableStreamLike } from 'rxjs';
import type { Failure } from '../core/recovery.ts';
import { isAsyncSource } from '../interop/async-source.ts';
import { isObservable, isPromise, toObservable } from '../interop/to-observable.ts';

/** What is known when the source, and perhaps some alternatives, have failed. */
export interface FallbackFailure extends Failure {
  /** The latest error. */
  readonly error: unknown;
  /** Every error in order, the source's first. */
  readonly errors: readonly unknown[];
}

/** What takes its time to answer. Arrays, strings and other iterables are values here, and emitted as one. */
export type AnswerStream<A> =
  | Observable<A>
  | InteropObservable<A>
  | PromiseLike<A>
  | AsyncIterable<A>
  | ReadableStreamLike<A>;

type Factory = (failure: FallbackFailure) => unknown;

/** A value, a stream, or a function that makes either when it is needed. A function is never a value. */
export type Alternative = Factory | object | string | number | bigint | boolean | symbol | null | undefined;

type AnswerOf<A> = A extends AnswerStream<infer V> ? V : A;

/** The values that an alternative gives. */
export type Answer<A> = A extends (failure: FallbackFailure) => infer Made ? AnswerOf<Made> : AnswerOf<A>;

/** The alternative as a stream. A factory is called by the subscriber, so what it throws is that stream's error. */
export function answerOf<A>(alternative: Alternative, failure: FallbackFailure): Observable<A> {
  return defer(() => {
    const answer = typeof alternative === 'function' ? (alternative as Factory)(failure) : alternative;
    return (isStream(answer) ? toObservable(answer) : of(answer)) as Observable<A>;
  });
}

function isStream(answer: unknown): answer is AnswerStream<unknown> {
  return isObservable(answer) || isPromise(answer) || isAsyncSource(answer);
}
