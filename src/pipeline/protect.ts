import { type InteropObservable, Observable, type OperatorFunction, Subscriber } from 'rxjs';
import * as z from 'zod/mini';
import { type AbortListener, listen, unlisten } from '../core/abort-listeners.ts';
import { functionOption, parseConfig } from '../core/config.ts';
import { type AsyncSource, isAsyncSource } from '../interop/async-source.ts';
import { isObservable, isPromise, toObservable } from '../interop/to-observable.ts';
import { replaceSignal, SignalledAttempt, signalOf } from './attempt-signal.ts';
import { compose } from './compose.ts';

type Stream<T> = Observable<T> | InteropObservable<T> | AsyncSource<T>;

/** The value of a call: what a promise resolves to, what a stream delivers, or the result itself. */
type ValueOf<R> = R extends PromiseLike<unknown> ? Awaited<R> : R extends Stream<infer T> ? T : R;

/** A stream may end without a value. */
type Nothing<R> = R extends PromiseLike<unknown> ? never : R extends Stream<unknown> ? undefined : never;

type Fn<This, Args extends unknown[], R> = (this: This, ...args: Args) => R;
type Protected<This, Args extends unknown[], R, T> = Fn<This, Args, Promise<T | Nothing<R>>>;

/**
 * The same function, with every call through the operators: resilience for code that does not speak Observable.
 *
 * ```
 * load(7)      ^--x              the first attempt rejects
 *                 ^--x           retryWithBackoff(2): fn is called again with the same arguments
 *                    ^--v
 * the promise  ---------v
 * ```
 *
 * The function may return a value, a promise, an Observable or an async iterable; of the latter two, the promise resolves
 * to the last value (add `toArray()` to the operators for all of them), to `undefined` if there is none. `this` is passed
 * on, and what the function throws becomes a rejection. The operators are shared by all calls: one breaker, one bulkhead.
 *
 * **Abort signals.** If the last argument is an `AbortSignal`, or an object with one as its `signal`, the call rejects
 * with the signal's reason when it aborts, wherever it is: in a queue, in a back-off, in the attempt. To the policies that
 * is a cancel, neither success nor failure. In its place (of an options object, a copy) the function receives a signal of
 * the attempt's own, which aborts too when the attempt is given up, by a timeout for example. It goes on following the
 * caller's signal after the call has resolved: the body of a `fetch` response is still to be read. An instance of a class
 * that carries a signal, such as a `Request`, is passed on as it is.
 *
 * A function without such an argument returns `fromAbortable((signal) => …)` to be told when its attempt is given up.
 *
 * @param fn the function; called once for every attempt.
 * @param operators the first is the innermost, as in `pipe`; usually one `resilience({ … })`.
 * @throws {ConfigurationError} at once, naming what is not a function.
 *
 * @example
 * ```ts
 * const load = protect(fetch, timeout(2_000), retryWithBackoff(3));
 * const response = await load('/user/7', { signal });
 *
 * const user = protect(
 *   (id: number) => fromAbortable((signal) => client.get(`/user/${id}`, { signal })),
 *   resilience({ timeout: 2_000, retry: 3 }),
 * );
 * console.log((await user(7)).name); // Ada
 * ```
 * @see {@link resilience}, {@link resilient} for methods, {@link fromAbortable}
 */
