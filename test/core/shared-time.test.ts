/**
 * What is shared may be made in real time, used in a test in virtual time, whose clock begins at 0, in real time again, and
 * in the next test. Each time the clock begins anew, and nothing that is shared may take that for an age.
 */
import { asyncScheduler, of, Subject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SteadyClock } from '../../src/core/steady-clock.ts';
import {
  AdaptiveConcurrency,
  AdaptiveThrottle,
  adaptiveConcurrency,
  Bulkhead,
  type BulkheadRejectedError,
  bulkhead,
  CircuitBreaker,
  chaos,
  HealthChecker,
  hedge,
  LatencyPercentile,
  RateLimiter,
  RetryBudget,
} from '../../src/index.ts';

/** What happens to an object, step by step; between the steps it waits for so many milliseconds. */
type Story = () => Generator<number, void>;

let hostTime: number;

beforeEach(() => {
  hostTime = 5_000.5;
  vi.spyOn(performance, 'now').mockImplementation(() => hostTime);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function inRealTime(story: Story): void {
  for (const wait of story()) hostTime += wait;
}

function inVirtualTime(story: Story): void {
  new TestScheduler(() => {}).run(() => {
    const steps = story();
    const go = (): void => {
      const { done, value } = steps.next();
      if (!done) asyncScheduler.schedule(go, value);
    };
    go();
  });
}

function inTurn(story: Story): void {
  inRealTime(story);
  inVirtualTime(story);
  inRealTime(story);
  inVirtualTime(story);
}

const busy = Object.assign(new Error('busy'), { status: 503 });

describe('whatever the clock says, the same is true of', () => {
  test('a steady clock: it never goes back, and its milliseconds are whole ones of virtual time', () => {
    const clock = new SteadyClock({ now: () => hostTime, schedule: vi.fn() });
    const readings = [7.25, 9.5, 0, 3, 3, 1, 8].map((time) => {
      hostTime = time;
      return clock.now();
    });
    expect(readings).toStrictEqual([7.25, 9.5, 10, 13, 13, 13, 20]);
  });

  test('a retry budget', () => {
    const budget = new RetryBudget({ retryRatio: 1, minRetriesPerSecond: 0, timeToLive: 1_000 });
    inTurn(function* () {
      expect(budget.balance).toBe(0);
      budget.deposit();
      yield 900;
      expect(budget.balance).toBe(1);
      yield 100;
      expect(budget.balance).toBe(0);
    });
  });

  test('an adaptive throttle', () => {
    const throttle = new AdaptiveThrottle({ window: 1_000, random: () => 0.99 });
    inTurn(function* () {
      for (let request = 0; request < 3; request++) throttle.acquire().failure(busy);
      expect([throttle.requests, throttle.accepts, throttle.probability]).toStrictEqual([3, 0, 0.75]);
      yield 1_000;
      expect([throttle.requests, throttle.probability]).toStrictEqual([0, 0]);
    });
  });

  test('a rate limiter', () => {
    const limiter = new RateLimiter({ requestsPerSecond: 1, burstSize: 2 });
    const take = (): boolean => limiter.tryAcquire();
    inTurn(function* () {
      expect([take(), take(), take()]).toStrictEqual([true, true, false]);
      yield 1_000;
      expect([take(), take()]).toStrictEqual([true, false]);
      yield 2_000;
      expect(limiter.available).toBe(2);
      limiter.pause(500);
      expect(take()).toBe(false);
      yield 500;
      expect([take(), take()]).toStrictEqual([true, false]);
      yield 2_000;
      expect(limiter.available).toBe(2);
    });
  });

  test('a circuit that looks at the last second', () => {
    const window = { type: 'time', duration: 1_000, failureRate: 1, minimumCalls: 3 } as const;
    const breaker = new CircuitBreaker({ window });
    inTurn(function* () {
      breaker.acquire().failure(busy);
      expect(breaker.stats.failureCount).toBe(1);
      yield 900;
      expect(breaker.stats.failureCount).toBe(1);
      yield 100;
      expect(breaker.stats.failureCount).toBe(0);
    });
  });

  test('a circuit that opens', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 1_000, successThreshold: 1 });
    inTurn(function* () {
      breaker.acquire().failure(busy);
      yield 400;
      expect(breaker.stats.retryAfter).toBe(600);
      expect(() => breaker.acquire()).toThrow('is open');
      yield 600;
      breaker.acquire().success();
      expect(breaker.state).toBe('closed');
    });
  });

  test('what is usual', () => {
    const usual = new LatencyPercentile({ samples: 1, minimumSamples: 1 });
    const hedged = hedge<number>({ delay: usual });
    inTurn(function* () {
      const source$ = new Subject<number>();
      const subscription = source$.pipe(hedged).subscribe();
      yield 100;
      source$.next(1);
      expect(usual.delay).toBe(100);
      subscription.unsubscribe();
    });
  });

  test('how long a bulkhead would make one wait', () => {
    const shared = new Bulkhead({ maxConcurrent: 1, maxQueue: 1 });
    inTurn(function* () {
      const source$ = new Subject<never>();
      source$.pipe(bulkhead(shared)).subscribe();
      yield 100;
      source$.complete();
      const holder = new Subject<never>().pipe(bulkhead(shared)).subscribe();
      const errors: BulkheadRejectedError[] = [];
      of(1)
        .pipe(bulkhead(shared, { patience: 99 }))
        .subscribe({ error: (error) => errors.push(error) });
      expect(errors.map(({ retryAfter }) => retryAfter)).toStrictEqual([100]);
      yield 100;
      holder.unsubscribe();
    });
  });

  test('an answer about health that may be used again', () => {
    const checker = new HealthChecker({ maxAge: 1_000 });
    checker.register('database', () => true);
    const ages: (number | undefined)[] = [];
    const ask = (): void => {
      checker
        .watch(5_000)
        .subscribe(({ checks }) => ages.push(checks.database?.age))
        .unsubscribe();
    };
    inTurn(function* () {
      ask();
      yield 1_000;
      ask();
      yield 999;
      ask();
      expect(ages.splice(0).slice(1)).toStrictEqual([0, 999]);
    });
  });
});

