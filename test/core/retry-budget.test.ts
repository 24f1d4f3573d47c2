import fc from 'fast-check';
import { timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, test } from 'vitest';
import { RetryBudget, type RetryBudgetConfig } from '../../src/core/retry-budget.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

function budgetWith(config: RetryBudgetConfig = {}) {
  const scheduler = new ManualScheduler();
  const budget = new RetryBudget({ ...config, scheduler });
  const advance = (time: number): void => scheduler.advanceTo(scheduler.now() + time);
  /** Takes out so many retries, if they are there; all or none. */
  const take = (retries: number): boolean => {
    if (budget.balance < retries) return false;
    for (let taken = 0; taken < retries; taken++) expect(budget.tryWithdraw()).toBe(true);
    return true;
  };
  const put = (requests: number): void => {
    for (let made = 0; made < requests; made++) budget.deposit();
  };
  return { budget, advance, take, put };
}

const onlyPaid = { minRetriesPerSecond: 0 };

describe("the numbers of Finagle's own tests", () => {
  // RetryBudgetTest.scala: ten thousand requests in one moment, each of which asks for a retry.
  test.each([
    ...[0.1, 0.5, 0.25, 0.75, 0.99, 0.999, 0.9999, 0.01, 0.001, 0.0001].map((retryRatio) => ({
      timeToLive: 60_000,
      minRetriesPerSecond: 0,
      retryRatio,
    })),
    { timeToLive: 1_000, minRetriesPerSecond: 10, retryRatio: 0 },
    { timeToLive: 2_000, minRetriesPerSecond: 5, retryRatio: 0 },
    { timeToLive: 1_000, minRetriesPerSecond: 10, retryRatio: 0.1 },
    { timeToLive: 2_000, minRetriesPerSecond: 5, retryRatio: 0.5 },
  ])('%j', (config) => {
    const { budget } = budgetWith(config);
    const unpaid = (config.timeToLive / 1_000) * config.minRetriesPerSecond;
    expect(budget.balance).toBe(unpaid);
    let retried = 0;
    for (let request = 0; request < 10_000; request++) {
      budget.deposit();
      if (budget.tryWithdraw()) retried++;
      else if (budget.balance > 0) throw new Error(`refused with a balance of ${budget.balance}`);
    }
    expect(Math.abs(retried - 10_000 * config.retryRatio - unpaid)).toBeLessThanOrEqual(1);
  });

  test('at a ratio of 2 every request pays for two retries', () => {
    const { budget, put } = budgetWith({ ...onlyPaid, retryRatio: 2, timeToLive: 60_000 });
    expect(budget.balance).toBe(0);
    expect(budget.tryWithdraw()).toBe(false);
    put(10_000);
    expect(budget.balance).toBe(20_000);
  });

  // TokenBucketTest.scala.
  test('a leaky bucket is leaky', () => {
    const { budget, put, advance } = budgetWith({ ...onlyPaid, retryRatio: 1, timeToLive: 3_000 });
    put(100);
    expect(budget.tryWithdraw()).toBe(true);
    advance(3_000);
    expect(budget.tryWithdraw()).toBe(false);
  });

  test('nothing can be taken out of an empty one', () => {
    const { put, take } = budgetWith({ ...onlyPaid, retryRatio: 1, timeToLive: 3_000 });
    put(100);
    expect([50, 49, 1, 1, 50].map(take)).toStrictEqual([true, true, true, false, false]);
    put(1);
    expect([2, 1, 1].map(take)).toStrictEqual([false, true, false]);
  });

  test('a reserve is there without a payment, and comes back when what was taken out of it has expired', () => {
    const { put, take, advance } = budgetWith({
      retryRatio: 1,
      minRetriesPerSecond: 100 / 3,
      timeToLive: 3_000,
    });
    expect([50, 50, 1].map(take)).toStrictEqual([true, true, false]);
    put(1);
    expect(take(1)).toBe(true);
    // Theirs lets go after three seconds or later, as its slices drift with the calls; ours never after more than three.
    for (const second of [900, 1_000, 1_000]) {
      advance(second);
      expect(take(1)).toBe(false);
    }
    advance(1_000);
    expect(take(50)).toBe(true);
    advance(3_000);
    expect([100, 1].map(take)).toStrictEqual([true, false]);
  });
});

