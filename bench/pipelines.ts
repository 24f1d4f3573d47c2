import {
  catchError,
  EMPTY,
  finalize,
  type MonoTypeOperatorFunction,
  map,
  pipe,
  retry,
  timeout as rxjsTimeout,
} from 'rxjs';
import {
  Bulkhead,
  bulkhead,
  CircuitBreaker,
  circuitBreaker,
  fallback,
  RateLimiter,
  rateLimit,
  resilience,
  retryWithBackoff,
  timeout,
} from '../src/index.ts';

const limits = { first: 30_000, each: 30_000, total: 60_000 };
const unlimited = () => ({
  bulkhead: new Bulkhead({ maxConcurrent: 1_000_000 }),
  rateLimit: new RateLimiter({ requestsPerSecond: 1e9, burstSize: 1e9 }),
  circuitBreaker: new CircuitBreaker({
    window: { type: 'count', size: 100, failureRate: 0.5, minimumCalls: 10 },
  }),
});

/** All six operators as a user stacks them by hand, with shared objects that never refuse. */
export function sixOperators<T>(): MonoTypeOperatorFunction<T> {
  const shared = unlimited();
  return pipe(
    timeout<T>(limits),
    bulkhead(shared.bulkhead),
    rateLimit(shared.rateLimit),
    circuitBreaker(shared.circuitBreaker),
    retryWithBackoff(3),
    fallback(() => EMPTY),
  );
}

/** The same six by `resilience()`. */
export function composed<T>(): MonoTypeOperatorFunction<T> {
  return resilience({ ...unlimited(), timeout: limits, retry: 3, fallback: () => EMPTY });
}

/** What RxJS itself has of it. */
export function builtins<T>(): MonoTypeOperatorFunction<T> {
  return pipe(
    retry<T>(3),
    rxjsTimeout({ first: 30_000, each: 30_000 }),
    catchError(() => EMPTY),
    finalize(() => {}),
  );
}

/** Six times the least that an operator can do. */
export function sixMaps<T>(): MonoTypeOperatorFunction<T> {
  return pipe(
    map((token: T) => token),
    map((token: T) => token),
    map((token: T) => token),
    map((token: T) => token),
    map((token: T) => token),
    map((token: T) => token),
  );
}
