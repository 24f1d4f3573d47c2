import { concat, defer, mergeMap, type Observable, of, range, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  EventBus,
  fallback,
  fixedBackoff,
  RetryBudget,
  type RetryBudgetConfig,
  type RetryConfig,
  RetryExhaustedError,
  resilience,
  retryWithBackoff,
} from '../../src/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const down = new Error('503');

/** A service that is down, a budget for it, and what a test wants to know. */
function surroundings(config: RetryBudgetConfig = { retryRatio: 0.5, minRetriesPerSecond: 0 }) {
  const scheduler = new ManualScheduler();
  const events = new EventBus();
  const refusals: unknown[] = [];
  events.on('retry_exhausted').subscribe(({ data }) => refusals.push(data));
  const budget = new RetryBudget({ name: 'shared', ...config, scheduler });
  let attempts = 0;
  const source$ = defer(() => {
    attempts++;
    return throwError(() => down);
  });
  const retry = (retries: RetryConfig = {}) =>
    retryWithBackoff({ budget, backoff: fixedBackoff(1), scheduler, events, ...retries });
  const errorsOf = (stream: Observable<unknown>): unknown[] => {
    const errors: unknown[] = [];
    stream.subscribe({ error: (error) => errors.push(error) });
    scheduler.advanceTo(scheduler.now() + 100);
    return errors;
  };
  return { scheduler, events, budget, source$, retry, errorsOf, refusals, attempts: () => attempts };
}

describe('a retry budget', () => {
  test('that is empty refuses retries, and never a first attempt: its error goes out as it came', () => {
    const { source$, retry, errorsOf, refusals, attempts } = surroundings();
    expect(errorsOf(source$.pipe(retry()))).toStrictEqual([down]);
    expect(attempts()).toBe(1);
    expect(refusals).toStrictEqual([
      { attempts: 1, reason: 'budget', error: { name: 'Error', message: '503' } },
    ]);
  });

  test('that becomes empty ends the retries of a call with what they have come to', () => {
    const { budget, source$, retry, errorsOf, refusals, attempts } = surroundings();
    for (let request = 0; request < 4; request++) budget.deposit();
    const [error] = errorsOf(source$.pipe(retry()));
    // Four requests and the one that failed: two retries, and half of one is left.
    expect(attempts()).toBe(3);
    expect(error).toBeInstanceOf(RetryExhaustedError);
    expect(error).toHaveProperty(
      'message',
      'Retry "retry" gave up after 3 attempts: the budget "shared" is empty. Last error: 503',
    );
    expect(refusals).toMatchObject([{ attempts: 3, reason: 'budget' }]);
  });

  test('bounds all calls that share it, through whatever operator', () => {
    const { source$, retry, errorsOf, attempts } = surroundings();
    errorsOf(
      range(100).pipe(
        mergeMap(() => concat(source$.pipe(retry(), fallback('f')), source$.pipe(retry(), fallback('f')))),
      ),
    );
    expect(attempts()).toBe(200 + 100);
  });

  test('is paid once for a call, however many layers share it', () => {
    const { budget, source$, retry, errorsOf, attempts } = surroundings({
      retryRatio: 1,
      minRetriesPerSecond: 0,
    });
    const layered = source$.pipe(
      retry({ maxRetries: 1 }),
      retry({ maxRetries: 1 }),
      retry({ maxRetries: 1 }),
    );
    errorsOf(layered);
    expect([attempts(), budget.balance]).toStrictEqual([2, 0]);
    errorsOf(layered);
    expect([attempts(), budget.balance]).toStrictEqual([4, 0]);
  });

  test('is paid once for a call whose inner layer is admitted late, or sits in another total timeout', () => {
    const { budget, scheduler, source$, retry, errorsOf } = surroundings({
      retryRatio: 1,
      minRetriesPerSecond: 0,
    });
    const limited = resilience({
      rateLimit: { requestsPerSecond: 100, burstSize: 1 },
      scheduler,
      events: new EventBus(),
    });
    const never = { retryIf: () => false };
    errorsOf(
      of(1, 2, 3).pipe(
        mergeMap(() => source$.pipe(retry({ ...never, timeout: 50 }), limited, retry(never), fallback('f'))),
      ),
    );
    expect(budget.balance).toBe(3);
  });

  test('that is made of a config lives in the time of its operator, also where its own scheduler is undefined', () => {
    const { source$, retry, errorsOf, attempts } = surroundings();
    const budget = { retryRatio: 1, minRetriesPerSecond: 0, timeToLive: 100, scheduler: undefined };
    const retries = retry({ budget, maxRetries: 9 });
    errorsOf(of(1).pipe(retries));
    errorsOf(source$.pipe(retries));
    // What the first request has paid in is gone by then.
    expect(attempts()).toBe(2);
  });

  test('two budgets of one call are two', () => {
    const { budget, scheduler, source$, retry, errorsOf } = surroundings({
      retryRatio: 1,
      minRetriesPerSecond: 0,
    });
    const other = new RetryBudget({ retryRatio: 1, minRetriesPerSecond: 0, scheduler });
    errorsOf(source$.pipe(retry({ retryIf: () => false }), retry({ budget: other, retryIf: () => false })));
    expect([budget.balance, other.balance]).toStrictEqual([1, 1]);
  });

  test('keeps what a retry would cost that is refused for another reason', () => {
    const { budget, source$, retry, errorsOf, refusals } = surroundings({
      retryRatio: 1,
      minRetriesPerSecond: 0,
    });
    errorsOf(source$.pipe(retry({ maxRetries: 0 })));
    errorsOf(source$.pipe(retry({ retryIf: () => false })));
    errorsOf(source$.pipe(retry({ backoff: fixedBackoff(20), timeout: 10 })));
    errorsOf(throwError(() => ({ retryAfter: 90_000 })).pipe(retry()));
    errorsOf(throwError(() => down).pipe(retry({ backoff: () => Number.NaN })));
    expect(budget.balance).toBe(5);
    expect(refusals).toStrictEqual([]);
  });

  test('a budget refuses after the attempts, and before the time', () => {
    const refusalOf = (config: RetryConfig): unknown[] => {
      const { source$, retry, errorsOf, refusals } = surroundings();
      errorsOf(source$.pipe(retry(config)));
      return refusals;
    };
    expect(refusalOf({ maxRetries: 0 })).toStrictEqual([]);
    expect(refusalOf({ backoff: fixedBackoff(20), timeout: 10 })).toMatchObject([{ reason: 'budget' }]);
  });

  test('whoever empties it while the back-off is asked is seen', () => {
    const { budget, source$, retry, errorsOf, attempts } = surroundings({
      retryRatio: 1,
      minRetriesPerSecond: 0,
    });
    const greedy = () => (budget.tryWithdraw() ? 1 : 2);
    expect(errorsOf(source$.pipe(retry({ backoff: greedy })))).toStrictEqual([down]);
    expect(attempts()).toBe(1);
  });

  test('given as a config is one of the operator alone', () => {
    const { source$, retry, errorsOf, attempts } = surroundings();
    const own = source$.pipe(retry({ budget: { retryRatio: 0.25, minRetriesPerSecond: 0 } }));
    for (let call = 0; call < 8; call++) errorsOf(own);
    expect(attempts()).toBe(8 + 2);
    expect(() => retry({ budget: 0.2 as never })).toThrow(
      'option "budget" must be a RetryBudget, or an object, got 0.2',
    );
  });
});

