import * as cockatiel from 'cockatiel';
import * as Effect from 'effect/Effect';
import * as Schedule from 'effect/Schedule';
import * as Semaphore from 'effect/Semaphore';
import OpossumBreaker from 'opossum';
import pLimit from 'p-limit';
import PQueue from 'p-queue';
import pRetry from 'p-retry';
import pTimeout from 'p-timeout';
import { defer, lastValueFrom } from 'rxjs';
import { protect } from '../src/index.ts';
import { builtins, composed, sixOperators } from './pipelines.ts';

export type Call = () => Promise<string>;

/** Something that a call goes through, with limits that it never reaches. */
export interface Guard {
  readonly name: string;
  /** @param call is the same every time, so whoever wraps a function may do it once. */
  around(call: Call): Call;
}

const MANY = 1_000_000;

/** Promise in, promise out; each with what it has of timeout, bulkhead, rate limit, circuit breaker, retry and fallback. */
export const guards = {
  ours: {
    name: 'six operators',
    around(call) {
      const answer$ = defer(call).pipe(sixOperators());
      return () => lastValueFrom(answer$);
    },
  },
  protect: { name: 'the same six by protect()', around: (call) => protect(call, sixOperators()) },
  composed: {
    name: 'the same six by resilience()',
    around(call) {
      const answer$ = defer(call).pipe(composed());
      return () => lastValueFrom(answer$);
    },
  },
  builtins: {
    name: 'rxjs retry + timeout + catchError + finalize',
    around(call) {
      const answer$ = defer(call).pipe(builtins());
      return () => lastValueFrom(answer$);
    },
  },
  cockatiel: {
    name: 'cockatiel wrap(retry, breaker, bulkhead, timeout)',
    around(call) {
      const policy = cockatiel.wrap(
        cockatiel.retry(cockatiel.handleAll, { maxAttempts: 3, backoff: new cockatiel.ExponentialBackoff() }),
        cockatiel.circuitBreaker(cockatiel.handleAll, {
          halfOpenAfter: 60_000,
          breaker: new cockatiel.CountBreaker({ threshold: 0.5, size: 100, minimumNumberOfCalls: 10 }),
        }),
        cockatiel.bulkhead(MANY),
        cockatiel.timeout(30_000, cockatiel.TimeoutStrategy.Cooperative),
      );
      return () => policy.execute(call);
    },
  },
  opossum: {
    name: 'opossum breaker with timeout and capacity',
    around(call) {
      const breaker = new OpossumBreaker(call, { timeout: 30_000, capacity: MANY, volumeThreshold: 10 });
      return () => breaker.fire();
    },
  },
  promises: {
    name: 'p-retry + p-limit + p-timeout',
    around(call) {
      const limit = pLimit(MANY);
      const attempt = () => limit(() => pTimeout(call(), { milliseconds: 30_000 }));
      return () => pRetry(attempt, { retries: 3 });
    },
  },
  queue: {
    name: 'p-retry + p-queue with timeout',
    around(call) {
      const queue = new PQueue({ concurrency: MANY, timeout: 30_000 });
      return () => pRetry(() => queue.add(call), { retries: 3 });
    },
  },
  effect: {
    name: 'effect timeout + semaphore + retry',
    around(call) {
      const guarded = Effect.tryPromise(call).pipe(
        Effect.timeout('30 seconds'),
        Semaphore.makeUnsafe(MANY).withPermit,
        Effect.retry(Schedule.recurs(3)),
      );
      return () => Effect.runPromise(guarded);
    },
  },
} satisfies Record<string, Guard>;
