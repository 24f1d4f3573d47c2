import {
  defer,
  isObservable,
  type MonoTypeOperatorFunction,
  NEVER,
  type Observable,
  Subject,
  takeUntil,
} from 'rxjs';
import { ConfigurationError } from '../core/errors.ts';
import { compose } from './compose.ts';
import { protect } from './protect.ts';

/** Decorates methods that return a promise or an Observable, and keeps their type, type parameters and all. */
type ResilientMethod<T> = <This, M extends (this: This, ...args: never[]) => Promise<T> | Observable<T>>(
  method: M,
  context: ClassMethodDecoratorContext<This>,
) => M;

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Puts every call of a method through the operators, be it one that returns a promise or one that returns an Observable.
 *
 * ```
 * users.load(7)   ^--x
 *                    ^--x        @resilient(retryWithBackoff(2)): the method is called again
 *                       ^--v
 * the promise     ---------v
 * ```
 *
 * A method that is not declared `async` may return either, and which it is its first call finds out: it is admitted like
 * any other, and if an Observable comes back, that attempt is cancelled, neutral to all policies but for the permit that it
 * took of a rate limit, and the Observable is kept for the first subscription. From then on an Observable method is called
 * when its stream is subscribed, once for every attempt.
 *
 * The operators are made once, when the class is defined: all its instances share one breaker, one bulkhead. `this`, the
 * arguments and their abort signals are treated as by {@link protect}. A promise method that throws rejects, an
 * Observable method that throws errors. It is a decorator of the standard (TypeScript without `experimentalDecorators`).
 *
 * @param operators the first is the innermost, as in `pipe`; usually one `resilience({ … })`. They may not change the type.
 * @throws {ConfigurationError} when the class is defined, naming what is not a method or not an operator.
 *
 * @example
 * ```ts
 * class Users {
 *   @resilient(resilience({ name: 'users', timeout: 2_000, retry: 3 }))
 *   async load(id: number): Promise<User> { … }
 *
 *   @resilient(resilience({ name: 'feed', timeout: { each: 30_000 }, circuitBreaker: {} }))
 *   changes(): Observable<Change> { … }
 * }
 * console.log((await new Users().load(7)).name); // Ada
 * ```
 */
export function resilient<T>(...operators: MonoTypeOperatorFunction<T>[]): ResilientMethod<T>;
export function resilient(...operators: MonoTypeOperatorFunction<unknown>[]): unknown {
  const policies = compose('resilient', operators);
  return (method: Method, context: { readonly kind?: string } | undefined): Method => {
    if (context?.kind !== 'method') {
      throw new ConfigurationError(
        `resilient: decorates methods only, got ${context?.kind ?? 'something else (is experimentalDecorators on?)'}`,
      );
    }
    return isAsync(method) ? protect(method, policies) : learning(method, policies);
  };
}

const isAsync = (method: Method): boolean =>
  Object.prototype.toString.call(method) === '[object AsyncFunction]';

/** What a method returns is not known before it has run, and it must not run before it is admitted. */
function learning(method: Method, policies: MonoTypeOperatorFunction<unknown>): Method {
  const promised = protect(method, policies);
  let returns: 'promise' | 'stream' | undefined;

  return function (...args) {
    if (returns === 'promise') return promised.apply(this, args);
    let kept: unknown;
    const stream = policies(
      defer(() => {
        const attempt = kept ?? method.apply(this, args);
        kept = undefined;
        return attempt as Observable<unknown>;
      }),
    );
    if (returns === 'stream') return stream;

    const isStream$ = new Subject<void>();
    const findOut: Method = (...admitted) => {
      const result = method.apply(this, admitted);
      returns = isObservable(result) ? 'stream' : 'promise';
      if (returns === 'promise') return result;
      kept = result;
      isStream$.next();
      return NEVER;
    };
    const call = protect(findOut, policies, takeUntil(isStream$))(...args);
    if (isKnownAs('promise')) return call;
    if (isKnownAs('stream')) return stream;
    // Refused, or still in a queue. The caller knows what the method returns, and finds it here either way.
    call.catch(() => {});
    const promise: Pick<Promise<unknown>, 'then' | 'catch' | 'finally'> = {
      // biome-ignore lint/suspicious/noThenProperty: it is meant to be awaited
      then: (...handlers) => call.then(...handlers), // oxlint-disable-line unicorn/no-thenable
      catch: (handler) => call.catch(handler),
      finally: (handler) => call.finally(handler),
    };
    return Object.assign(stream, promise);
  };

  /** Asked after a call that may have found out. */
  function isKnownAs(kind: typeof returns): boolean {
    return returns === kind;
  }
}