describe('in resilience()', () => {
  test('the hedge spends from the budget of the retry, unless it has one of its own', () => {
    const run = (hedgeBudget?: RetryBudgetConfig): [attempts: number, balance: number] => {
      const { budget, scheduler, events, source$, errorsOf, attempts } = surroundings({
        retryRatio: 1,
        minRetriesPerSecond: 0,
      });
      const guarded = resilience({
        retry: { maxRetries: 1, backoff: fixedBackoff(1), budget },
        hedge: { delay: 10, ...(hedgeBudget && { budget: hedgeBudget }) },
        scheduler,
        events,
      });
      errorsOf(source$.pipe(guarded));
      return [attempts(), budget.balance];
    };
    // The hedge that follows the first failure takes what the call has paid in.
    expect(run()).toStrictEqual([2, 0]);
    expect(run({ retryRatio: 1, minRetriesPerSecond: 0 })).toStrictEqual([3, 0]);
  });

  test('a budget that is given as a config is one for both', () => {
    const { scheduler, source$, errorsOf, attempts } = surroundings();
    const guarded = resilience({
      retry: { maxRetries: 3, backoff: fixedBackoff(1), budget: { retryRatio: 0.5, minRetriesPerSecond: 0 } },
      hedge: 10,
      scheduler,
      events: new EventBus(),
    });
    for (let call = 0; call < 10; call++) errorsOf(source$.pipe(guarded));
    expect(attempts()).toBe(15);
  });
});
