import {
  concat,
  defer,
  EMPTY,
  map,
  NEVER,
  Observable,
  of,
  Subject,
  Subscriber,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { ResilienceEvent } from '../../src/core/events.ts';
import {
  Bulkhead,
  bulkhead,
  CircuitBreaker,
  CircuitOpenError,
  ConfigurationError,
  circuitBreaker,
  EventBus,
  fallback,
  fixedBackoff,
  type HedgeConfig,
  HedgeExhaustedError,
  hedge,
  isHedgeExhaustedError,
  isResilienceError,
  LatencyPercentile,
  RateLimitExceededError,
  RetryBudget,
  RetryExhaustedError,
  retryWithBackoff,
  timeout,
} from '../../src/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

interface Plan {
  /** Milliseconds until the n-th attempt says its name; `undefined` never. */
  readonly speaks?: readonly (number | undefined)[];
  /** What the n-th attempt fails with when it would speak. */
  readonly fails?: readonly unknown[];
}

/** A service whose attempts are numbered from 1, and everything that a test wants to know about a hedge. */
function service({ speaks = [], fails = [] }: Plan) {
  const scheduler = new ManualScheduler();
  const events = new EventBus();
  const heard: ResilienceEvent[] = [];
  events.subscribe((event) => heard.push(event));
  let attempts = 0;
  const open = new Set<number>();
  const answer$ = new Observable<number>((subscriber) => {
    const attempt = ++attempts;
    open.add(attempt);
    subscriber.add(() => open.delete(attempt));
    const after = speaks[Math.min(attempt, speaks.length) - 1];
    if (after === undefined) return;
    const act = (): void => {
      const error = fails[attempt - 1];
      if (error !== undefined) return subscriber.error(error);
      subscriber.next(attempt);
    };
    if (after === 0) act();
    else subscriber.add(scheduler.schedule(act, after));
  });
  const story = (): [string, unknown][] => heard.map(({ type, data }) => [type, data]);
  return {
    scheduler,
    events,
    answer$,
    open,
    story,
    common: { scheduler, events },
    get attempts() {
      return attempts;
    },
  };
}

function watch(source: Observable<unknown>) {
  const values: unknown[] = [];
  const errors: unknown[] = [];
  let completed = false;
  const subscription = source.subscribe({
    next: (value) => values.push(value),
    error: (error) => errors.push(error),
    complete: () => {
      completed = true;
    },
  });
  return {
    values,
    errors,
    subscription,
    get completed() {
      return completed;
    },
  };
}

const busy = new Error('503');

describe('a hedge', () => {
  test('is not made for who is in time', () => {
    const { answer$, scheduler, common, story } = service({ speaks: [49] });
    const { values } = watch(answer$.pipe(hedge({ delay: 50, ...common })));
    scheduler.advanceTo(200);
    expect(values).toStrictEqual([1]);
    expect(story()).toStrictEqual([]);
  });

  test('joins who is late, and the first to speak is the only one that is heard', () => {
    const { answer$, scheduler, common, story, open } = service({ speaks: [100, 20] });
    const { values } = watch(answer$.pipe(hedge({ delay: 50, ...common })));
    scheduler.advanceTo(69);
    expect([...open]).toStrictEqual([1, 2]);
    scheduler.advanceTo(70);
    expect([...open]).toStrictEqual([2]);
    scheduler.advanceTo(200);
    expect(values).toStrictEqual([2]);
    expect(story()).toStrictEqual([
      ['hedge_started', { attempt: 2, delay: 50 }],
      ['hedge_won', { attempt: 2, after: 70 }],
    ]);
  });

  test('that will not be made is not waited for', () => {
    const { answer$, scheduler, common, open } = service({});
    watch(answer$.pipe(hedge({ delay: 50, ...common })));
    expect(scheduler.pending).toBe(1);
    scheduler.advanceTo(50);
    expect([open.size, scheduler.pending]).toStrictEqual([2, 0]);
  });

  test('may lose', () => {
    const { answer$, scheduler, common, story, open } = service({ speaks: [60, 20] });
    const { values } = watch(answer$.pipe(hedge({ delay: 50, ...common })));
    scheduler.advanceTo(60);
    expect(values).toStrictEqual([1]);
    expect([...open]).toStrictEqual([1]);
    expect(story()).toStrictEqual([['hedge_started', { attempt: 2, delay: 50 }]]);
  });

  test('follows a failure at once', () => {
    const { answer$, scheduler, common, story } = service({ speaks: [10, 5], fails: [busy] });
    const { values } = watch(answer$.pipe(hedge({ delay: 50, ...common })));
    scheduler.advanceTo(15);
    expect(values).toStrictEqual([2]);
    expect(story()).toStrictEqual([
      ['hedge_started', { attempt: 2, delay: 0 }],
      ['hedge_won', { attempt: 2, after: 15 }],
    ]);
  });

  test('is one of at most maxHedges, each after the delay of the one before', () => {
    const test = service({ speaks: [undefined] });
    watch(test.answer$.pipe(hedge({ delay: 10, maxHedges: 3, ...test.common })));
    const counts = [9, 10, 20, 30, 1_000].map((time) => {
      test.scheduler.advanceTo(time);
      return test.attempts;
    });
    expect(counts).toStrictEqual([1, 2, 3, 4, 4]);
    expect(test.scheduler.pending).toBe(0);
  });

  test('with a delay of 0 starts beside the first attempt, with Infinity only after its failure', () => {
    const both = service({ speaks: [undefined] });
    watch(both.answer$.pipe(hedge({ delay: 0, ...both.common })));
    expect(both.attempts).toBe(2);
    const patient = service({ speaks: [5_000], fails: [busy] });
    watch(patient.answer$.pipe(hedge({ delay: Number.POSITIVE_INFINITY, ...patient.common })));
    patient.scheduler.advanceTo(4_999);
    expect([patient.attempts, patient.scheduler.pending]).toStrictEqual([1, 1]);
    patient.scheduler.advanceTo(5_000);
    expect(patient.attempts).toBe(2);
  });

  test('says to which attempt of its call it happened', () => {
    const { answer$, scheduler, common, events } = service({ speaks: [100, 20] });
    const heard: ResilienceEvent[] = [];
    events.subscribe((event) => heard.push(event));
    watch(answer$.pipe(hedge({ name: 'prices', delay: 50, ...common })));
    scheduler.advanceTo(70);
    expect(
      heard.map(({ type, source, category, attempt }) => [type, source, category, attempt]),
    ).toStrictEqual([
      ['hedge_started', 'prices', 'recovery', 1],
      ['hedge_won', 'prices', 'recovery', 2],
    ]);
    expect(new Set(heard.map(({ call }) => call)).size).toBe(1);
  });

  test('belongs to its subscription', () => {
    const test = service({ speaks: [undefined] });
    const hedged = test.answer$.pipe(hedge({ delay: 10, ...test.common }));
    expect(test.attempts).toBe(0);
    const first = watch(hedged);
    watch(hedged);
    test.scheduler.advanceTo(5);
    first.subscription.unsubscribe();
    test.scheduler.advanceTo(10);
    expect(test.attempts).toBe(3);
    expect([...test.open]).toStrictEqual([2, 3]);
  });
});

describe('who cannot win', () => {
  const isNoPing = (value: unknown): boolean => value !== 'ping';

  test('an attempt that only pings', () => {
    const scheduler = new ManualScheduler();
    const pinging$ = new Observable<string>((subscriber) => {
      subscriber.next('ping');
    });
    let attempts = 0;
    const source = defer(() => (++attempts === 1 ? pinging$ : concat(of('ping', 'b'), NEVER)));
    const { values } = watch(source.pipe(hedge({ delay: 10, commitOn: isNoPing, scheduler })));
    expect(values).toStrictEqual([]);
    scheduler.advanceTo(10);
    expect(values).toStrictEqual(['ping', 'b']);
  });

  test('an empty stream, unless nobody else runs', () => {
    const scheduler = new ManualScheduler();
    const empty = watch(EMPTY.pipe(hedge({ delay: 10, scheduler })));
    expect(empty.completed).toBe(true);
    let attempts = 0;
    const source = defer(() =>
      ++attempts === 1 ? timer(20, scheduler).pipe(map(() => 'a')) : (EMPTY as Observable<string>),
    );
    const { values } = watch(source.pipe(hedge({ delay: 10, scheduler })));
    scheduler.advanceTo(20);
    expect([attempts, values]).toStrictEqual([2, ['a']]);
  });
});

describe('when all fail', () => {
  test('one error tells of all, the first is its cause', () => {
    const { answer$, scheduler, common } = service({ speaks: [100, 20], fails: [busy, new Error('reset')] });
    const { errors, values } = watch(answer$.pipe(hedge({ name: 'prices', delay: 50, ...common })));
    scheduler.advanceTo(99);
    expect(errors).toStrictEqual([]);
    scheduler.advanceTo(100);
    expect(values).toStrictEqual([]);
    const [error] = errors as HedgeExhaustedError[];
    expect(isHedgeExhaustedError(error) && isResilienceError(error)).toBe(true);
    expect(error).toBeInstanceOf(AggregateError);
    expect(error?.name).toBe('HedgeExhaustedError');
    expect(error?.policy).toBe('prices');
    expect(error?.message).toBe('Hedge "prices": all 2 attempts failed: 1. reset; 2. 503');
    expect(error?.errors).toStrictEqual([new Error('reset'), busy]);
    expect(error?.cause).toBe(error?.errors[0]);
  });

  test.each<[string, unknown, number]>([
    ['that no repetition cures', Object.assign(new Error('bad'), { status: 400 }), 1],
    ['that asks for a wait', Object.assign(new Error('429'), { status: 429, retryAfter: 2_000 }), 1],
    ['of an open circuit', new CircuitOpenError('prices', 5), 1],
    ['of a half-open circuit', new CircuitOpenError('prices', undefined, { state: 'half-open' }), 1],
    ['of a policy that has no time to tell', new RateLimitExceededError('prices', 0, 'is exceeded.'), 1],
    ["of the caller's own abort", new DOMException('gone', 'AbortError'), 1],
    ['that asks for no wait', Object.assign(new Error('429'), { status: 429, retryAfter: 0 }), 2],
    ['that says it may pass', Object.assign(new Error('odd'), { status: 400, retryable: true }), 2],
  ])('an error %s', (_, error, attempts) => {
    const test = service({ speaks: [0], fails: [error, error] });
    const { errors } = watch(test.answer$.pipe(hedge({ delay: 10, ...test.common })));
    expect(test.attempts).toBe(attempts);
    // Of a single attempt it comes as it was, and nobody waits for the delay.
    if (attempts === 1) expect(errors[0]).toBe(error);
    else expect(errors[0]).toBeInstanceOf(HedgeExhaustedError);
    expect(test.scheduler.pending).toBe(0);
  });

  test('hedgeIf decides', () => {
    const test = service({ speaks: [0], fails: [busy, { status: 400 }] });
    const hedgeIf = (error: unknown): boolean => error !== busy;
    const { errors } = watch(test.answer$.pipe(hedge({ delay: 10, hedgeIf, ...test.common })));
    expect([test.attempts, errors]).toStrictEqual([1, [busy]]);
  });

  test("the caller's own abort stays what it is", () => {
    const abort = new DOMException('gone', 'AbortError');
    const { answer$, scheduler, common } = service({ speaks: [100, 20], fails: [busy, abort] });
    const { errors } = watch(answer$.pipe(hedge({ delay: 50, ...common })));
    scheduler.advanceTo(100);
    expect(errors).toStrictEqual([abort]);
  });

  test('what an error asks for is not lost: the longest wait counts', () => {
    const hurry = Object.assign(new Error('429'), { retryAfter: 500 });
    const patience = Object.assign(new Error('429'), { retryAfter: 3_000 });
    expect(new HedgeExhaustedError('h', [busy, hurry, patience]).retryAfter).toBe(3_000);
    expect(new HedgeExhaustedError('h', [busy]).retryAfter).toBeUndefined();
    const { answer$, scheduler, common, story } = service({ speaks: [100, 20, 1], fails: [busy, patience] });
    const { values } = watch(
      answer$.pipe(
        hedge({ delay: 50, ...common }),
        retryWithBackoff({ backoff: fixedBackoff(10), ...common }),
      ),
    );
    scheduler.advanceTo(3_099);
    expect(values).toStrictEqual([]);
    scheduler.advanceTo(3_101);
    expect(values).toStrictEqual([3]);
    expect(story()).toContainEqual(['retry_attempted', expect.objectContaining({ delay: 3_000 })]);
  });

  test('a retry above gives up on what no repetition cures', () => {
    const { answer$, scheduler, common } = service({ speaks: [100, 60], fails: [{ status: 400 }, busy] });
    const { errors } = watch(answer$.pipe(hedge({ delay: 50, ...common }), retryWithBackoff({ ...common })));
    scheduler.advanceTo(110);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(HedgeExhaustedError);
  });

  test('a hedgeIf that throws is the error of the stream', () => {
    const bug = new Error('a bug');
    const test = service({ speaks: [20, undefined], fails: [busy] });
    const config = {
      delay: 10,
      hedgeIf() {
        throw bug;
      },
      ...test.common,
    };
    const { errors } = watch(test.answer$.pipe(hedge(config)));
    test.scheduler.advanceTo(20);
    expect(errors).toStrictEqual([bug]);
    expect([test.open.size, test.scheduler.pending]).toStrictEqual([0, 0]);
  });
});

describe('alternatives', () => {
  test('are asked in order, each once; all of them, unless maxHedges says less', () => {
    const run = (config: { delay: number; maxHedges?: number }): unknown[] => {
      const { answer$, scheduler, common } = service({ speaks: [undefined] });
      const asked: string[] = [];
      const silent = (name: string) =>
        defer(() => {
          asked.push(name);
          return NEVER;
        });
      watch(answer$.pipe(hedge({ ...config, alternatives: [silent('b'), silent('c')], ...common })));
      scheduler.advanceTo(100);
      return asked;
    };
    expect(run({ delay: 10 })).toStrictEqual(['b', 'c']);
    expect(run({ delay: 10, maxHedges: 1 })).toStrictEqual(['b']);
  });

  test('may be functions, called when they are needed; what one throws is its failure', () => {
    const { answer$, scheduler, common } = service({ speaks: [undefined] });
    const broken = (): Observable<string> => {
      throw busy;
    };
    const alternatives = [broken, () => Promise.resolve('never heard'), () => ['c', 'd']];
    const { values } = watch(answer$.pipe(hedge({ delay: 10, alternatives, maxHedges: 3, ...common })));
    expect(values).toStrictEqual([]);
    scheduler.advanceTo(20);
    expect(values).toStrictEqual(['c', 'd']);
  });

  test('are asked at once after any error but an abort: they are somebody else', () => {
    const open = new CircuitOpenError('prices', 60_000);
    const { common } = service({});
    expect(
      watch(throwError(() => open).pipe(hedge({ alternatives: [of('b')], ...common }))).values,
    ).toStrictEqual(['b']);
    const abort = new DOMException('gone', 'AbortError');
    const aborted = watch(throwError(() => abort).pipe(hedge({ alternatives: [of('b')], ...common })));
    expect([aborted.values, aborted.errors]).toStrictEqual([[], [abort]]);
  });
});

describe('the budget', () => {
  const empty = (scheduler: ManualScheduler): RetryBudget =>
    new RetryBudget({ name: 'small', retryRatio: 0.5, minRetriesPerSecond: 0, scheduler });

  test('refuses a hedge, and the first attempt goes on', () => {
    const { answer$, scheduler, common, story } = service({ speaks: [100] });
    const { values } = watch(answer$.pipe(hedge({ delay: 50, budget: empty(scheduler), ...common })));
    scheduler.advanceTo(100);
    expect(values).toStrictEqual([1]);
    expect(story()).toStrictEqual([['hedge_refused', { reason: 'budget' }]]);
  });

  test('refuses to follow a failure, which then goes out as it came', () => {
    const { answer$, scheduler, common } = service({ speaks: [0], fails: [busy] });
    const { errors } = watch(answer$.pipe(hedge({ delay: 50, budget: empty(scheduler), ...common })));
    expect(errors).toStrictEqual([busy]);
  });

  test('is paid into by first attempts, and spent by hedges', () => {
    const test = service({ speaks: [undefined] });
    const budget = empty(test.scheduler);
    const hedged = test.answer$.pipe(hedge({ delay: 10, budget, ...test.common }));
    for (let call = 0; call < 10; call++) watch(hedged);
    expect(budget.balance).toBe(5);
    test.scheduler.advanceTo(10);
    expect([test.attempts, budget.balance]).toStrictEqual([15, 0]);
  });

  test('is one of its own with the defaults, or as the config says', () => {
    const attemptsWith = (config: HedgeConfig): number => {
      const test = service({ speaks: [undefined] });
      const hedged = test.answer$.pipe(hedge({ delay: 10, ...config, ...test.common }));
      for (let call = 0; call < 500; call++) watch(hedged);
      test.scheduler.advanceTo(10);
      return test.attempts;
    };
    // 100 that nobody has to pay for, and one for five.
    expect(attemptsWith({})).toBe(500 + 200);
    expect(attemptsWith({ budget: { retryRatio: 0.1, minRetriesPerSecond: 0 } })).toBe(550);
  });

  test('shared with a retry around it, a call pays once, and both spend', () => {
    const test = service({ speaks: [5, 5, 5, 5], fails: [busy, busy, busy, busy] });
    const budget = new RetryBudget({ retryRatio: 1, minRetriesPerSecond: 0, scheduler: test.scheduler });
    for (let paid = 0; paid < 2; paid++) budget.deposit();
    const { errors } = watch(
      test.answer$.pipe(
        hedge({ delay: 10, budget, ...test.common }),
        retryWithBackoff({ backoff: fixedBackoff(1), budget, ...test.common }),
      ),
    );
    expect(budget.balance).toBe(3);
    test.scheduler.advanceTo(100);
    // The hedge, the retry, the hedge of the retry; and then nothing is left.
    expect([test.attempts, budget.balance]).toStrictEqual([4, 0]);
    expect(errors[0]).toBeInstanceOf(RetryExhaustedError);
    expect(errors[0]).toHaveProperty(
      'message',
      expect.stringContaining('the budget "retry-budget" is empty'),
    );
  });
});

describe('a live percentile', () => {
  const p = (samples: number[], config = {}): LatencyPercentile => {
    const percentile = new LatencyPercentile({ minimumSamples: 3, ...config });
    for (const sample of samples) percentile.record(sample);
    return percentile;
  };

  test('is what the delay is, by default the 95th of one of its own', () => {
    const test = service({ speaks: [100] });
    const hedged = test.answer$.pipe(hedge(test.common));
    for (let call = 0; call < 20; call++) {
      const { subscription } = watch(hedged);
      test.scheduler.advanceTo(test.scheduler.now() + 1_000);
      subscription.unsubscribe();
    }
    // Nobody was hedged while it was learning; within 1 % it is 100 ms now.
    expect([test.attempts, test.story()]).toStrictEqual([20, []]);
    const late = service({ speaks: [undefined] });
    watch(late.answer$.pipe(hedge({ delay: p([100, 100, 100]), ...late.common })));
    late.scheduler.advanceTo(99);
    expect(late.attempts).toBe(1);
    late.scheduler.advanceTo(101);
    expect(late.attempts).toBe(2);
  });

  test('learns how long first attempts take, those included that are beaten', () => {
    const percentile = p([50, 50, 50]);
    const config = { delay: percentile };
    const learns = (plan: Plan): number => {
      const { answer$, scheduler, common } = service(plan);
      const before = percentile.count;
      watch(answer$.pipe(hedge({ ...config, hedgeIf: () => true, ...common })));
      scheduler.advanceTo(10_000);
      return percentile.count - before;
    };
    // In time; late, and beaten by the hedge; late, and faster than the hedge.
    expect(learns({ speaks: [40] })).toBe(1);
    expect(learns({ speaks: [undefined, 150] })).toBe(1);
    expect(p([], {}).delay).toBe(Number.POSITIVE_INFINITY);
    expect(learns({ speaks: [250, 500] })).toBe(1);
    // Failed before the hedge won: how long it would have taken, nobody knows.
    expect(learns({ speaks: [10, 10], fails: [busy] })).toBe(0);
    // Nobody has won.
    expect(learns({ speaks: [10, 10], fails: [busy, busy] })).toBe(0);
    expect(learns({})).toBe(0);
  });

  test('of attempts that are beaten does not fall for its own success', () => {
    // One of four is stuck, so the 70th percentile is 100 ms, and stays there, whatever the hedges save.
    const percentile = new LatencyPercentile({ percentile: 0.7, minimumSamples: 4, samples: 40 });
    const scheduler = new ManualScheduler();
    let call = 0;
    let hedges = 0;
    const answer$ = defer(() => (call++ % 4 === 3 ? NEVER : timer(100, scheduler)));
    const budget = new RetryBudget({ minRetriesPerSecond: 1_000, scheduler });
    const hedged = answer$.pipe(
      hedge({
        delay: percentile,
        alternatives: [
          () => {
            hedges++;
            return timer(5, scheduler);
          },
        ],
        budget,
        scheduler,
        events: new EventBus(),
      }),
    );
    for (let asked = 0; asked < 200; asked++) {
      watch(hedged);
      scheduler.advanceTo(scheduler.now() + 1_000);
    }
    expect(percentile.delay).toBeGreaterThan(98);
    expect(percentile.delay).toBeLessThan(102);
    expect(hedges).toBeLessThanOrEqual(50 * 1.1);
  });
});

describe('the policies around an attempt', () => {
  test('see a loser as cancelled, and a winner as it ends', () => {
    const { answer$, scheduler, common } = service({ speaks: [100, 20] });
    const breaker = new CircuitBreaker(common);
    watch(answer$.pipe(circuitBreaker(breaker), hedge({ delay: 50, ...common })));
    scheduler.advanceTo(60);
    expect(breaker.stats.activeCount).toBe(2);
    scheduler.advanceTo(70);
    expect(breaker.stats).toMatchObject({ activeCount: 1, successCount: 0, failureCount: 0 });
  });

  describe('the place of one that is sent away goes to nobody of the same race', () => {
    const race = (maxConcurrent: number, speaks: Plan['speaks']) => {
      const called = service({ speaks: speaks ?? [] });
      const { answer$, scheduler, common } = called;
      const places = new Bulkhead({ maxConcurrent, ...common });
      const raced$ = answer$.pipe(bulkhead(places), hedge({ delay: 10, maxHedges: 2, ...common }));
      const left = () => [called.attempts, called.open.size, places.activeCount, places.queueSize];
      return { raced$, scheduler, left };
    };

    test('by a cancel', () => {
      const { raced$, scheduler, left } = race(1, [undefined, 0]);
      const { values, subscription } = watch(raced$);
      scheduler.advanceTo(20);
      expect(left()).toStrictEqual([1, 1, 1, 1]);
      subscription.unsubscribe();
      expect([values, left()]).toStrictEqual([[], [1, 0, 0, 0]]);
    });

    test('by a timeout', () => {
      const { raced$, scheduler, left } = race(1, [undefined, 0]);
      const { values, errors } = watch(raced$.pipe(timeout({ total: 20, scheduler })));
      scheduler.advanceTo(20);
      expect([values, errors.length, left()]).toStrictEqual([[], 1, [1, 0, 0, 0]]);
    });

    test('by a winner', () => {
      const { raced$, scheduler, left } = race(2, [undefined, 20]);
      const { values } = watch(raced$);
      scheduler.advanceTo(30);
      expect([values, left()]).toStrictEqual([[2], [2, 1, 1, 0]]);
    });
  });

  test('who waits for a place is not late: it has not begun', () => {
    const { answer$, scheduler, common, story } = service({ speaks: [undefined, 30, 5] });
    const places = new Bulkhead({ maxConcurrent: 1, ...common });
    const usual = new LatencyPercentile({ minimumSamples: 1, initialDelay: 10 });
    const holder = watch(answer$.pipe(bulkhead(places)));
    const { values } = watch(answer$.pipe(bulkhead(places), hedge({ delay: usual, ...common })));
    scheduler.advanceTo(40);
    expect([places.queueSize, story().filter(([type]) => type === 'hedge_started')]).toStrictEqual([1, []]);
    holder.subscription.unsubscribe();
    scheduler.advanceTo(49);
    expect(places.queueSize).toBe(0);
    // Now it is late, and the hedge waits for the place that it holds itself.
    scheduler.advanceTo(50);
    expect(places.queueSize).toBe(1);
    scheduler.advanceTo(70);
    expect([values, places.queueSize, usual.delay]).toStrictEqual([[2], 0, 30]);
  });

  test('a hedge that is granted the place of the attempt before it begins within its end', () => {
    const { answer$, scheduler, common } = service({ speaks: [20, undefined, 5], fails: [busy] });
    const places = new Bulkhead({ maxConcurrent: 1, ...common });
    const { values } = watch(answer$.pipe(bulkhead(places), hedge({ delay: 10, maxHedges: 2, ...common })));
    scheduler.advanceTo(20);
    expect([places.activeCount, places.queueSize]).toStrictEqual([1, 1]);
    scheduler.advanceTo(1_000);
    expect([values, places.activeCount]).toStrictEqual([[], 1]);
  });

  test('a timeout inside is a failure that is followed at once', () => {
    const { answer$, scheduler, common } = service({ speaks: [undefined, 5] });
    const { values } = watch(
      answer$.pipe(timeout({ first: 10, ...common }), hedge({ delay: 50, ...common })),
    );
    scheduler.advanceTo(15);
    expect(values).toStrictEqual([2]);
  });

  test('a fallback outside answers when all have failed', () => {
    const { answer$, common } = service({ speaks: [0], fails: [busy, busy] });
    const answered$ = answer$.pipe(hedge({ delay: 50, ...common }), fallback('f'));
    expect(watch(answered$).values).toStrictEqual(['f']);
  });
});

test('who has left already starts nobody', () => {
  const test = service({ speaks: [0] });
  const gone = new Subscriber<number>();
  gone.unsubscribe();
  test.answer$.pipe(hedge({ delay: 0, ...test.common })).subscribe(gone);
  expect([test.attempts, test.scheduler.pending]).toStrictEqual([0, 0]);
});

test('the values of a winner are its own to the end', () => {
  const scheduler = new ManualScheduler();
  const attempts: Subject<string>[] = [];
  const source = new Observable<string>((subscriber) => {
    const values$ = new Subject<string>();
    attempts.push(values$);
    return values$.subscribe(subscriber);
  });
  const { values, errors } = watch(source.pipe(hedge({ delay: 10, scheduler })));
  scheduler.advanceTo(10);
  attempts[1]?.next('b');
  attempts[0]?.next('a');
  attempts[1]?.next('c');
  attempts[1]?.error(busy);
  expect([values, errors]).toStrictEqual([['b', 'c'], [busy]]);
});

describe('a bad option', () => {
  test.each<[unknown, string]>([
    [{ delay: -1 }, 'hedge: option "delay" must be a duration in milliseconds, and not negative'],
    [{ delay: Number.NaN }, 'got NaN'],
    [{ delay: 'soon' }, 'got "soon"'],
    [
      new LatencyPercentile(),
      'config must be a plain object, or is of another copy of this package, got an object (LatencyPercentile)',
    ],
    ['50', 'option "delay" must be a duration in milliseconds'],
    [{ delay: { percentile: 1 } }, 'option "delay.percentile" must be greater than 0 and less than 1, got 1'],
    [{ maxHedges: 0 }, 'option "maxHedges" must be a whole number of at least 1, got 0'],
    [{ alternatives: [] }, 'option "alternatives" must hold at least one stream'],
    [{ alternatives: [3] }, 'option "alternatives.0" must be a stream, or a function that makes one, got 3'],
    [
      { maxHedges: 2, alternatives: [NEVER] },
      'option "maxHedges" must not be more than there are "alternatives", got 2',
    ],
    [{ hedgeIf: true }, 'option "hedgeIf" must be a function, got true'],
    [{ commitOn: 1 }, 'option "commitOn" must be a function, got 1'],
    [
      { budget: { retryRatio: -1 } },
      'option "budget.retryRatio" must be at least 0 and at most 1000, got -1',
    ],
    [{ budget: 5 }, 'option "budget" must be a RetryBudget, or an object, got 5'],
    [{ after: 5 }, 'unknown option "after"'],
  ])('%j is refused when the operator is made', (config, message) => {
    expect(() => hedge(config as HedgeConfig)).toThrow(ConfigurationError);
    expect(() => hedge(config as HedgeConfig)).toThrow(message);
  });
});

test('its types follow from the stream and the alternatives', () => {
  const source = of(1);
  expectTypeOf(source.pipe(hedge())).toEqualTypeOf<Observable<number>>();
  expectTypeOf(source.pipe(hedge(50))).toEqualTypeOf<Observable<number>>();
  const kept = hedge({ delay: 50, maxHedges: 2 });
  expectTypeOf(of('a').pipe(kept)).toEqualTypeOf<Observable<string>>();
  expectTypeOf(source.pipe(hedge({ commitOn: (value) => value > 1 }))).toEqualTypeOf<Observable<number>>();
  expectTypeOf(source.pipe(hedge({ alternatives: [of('b')] }))).toEqualTypeOf<Observable<number | string>>();
  expectTypeOf(source.pipe(hedge({ alternatives: [() => of('b'), Promise.resolve(true)] }))).toEqualTypeOf<
    Observable<number | string | boolean>
  >();
});
