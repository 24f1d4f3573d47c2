import { EMPTY, type MonoTypeOperatorFunction, pipe } from 'rxjs';
import {
  Bulkhead,
  bulkhead,
  CircuitBreaker,
  circuitBreaker,
  fallback,
  RateLimiter,
  rateLimit,
  retryWithBackoff,
  timeout,
} from '../src/index.ts';

/** All six operators as a user stacks them by hand, with shared objects that never refuse. */
export function sixOperators<T>(): MonoTypeOperatorFunction<T> {
  return pipe(
    timeout<T>({ first: 30_000, each: 30_000 }),
    bulkhead(new Bulkhead({ maxConcurrent: 1_000_000 })),
    rateLimit(new RateLimiter({ requestsPerSecond: 1e9, burstSize: 1e9 })),
    circuitBreaker(
      new CircuitBreaker({ window: { type: 'count', size: 100, failureRate: 0.5, minimumCalls: 10 } }),
    ),
    retryWithBackoff(3),
    fallback(() => EMPTY),
  );
}
