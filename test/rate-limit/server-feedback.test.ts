import { concat, defer, map, NEVER, of, Subject, tap, throwError, timer } from 'rxjs';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { isRateLimitExceededError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { ResilienceEvent } from '../../src/core/events.ts';
import {
  RateLimiter,
  type RateLimiterConfig,
  type RateLimitReport,
  rateLimit,
} from '../../src/rate-limit/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

let scheduler: ManualScheduler;
let heard: ResilienceEvent[];
beforeEach(() => {
  scheduler = new ManualScheduler();
  heard = [];
});

/** One request and one token every millisecond. */
function limiter(config: RateLimiterConfig = {}): RateLimiter {
  const events = new EventBus();
  events.subscribe((event) => heard.push(event));
  return new RateLimiter({
    name: 'gpt',
    requestsPerMinute: 60_000,
    tokensPerMinute: 60_000,
    burstSize: 10,
    burstWindow: 100,
    maxQueue: 1_000,
    queueTimeout: Infinity,
    random: () => 0,
    scheduler,
    events,
    ...config,
  });
}

const told = (type: ResilienceEvent['type']): unknown[] =>
  heard.filter((event) => event.type === type).map(({ data }) => data);

const refusal = (fields: object): Error => Object.assign(new Error('refused'), fields);
const fails = (policy: RateLimiter, error: unknown): void => {
  throwError(() => error)
    .pipe(rateLimit(policy))
    .subscribe({ error: () => {} });
};

describe('a refusal', () => {
  test.each([
    ['a 429 with a delay', { status: 429, retryAfter: 50 }, 50],
    ['of a provider', { kind: 'rate-limit', retryAfter: 50 }, 50],
    ['of one that is overloaded, and says for how long', { kind: 'overloaded', retryAfter: 50 }, 50],
    ['a 503 with a delay', { status: 503, retryAfter: 50 }, 50],
    ['a 529 with a delay', { status: 529, retryAfter: 50 }, 50],
    ['a 503 without', { status: 503 }, 0],
    ['another kind with the same status', { kind: 'quota', status: 429, retryAfter: 50 }, 0],
    ['another error with a delay', { status: 500, retryAfter: 50 }, 0],
    ['none at all', {}, 0],
  ])('%s', (_, fields, pause) => {
    const policy = limiter();
    fails(policy, refusal(fields));
    expect(policy.state.paused).toBe(pause > 0);
    expect(told('limiter_paused')).toMatchObject(pause > 0 ? [{ resumesAfter: pause }] : []);
  });

  test('stops all, and then they follow one after the other', () => {
    const policy = limiter();
    fails(policy, refusal({ status: 429, retryAfter: 50 }));
    const began: number[] = [];
    for (let caller = 0; caller < 20; caller++)
      defer(() => of(began.push(scheduler.now())))
        .pipe(rateLimit(policy, { tokens: 2 }))
        .subscribe();
    expect([policy.available, policy.tryAcquire(), policy.queueSize]).toStrictEqual([0, false, 20]);
    scheduler.advanceTo(200);
    // Ten requests and a hundred tokens would have piled up, had it not been for the pause: now it is one every 2 ms.
    expect(began).toStrictEqual(Array.from({ length: 20 }, (_, caller) => 50 + 2 * caller));
    expect(heard.map(({ type }) => type).filter((type) => type !== 'rate_limited')).toStrictEqual([
      'limiter_paused',
      'limiter_resumed',
    ]);
    expect(scheduler.pending).toBe(0);
  });

  test('is one event, also when it comes from fifty who were under way', () => {
    const policy = limiter({ burstSize: 50 });
    const sources = Array.from({ length: 50 }, () => new Subject<never>());
    for (const source of sources) source.pipe(rateLimit(policy)).subscribe({ error: () => {} });
    for (const [index, source] of sources.entries())
      source.error(refusal({ status: 429, retryAfter: 100 - index }));
    expect(told('limiter_paused')).toStrictEqual([{ resumesAfter: 100, reason: 'rate-limit' }]);
    // A longer one counts.
    fails(policy, refusal({ status: 429, retryAfter: 500 }));
    scheduler.advanceTo(100);
    expect(policy.state.paused).toBe(true);
  });

  test('without a delay empties the buckets, for there is nothing on the other side', () => {
    const policy = limiter();
    fails(policy, refusal({ status: 429 }));
    expect(policy.state).toStrictEqual({
      balances: { requests: 0, tokens: 0 },
      queueSize: 0,
      paused: false,
    });
    expect(told('limiter_lowered')).toStrictEqual([
      { dimension: 'requests', from: 9, to: 0 },
      { dimension: 'tokens', from: 100, to: 0 },
    ]);
  });

  test('of one that is overloaded and does not say for how long changes nothing', () => {
    const policy = limiter();
    fails(policy, refusal({ kind: 'overloaded' }));
    expect(policy.state).toStrictEqual({
      balances: { requests: 9, tokens: 100 },
      queueSize: 0,
      paused: false,
    });
  });

  test('is up to a tenth longer, by chance, and never beyond maxPause', () => {
    const pauses = [50, 5_000].map((retryAfter) => {
      const policy = limiter({ random: () => 0.5, feedback: { maxPause: 1_000 } });
      fails(policy, refusal({ status: 429, retryAfter }));
      return told('limiter_paused').at(-1);
    });
    expect(pauses).toMatchObject([{ resumesAfter: 52.5 }, { resumesAfter: 1_000 }]);
  });

  test('of a retry inside is heard as well, and one of a policy of this library is not', () => {
    const policy = limiter();
    const inner = new RateLimiter({ requestsPerSecond: 0.01, burstSize: 1, maxQueue: 0, scheduler });
    inner.tryAcquire();
    of(1)
      .pipe(rateLimit(inner), rateLimit(policy))
      .subscribe({ error: () => {} });
    expect(policy.state.paused).toBe(false);
  });

  test('of a lease by hand pauses too', async () => {
    const policy = limiter();
    const lease = await policy.acquire();
    lease.failure(refusal({ status: 429, retryAfter: 7 }));
    expect(told('limiter_paused')).toStrictEqual([{ resumesAfter: 7, reason: 'rate-limit' }]);
  });

  test('lets nobody through whom a refund would have let through', () => {
    const policy = limiter({ burstWindow: 10 });
    const source = new Subject<number>();
    source.pipe(rateLimit(policy, { tokens: 10, usageOf: (used) => used })).subscribe({ error: () => {} });
    const began: number[] = [];
    defer(() => of(began.push(scheduler.now())))
      .pipe(rateLimit(policy, { tokens: 5 }))
      .subscribe();
    source.next(1);
    source.error(refusal({ status: 429, retryAfter: 40 }));
    scheduler.advanceTo(100);
    expect(began).toStrictEqual([40]);
  });
});

describe('a pause', () => {
  test('refuses those at once who cannot wait so long, and lets the others wait', () => {
    const policy = limiter({ queueTimeout: 200 });
    policy.tryAcquire(100);
    const ended: unknown[] = [];
    for (const patience of [30, 120, 250])
      NEVER.pipe(rateLimit(policy, { tokens: 10, patience })).subscribe({
        error: (error) => {
          if (isRateLimitExceededError(error))
            ended.push([patience, error.retryAfter, scheduler.now(), error.message]);
        },
      });
    scheduler.advanceTo(5);
    // Two of them are left, and go before whoever comes back.
    policy.pause(100, 'maintenance');
    expect(policy.queueSize).toBe(2);
    expect(ended).toStrictEqual([
      [30, 120, 5, 'Rate limiter "gpt" has no permit within 30 ms (patience). A permit is there in 120 ms.'],
    ]);
    expect(told('load_shed')).toStrictEqual([{ reason: 'deadline', priority: 0, retryAfter: 120 }]);
    scheduler.advanceTo(300);
    expect([policy.queueSize, scheduler.pending]).toStrictEqual([0, 0]);
  });

  test('does not end when the patience would have ended of somebody whom it refused', () => {
    const policy = limiter();
    policy.tryAcquire(100);
    const began: number[] = [];
    defer(() => of(began.push(scheduler.now())))
      .pipe(rateLimit(policy, { tokens: 10 }))
      .subscribe();
    NEVER.pipe(rateLimit(policy, { tokens: 10, patience: 30 })).subscribe({ error: () => {} });
    policy.pause(100);
    scheduler.advanceTo(200);
    expect(began).toStrictEqual([100]);
  });

  test('says to newcomers when it will be their turn', () => {
    const policy = limiter();
    policy.pause(100);
    const waits = [0, 1, 2].map(() => {
      NEVER.pipe(rateLimit(policy, { tokens: 20 })).subscribe();
      return told('rate_limited').at(-1);
    });
    expect(waits).toMatchObject([{ retryAfter: 100 }, { retryAfter: 120 }, { retryAfter: 140 }]);
    NEVER.pipe(rateLimit(policy, { tokens: 30, priority: 1 })).subscribe();
    expect(told('rate_limited').at(-1)).toMatchObject({ retryAfter: 100 });
  });

  test('that ends later stands; resume() ends any, and asks nobody to wait for what is there', () => {
    const policy = limiter();
    policy.pause(100);
    policy.pause(50);
    policy.pause(0);
    scheduler.advanceTo(60);
    expect([policy.state.paused, told('limiter_paused')]).toStrictEqual([
      true,
      [{ resumesAfter: 100, reason: 'by hand' }],
    ]);
    const began: number[] = [];
    for (let caller = 0; caller < 3; caller++)
      defer(() => of(began.push(scheduler.now())))
        .pipe(rateLimit(policy))
        .subscribe();
    policy.resume();
    policy.resume();
    scheduler.advanceTo(70);
    expect([began, told('limiter_resumed'), scheduler.pending]).toStrictEqual([[60, 61, 62], [{}], 0]);
  });

  test('of no time, and one that ends when another does, are none', () => {
    const policy = limiter();
    policy.pause(0);
    expect(policy.state.paused).toBe(false);
    policy.pause(100);
    policy.pause(100);
    expect(told('limiter_paused')).toHaveLength(1);
  });

  test('keeps no process alive unless somebody waits for its end', () => {
    vi.useFakeTimers();
    const schedule = vi.spyOn(globalThis, 'setTimeout');
    const policy = limiter({ scheduler: undefined });
    policy.pause(100);
    const waiting = NEVER.pipe(rateLimit(policy)).subscribe();
    waiting.unsubscribe();
    const timers = schedule.mock.results.map(({ value }) => value as Partial<NodeJS.Timeout>);
    const holds = timers.slice(0, 2).map((timer) => timer.hasRef?.());
    vi.restoreAllMocks();
    policy.resume();
    vi.useRealTimers();
    // The timers of a browser are numbers, and keep nothing alive.
    expect(holds).toStrictEqual(typeof timers[0] === 'object' ? [false, true] : [undefined, undefined]);
  });

  test('keeps no process alive when it has refused all who waited', () => {
    vi.useFakeTimers();
    const schedule = vi.spyOn(globalThis, 'setTimeout');
    const policy = limiter({ scheduler: undefined });
    policy.tryAcquire(100);
    NEVER.pipe(rateLimit(policy, { tokens: 10, patience: 30 })).subscribe({ error: () => {} });
    policy.pause(100);
    const timer = schedule.mock.results.at(-1)?.value as Partial<NodeJS.Timeout>;
    expect(timer.hasRef?.()).toBe(typeof timer === 'object' ? false : undefined);
    vi.restoreAllMocks();
    policy.resume();
    vi.useRealTimers();
  });

  test('ends with an event also when nobody waits', () => {
    const policy = limiter();
    policy.pause(10);
    scheduler.advanceTo(10);
    expect([told('limiter_resumed'), policy.state]).toStrictEqual([
      [{}],
      { balances: { requests: 1, tokens: 0 }, queueSize: 0, paused: false },
    ]);
  });

  test('keeps a debt', () => {
    const policy = limiter();
    policy.tryAcquire(100);
    of(500)
      .pipe(rateLimit(policy, { usageOf: (used) => used }))
      .subscribe();
    expect(policy.state.balances.tokens).toBe(-500);
    policy.pause(100);
    scheduler.advanceTo(100);
    expect(policy.state.balances.tokens).toBe(-400);
  });

  test('whose listener ends it at once stops nobody', () => {
    const policy = limiter();
    const events = new EventBus();
    const other = new RateLimiter({ name: 'x', requestsPerSecond: 1, scheduler, events });
    events.on('limiter_paused').subscribe(() => other.resume());
    other.pause(1_000);
    expect([other.state.paused, scheduler.pending]).toStrictEqual([false, 0]);
    expect(policy.state.paused).toBe(false);
  });

  test.each([[-1], [Number.NaN], [Infinity]])('of %d ms is refused', (duration) => {
    expect(() => limiter().pause(duration)).toThrow(/RateLimiter.pause: option "duration"/);
  });
});

describe('what the service says is left', () => {
  const reporting = (policy: RateLimiter, reports: readonly RateLimitReport[] | undefined) =>
    rateLimit(policy, { tokens: 10, reportsOf: () => reports });

  test('lowers the bucket, and never raises it', () => {
    const policy = limiter();
    of(1)
      .pipe(
        reporting(policy, [
          { dimension: 'tokens', remaining: 30 },
          { dimension: 'requests', remaining: 500 },
          { dimension: 'input-tokens', remaining: 0 },
        ]),
      )
      .subscribe();
    expect(policy.state.balances).toStrictEqual({ requests: 9, tokens: 30 });
    expect(told('limiter_lowered')).toStrictEqual([{ dimension: 'tokens', from: 90, to: 30 }]);
  });

  test('counts what was admitted since, which the service cannot know of', () => {
    const policy = limiter();
    const slow = new Subject<number>();
    slow.pipe(reporting(policy, [{ dimension: 'tokens', remaining: 60 }])).subscribe();
    policy.tryAcquire(25);
    slow.next(1);
    expect(policy.state.balances.tokens).toBe(35);
  });

  test('of an answer to an older request than one that was heard of says nothing new', () => {
    const policy = limiter();
    const [older, newer] = [new Subject<number>(), new Subject<number>()];
    older.pipe(reporting(policy, [{ dimension: 'tokens', remaining: 5 }])).subscribe();
    newer.pipe(reporting(policy, [{ dimension: 'tokens', remaining: 70 }])).subscribe();
    newer.next(1);
    older.next(1);
    expect(policy.state.balances.tokens).toBe(70);
    // Nor does it raise what was lowered.
    older.next(1);
    newer.next(1);
    expect(policy.state.balances.tokens).toBe(70);
  });

  test('does not count what was given back because it was never sent', () => {
    const policy = limiter();
    const slow = new Subject<number>();
    slow.pipe(reporting(policy, [{ dimension: 'tokens', remaining: 50 }])).subscribe();
    const places = new Bulkhead({ maxConcurrent: 1, scheduler, events: new EventBus() });
    NEVER.pipe(bulkhead(places)).subscribe();
    const admitted = NEVER.pipe(bulkhead(places), rateLimit(policy, { tokens: 20 })).subscribe();
    expect(policy.state.balances.tokens).toBe(70);
    admitted.unsubscribe();
    slow.next(1);
    expect(policy.state.balances.tokens).toBe(50);
  });

  test('of two reports of one answer both are heard', () => {
    const policy = limiter();
    const source = new Subject<number>();
    source
      .pipe(rateLimit(policy, { tokens: 10, reportsOf: (remaining) => [{ dimension: 'tokens', remaining }] }))
      .subscribe();
    source.next(60);
    source.next(40);
    expect(policy.state.balances.tokens).toBe(40);
  });

  test.each([[[]], [undefined]])(
    'of an answer is not made old by a newer one that says nothing: %j',
    (no) => {
      const policy = limiter();
      const [older, newer] = [new Subject<number>(), new Subject<number>()];
      older.pipe(reporting(policy, [{ dimension: 'tokens', remaining: 5 }])).subscribe();
      newer.pipe(reporting(policy, no)).subscribe();
      newer.next(1);
      older.next(1);
      expect(policy.state.balances.tokens).toBe(-5);
    },
  );

  test('is heard beside the streams, too: of requests that nobody asked the limiter for', () => {
    const policy = limiter();
    policy.listen()([{ dimension: 'tokens', remaining: 30 }]);
    expect(policy.state.balances.tokens).toBe(30);
  });

  test('by hand', async () => {
    const policy = limiter();
    const lease = await policy.acquire({ tokens: 10 });
    lease.report([{ dimension: 'tokens', remaining: 3 }]);
    expect(policy.state.balances.tokens).toBe(3);
  });

  test('with feedback.remaining false is not heard', () => {
    const policy = limiter({ feedback: { remaining: false } });
    of(1)
      .pipe(reporting(policy, [{ dimension: 'tokens', remaining: 0 }]))
      .subscribe();
    expect(policy.state.balances.tokens).toBe(90);
  });
});

describe('the limits that the service reports', () => {
  const reporting = (
    policy: RateLimiter,
    limit: number,
    dimension: RateLimitReport['dimension'] = 'tokens',
  ) =>
    of(1)
      .pipe(rateLimit(policy, { reportsOf: () => [{ dimension, limit }] }))
      .subscribe();

  test.each<[string, RateLimiterConfig, RateLimitReport]>([
    ['unless that is asked for', {}, { dimension: 'tokens', limit: 1_000 }],
    [
      'for a limit that the limiter does not have',
      { feedback: { adjust: {} } },
      { dimension: 'output-tokens', limit: 1_000 },
    ],
    ['that say none', { feedback: { adjust: {} } }, { dimension: 'tokens', remaining: 500 }],
  ])('change nothing %s, and disturb no stream', (_, config, report) => {
    const policy = limiter(config);
    const ended: unknown[] = [];
    of(1)
      .pipe(rateLimit(policy, { reportsOf: () => [report] }))
      .subscribe({ complete: () => ended.push('complete'), error: (error) => ended.push(error) });
    expect([ended, told('limiter_adjusted')]).toStrictEqual([['complete'], []]);
  });

  test('re-tune the pace within the bounds, each time with an event', () => {
    const policy = limiter({ feedback: { adjust: { min: 0.5, max: 2 } } });
    for (const limit of [45_000, 45_000, 1_000, 1_000_000]) reporting(policy, limit);
    expect(told('limiter_adjusted')).toStrictEqual([
      { dimension: 'tokens', from: 60_000, to: 45_000, reason: 'limit of the service' },
      { dimension: 'tokens', from: 45_000, to: 30_000, reason: 'limit of the service' },
      { dimension: 'tokens', from: 30_000, to: 120_000, reason: 'limit of the service' },
    ]);
    reporting(policy, 1, 'output-tokens');
    expect(told('limiter_adjusted')).toHaveLength(3);
  });

  test('let those begin earlier who wait', () => {
    const policy = limiter({ feedback: { adjust: { max: 10 } } });
    policy.tryAcquire(100);
    const began: number[] = [];
    defer(() => of(began.push(scheduler.now())))
      .pipe(rateLimit(policy, { tokens: 50 }))
      .subscribe();
    scheduler.advanceTo(10);
    policy.adjust({ tokensPerMinute: 240_000 });
    scheduler.advanceTo(100);
    // Ten of fifty were there, and the other forty come four at a time.
    expect(began).toStrictEqual([20]);
  });

  test('adjust() sets any pace that the limiter has, and says what it cannot', () => {
    const policy = limiter();
    policy.adjust({ requestsPerSecond: 500, tokensPerMinute: undefined }, 'night');
    expect(told('limiter_adjusted')).toStrictEqual([
      { dimension: 'requests', from: 60_000, to: 30_000, reason: 'night' },
    ]);
    expect(policy.state.balances).toStrictEqual({ requests: 5, tokens: 100 });
    expect(() => policy.adjust({ inputTokensPerMinute: 1 })).toThrow(
      'RateLimiter "gpt": it has no limit that "inputTokensPerMinute" could adjust',
    );
    expect(() => policy.adjust({ tokensPerMinute: 0 })).toThrow(/"tokensPerMinute" must be greater than 0/);
  });
});

test('a service with fixed windows is refused once, and never again while everybody keeps asking', () => {
  const policy = limiter({ requestsPerMinute: 600, tokensPerMinute: undefined, burstSize: 100 });
  const windows = new Map<number, number>();
  let refused = 0;
  const ask = defer(() => {
    const window = Math.floor(scheduler.now() / 60_000);
    const used = windows.get(window) ?? 0;
    if (used === 600) {
      refused++;
      const retryAfter = (window + 1) * 60_000 - scheduler.now();
      return throwError(() => refusal({ status: 429, retryAfter }));
    }
    windows.set(window, used + 1);
    return concat(of(1), timer(200, scheduler).pipe(map(() => 2)));
  });
  const call = (): void => {
    ask.pipe(rateLimit(policy), tap({ complete: call, error: call })).subscribe({ error: () => {} });
  };
  for (let caller = 0; caller < 40; caller++) call();
  scheduler.advanceTo(5 * 60_000 - 1);
  // The burst at the beginning is what the first window did not have.
  expect(refused).toBe(1);
  expect([...windows.values()]).toStrictEqual([600, 600, 600, 600, 600]);
});