export function protect<This, Args extends unknown[], R>(
  fn: Fn<This, Args, R>,
): Protected<This, Args, R, ValueOf<R>>;
export function protect<This, Args extends unknown[], R, A>(
  fn: Fn<This, Args, R>,
  first: OperatorFunction<ValueOf<R>, A>,
): Protected<This, Args, R, A>;
export function protect<This, Args extends unknown[], R, A, B>(
  fn: Fn<This, Args, R>,
  first: OperatorFunction<ValueOf<R>, A>,
  second: OperatorFunction<A, B>,
): Protected<This, Args, R, B>;
export function protect<This, Args extends unknown[], R, A, B, C>(
  fn: Fn<This, Args, R>,
  first: OperatorFunction<ValueOf<R>, A>,
  second: OperatorFunction<A, B>,
  third: OperatorFunction<B, C>,
): Protected<This, Args, R, C>;
export function protect<This, Args extends unknown[], R, A, B, C, D>(
  fn: Fn<This, Args, R>,
  first: OperatorFunction<ValueOf<R>, A>,
  second: OperatorFunction<A, B>,
  third: OperatorFunction<B, C>,
  fourth: OperatorFunction<C, D>,
): Protected<This, Args, R, D>;
export function protect<This, Args extends unknown[], R, A, B, C, D, E>(
  fn: Fn<This, Args, R>,
  first: OperatorFunction<ValueOf<R>, A>,
  second: OperatorFunction<A, B>,
  third: OperatorFunction<B, C>,
  fourth: OperatorFunction<C, D>,
  fifth: OperatorFunction<D, E>,
): Protected<This, Args, R, E>;
export function protect<This, Args extends unknown[], R, A, B, C, D, E, F>(
  fn: Fn<This, Args, R>,
  first: OperatorFunction<ValueOf<R>, A>,
  second: OperatorFunction<A, B>,
  third: OperatorFunction<B, C>,
  fourth: OperatorFunction<C, D>,
  fifth: OperatorFunction<D, E>,
  sixth: OperatorFunction<E, F>,
): Protected<This, Args, R, F>;
export function protect(
  fn: Fn<unknown, unknown[], unknown>,
  ...operators: OperatorFunction<unknown, unknown>[]
): Fn<unknown, unknown[], Promise<unknown>> {
  parseConfig('protect', ProtectSchema, { fn });
  const policies = compose('protect', operators);

  return function (this: unknown, ...args) {
    const signal = signalOf(args.at(-1));
    return new Promise((resolve, reject) => {
      const attempts = new Observable<unknown>((subscriber) => {
        // The abort that this call is about to hear of may be what has set its place free.
        if (subscriber.closed || signal?.aborted) return;
        if (signal === undefined) return deliver(fn.apply(this, args), subscriber);
        const attempt = new SignalledAttempt(subscriber, signal);
        deliver(fn.apply(this, replaceSignal(args, attempt.signal)), attempt);
      });
      const result = policies(attempts);
      signal?.throwIfAborted();
      result.subscribe(new Call(resolve, reject, signal));
    });
  };
}

const ProtectSchema = z.object({ fn: functionOption() });

/** Hands on what one attempt has returned. */
function deliver(result: unknown, subscriber: Subscriber<unknown>): void {
  if (isPromise(result)) {
    result.then(
      (value) => {
        subscriber.next(value);
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
  } else if (isObservable(result) || isAsyncSource(result)) {
    toObservable(result).subscribe(subscriber);
  } else {
    subscriber.next(result);
    subscriber.complete();
  }
}

/** One call: the last value, as a promise. It settles before it tears down, so a throwing teardown cannot make it hang. */
class Call extends Subscriber<unknown> implements AbortListener {
  private last: unknown;

  constructor(
    private readonly resolve: (value: unknown) => void,
    private readonly reject: (error: unknown) => void,
    private readonly signal: AbortSignal | undefined,
  ) {
    super();
    if (signal !== undefined) listen(signal, this);
  }

  aborted(reason: unknown): void {
    this.reject(reason);
    this.unsubscribe();
  }

  override next(value: unknown): void {
    this.last = value;
  }

  protected override _error(error: unknown): void {
    this.reject(error);
    this.unsubscribe();
  }

  protected override _complete(): void {
    this.resolve(this.last);
    this.unsubscribe();
  }

  override unsubscribe(): void {
    if (this.signal !== undefined) unlisten(this.signal, this);
    super.unsubscribe();
  }
}