describe('the defaults', () => {
  test('one retry for five requests, beside ten a second, of which ten seconds are there at once', () => {
    const { budget, put, take, advance } = budgetWith();
    expect(budget.name).toBe('retry-budget');
    expect(budget.balance).toBe(100);
    put(5);
    expect(budget.balance).toBe(101);
    expect(take(101)).toBe(true);
    put(4);
    expect(budget.tryWithdraw()).toBe(false);
    put(1);
    expect(budget.tryWithdraw()).toBe(true);
    advance(10_000);
    expect(budget.balance).toBe(100);
  });
});

test('a payment counts for its time to live, and at most a tenth less', () => {
  const { budget, put, advance } = budgetWith({ ...onlyPaid, retryRatio: 1, timeToLive: 1_000 });
  advance(150);
  put(1);
  advance(900);
  expect(budget.balance).toBe(1);
  advance(100);
  expect(budget.balance).toBe(0);
});

test('an hour of silence leaves the reserve', () => {
  const { budget, put, advance } = budgetWith({ timeToLive: 1_000, minRetriesPerSecond: 2 });
  put(1_000);
  advance(3_600_000);
  expect(budget.balance).toBe(2);
});

test('no stretch of time sees more retries than it, and the time to live before it, have paid for', () => {
  const steps = fc.array(fc.record({ after: fc.nat(400), requests: fc.nat(30), wanted: fc.nat(30) }), {
    minLength: 1,
    maxLength: 60,
  });
  const configs = fc.record({
    retryRatio: fc.constantFrom(0, 0.1, 0.2, 1 / 3, 1, 2.5),
    minRetriesPerSecond: fc.constantFrom(1, 0.5, 7),
    timeToLive: fc.constantFrom(500, 1_000, 3_000),
  });
  fc.assert(
    fc.property(steps, configs, (script, config) => {
      const { budget, advance, put } = budgetWith(config);
      let now = 0;
      const history: { at: number; requests: number; retries: number }[] = [];
      for (const { after, requests, wanted } of script) {
        advance(after);
        now += after;
        put(requests);
        let retries = 0;
        for (let asked = 0; asked < wanted; asked++) if (budget.tryWithdraw()) retries++;
        history.push({ at: now, requests, retries });
      }
      const { retryRatio, minRetriesPerSecond, timeToLive } = config;
      for (const { at: from } of history) {
        let retries = 0;
        let paid = history
          .filter(({ at }) => at < from && at > from - timeToLive)
          .reduce((sum, { requests }) => sum + requests, 0);
        for (const entry of history) {
          if (entry.at < from) continue;
          retries += entry.retries;
          paid += entry.requests;
          // A reserve for every time to live that has begun; a slice may let go of it a tenth early.
          const reserves = Math.floor((entry.at - from) / (timeToLive * 0.9)) + 1;
          const unpaid = (reserves * minRetriesPerSecond * timeToLive) / 1_000;
          if (retries > paid * retryRatio + unpaid + 1e-3) return false;
        }
      }
      return true;
    }),
    { numRuns: 300 },
  );
});

test('made before virtual time begins, it bounds there what it bounds elsewhere', () => {
  const budget = new RetryBudget({ ...onlyPaid, retryRatio: 1 });
  const retries: boolean[] = [];
  new TestScheduler(() => {}).run(() => {
    budget.deposit();
    timer(2_000).subscribe(() => retries.push(budget.tryWithdraw(), budget.tryWithdraw()));
  });
  expect(retries).toStrictEqual([true, false]);
});

test('there may be a thousand retries for every request', () => {
  const budget = new RetryBudget({ retryRatio: 1_000, minRetriesPerSecond: 0 });
  budget.deposit();
  expect(budget.balance).toBe(1_000);
});

test.each<[RetryBudgetConfig, string]>([
  [{ retryRatio: -0.1 }, 'option "retryRatio" must be at least 0 and at most 1000, got -0.1'],
  [{ retryRatio: 1_001 }, 'option "retryRatio" must be at least 0 and at most 1000, got 1001'],
  [{ retryRatio: Number.NaN }, 'option "retryRatio" must be a finite number, got NaN'],
  [{ minRetriesPerSecond: -1 }, 'option "minRetriesPerSecond" must be finite, and not negative, got -1'],
  [{ minRetriesPerSecond: Number.POSITIVE_INFINITY }, 'option "minRetriesPerSecond" must be'],
  [{ timeToLive: 0 }, 'option "timeToLive" must be greater than 0, got 0'],
  [
    { retryRatio: 0, minRetriesPerSecond: 0 },
    'option "retryRatio" must be greater than 0 where minRetriesPerSecond is 0',
  ],
  [{ ratio: 1 } as RetryBudgetConfig, 'unknown option "ratio"'],
])('%j is refused', (config, message) => {
  expect(() => new RetryBudget(config)).toThrow(message);
});
