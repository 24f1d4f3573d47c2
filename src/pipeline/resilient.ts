import { defer, type MonoTypeOperatorFunction, type Observable } from 'rxjs';
import { ConfigurationError } from '../core/errors.ts';
import { toObservable } from '../interop/to-observable.ts';
import { compose } from './compose.ts';
import { protect } from './protect.ts';

/** Decorates methods that return a `Result`, and keeps their type. */
type ResilientMethod<Result> = <This, Args extends unknown[], R extends Result>(
  method: (this: This, ...args: Args) => R,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => R>,
) => (this: This, ...args: Args) => R;

interface Resilient {
  <T>(...operators: MonoTypeOperatorFunction<T>[]): ResilientMethod<Promise<T>>;
  /** For methods that return an Observable; it is called for every attempt, and not before it may run. */
  stream<T>(...operators: MonoTypeOperatorFunction<T>[]): ResilientMethod<Observable<T>>;
}

/**
 * Puts every call of a method through the operators: `@resilient(…)` for methods that return a promise,
 * `@resilient.stream(…)` for methods that return an Observable.
 *
 * ```
 * users.load(7)   ^--x
 *                    ^--x        @resilient(retryWithBackoff(2)): the method is called again
 *                       ^--v
 * the promise     ---------v
 * ```
 *
 * There are two, because what a method returns is not known before it has run, and it must not run before it is
 * admitted. The compiler refuses the wrong one.
 *
 * The operators are made once, when the class is defined: all its instances share one breaker, one bulkhead. `this`, the
 * arguments and their abort signals are treated as by {@link protect}. A promise method that throws rejects, an
 * Observable method that throws errors. It is a decorator of the standard (TypeScript without
 * `experimentalDecorators`).
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
 *   @resilient.stream(resilience({ name: 'feed', timeout: { each: 30_000 }, circuitBreaker: {} }))
 *   changes(): Observable<Change> { … }
 * }
 * console.log((await new Users().load(7)).name); // Ada
 * ```
 */
export const resilient: Resilient = /* @__PURE__ */ Object.assign(
  (...operators: AnyOperator[]) => {
    const policies = compose('resilient', operators);
    return decorating((method) => protect(method, policies));
  },
  {
    stream(...operators: AnyOperator[]) {
      const policies = compose('resilient.stream', operators);
      return decorating(
        (method) =>
          function (this: unknown, ...args) {
            return policies(defer(() => toObservable(method.apply(this, args) as Observable<unknown>)));
          },
      );
    },
  },
) as Resilient;

type AnyOperator = MonoTypeOperatorFunction<unknown>;
type Method = (this: unknown, ...args: unknown[]) => unknown;

function decorating(protection: (method: Method) => Method) {
  return (method: Method, context: { readonly kind?: string } | undefined): Method => {
    if (context?.kind === 'method') return protection(method);
    throw new ConfigurationError(
      `resilient: decorates methods only, got ${context?.kind ?? 'something else (is experimentalDecorators on?)'}`,
    );
  };
}