describe('what has begun in real time goes on in virtual time:', () => {
  test('what was spent comes back', () => {
    const budget = new RetryBudget({ retryRatio: 0, minRetriesPerSecond: 1, timeToLive: 1_000 });
    const limiter = new RateLimiter({ requestsPerSecond: 1, burstSize: 1 });
    expect([budget.tryWithdraw(), limiter.tryAcquire()]).toStrictEqual([true, true]);
    inVirtualTime(function* () {
      expect([budget.tryWithdraw(), limiter.tryAcquire()]).toStrictEqual([false, false]);
      yield 1_000;
      expect([budget.tryWithdraw(), limiter.tryAcquire()]).toStrictEqual([true, true]);
    });
  });

  test('an open circuit recovers, and a pause ends', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 1_000 });
    const limiter = new RateLimiter({ requestsPerSecond: 1 });
    breaker.acquire().failure(busy);
    limiter.pause(1_000);
    const refuse = (): void => {
      expect(() => breaker.acquire()).toThrow('is open');
      expect(limiter.tryAcquire()).toBe(false);
    };
    inVirtualTime(function* () {
      refuse();
      yield 999;
      refuse();
      yield 1;
      breaker.acquire().success();
      expect(limiter.tryAcquire()).toBe(true);
    });
    expect(limiter.state.paused).toBe(false);
  });

  test('an attempt and a lease last no less than no time', () => {
    const usual = new LatencyPercentile({ samples: 1, minimumSamples: 1 });
    const shared = new Bulkhead({ maxConcurrent: 1, maxQueue: 1 });
    const source$ = new Subject<number>();
    source$.pipe(bulkhead(shared), hedge({ delay: usual })).subscribe();
    inVirtualTime(function* () {
      yield 100;
      source$.next(1);
      source$.complete();
      expect(usual.delay).toBe(1);
      const holder = new Subject<never>().pipe(bulkhead(shared)).subscribe();
      const refused: unknown[] = [];
      of(1)
        .pipe(bulkhead(shared, { patience: 0 }))
        .subscribe({ error: ({ retryAfter }: BulkheadRejectedError) => refused.push(retryAfter) });
      expect(refused).toStrictEqual([0.5]);
      holder.unsubscribe();
    });
  });

  test('a latency that a limit follows is no less than none', () => {
    const latencies: number[] = [];
    const control = {
      limit: 1,
      sampled: ({ latency }: { readonly latency: number }) => void latencies.push(latency),
      dropped: () => undefined,
    };
    const shared = new AdaptiveConcurrency({ algorithm: { begin: () => control } });
    const source$ = new Subject<number>();
    source$.pipe(adaptiveConcurrency(shared)).subscribe();
    inVirtualTime(function* () {
      yield 100;
      source$.complete();
      expect(latencies).toStrictEqual([0.5]);
    });
  });

  test('chaos of a certain age comes, and goes', () => {
    const unruly = chaos<number>({ enabled: true, from: 1_000, until: 2_000, error: busy });
    inVirtualTime(function* () {
      const told: unknown[] = [];
      const ask = (): void => {
        of(1)
          .pipe(unruly)
          .subscribe({ next: (value) => told.push(value), error: (error) => told.push(error) });
      };
      ask();
      yield 1_000;
      ask();
      yield 1_000;
      ask();
      expect(told).toStrictEqual([1, busy, 1]);
    });
  });
});
