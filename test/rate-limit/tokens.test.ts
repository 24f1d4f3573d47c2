import { concat, EMPTY, from, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { ConfigurationError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { RateLimiter, type RateLimiterConfig, rateLimit } from '../../src/rate-limit/index.ts';
import { corrected, knownOf, loadOf } from '../../src/rate-limit/tokens.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

let scheduler: ManualScheduler;
beforeEach(() => {
  scheduler = new ManualScheduler();
});

/** A token comes back every millisecond, unless the config says otherwise. */
const limiter = (config: RateLimiterConfig = {}): RateLimiter =>
  new RateLimiter({
    tokensPerMinute: 60_000,
    burstWindow: 100,
    queueTimeout: Infinity,
    scheduler,
    events: new EventBus(),
    ...config,
  });

const tokensIn = (policy: RateLimiter): number | undefined => policy.state.balances.tokens;

describe('what is known of a usage', () => {
  test.each([
    [undefined, {}],
    [null, {}],
    [12, { totalTokens: 12 }],
    [
      { inputTokens: 3, outputTokens: 4 },
      { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
    ],
    [
      { inputTokens: 3, totalTokens: 7 },
      { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
    ],
    [
      { outputTokens: 9, totalTokens: 7 },
      { inputTokens: 0, outputTokens: 9, totalTokens: 7 },
    ],
    [{ inputTokens: 2.1, outputTokens: Number.NaN }, { inputTokens: 3 }],
    [{ inputTokens: -1, outputTokens: Infinity, totalTokens: '5' as never }, {}],
  ])('%j: %j', (usage, known) => {
    expect(knownOf(usage)).toEqual(known);
  });

  test.each([
    ['parts that are known replace those that were expected', { inputTokens: 5, outputTokens: 9 }, 3, 12],
    ['of a total, no less than the part that is known', { totalTokens: 10 }, 25, 25],
    ['of a total, what is not known stays', { totalTokens: 10 }, 3, 10],
    ['what nobody expected is what is known', {}, 3, 3],
  ])('%s', (_, expected, inputTokens, total) => {
    expect(loadOf(corrected(knownOf(expected), { inputTokens }))[1]).toBe(total);
  });

  test('a part of which only the whole is known may be all of it', () => {
    expect(loadOf(knownOf(7))).toStrictEqual([1, 7, 7, 7]);
    expect(loadOf(knownOf({ inputTokens: 7 }))).toStrictEqual([1, 7, 7, 0]);
    expect(loadOf(knownOf({ outputTokens: 7 }))).toStrictEqual([1, 7, 0, 7]);
  });
});

describe('limits', () => {
  test('of tokens matter to whoever could count them, those of requests do not', () => {
    expect(limiter().countsTokens).toBe(true);
    expect(limiter({ tokensPerMinute: undefined, requestsPerSecond: 1 }).countsTokens).toBe(false);
  });

  test('only what is named is limited', () => {
    const policy = limiter({ burstWindow: 60_000 });
    expect(policy.state.balances).toStrictEqual({ tokens: 60_000 });
    expect(policy.available).toBe(Infinity);
    for (let request = 0; request < 1_000; request++) expect(policy.tryAcquire(1)).toBe(true);
    expect(policy.state.balances).toStrictEqual({ tokens: 59_000 });
  });

  test('each keeps a minute of permits, unless burstWindow says otherwise', () => {
    const limits = { requestsPerMinute: 30, inputTokensPerMinute: 900, outputTokensPerMinute: 90 };
    expect(new RateLimiter({ ...limits, scheduler }).state.balances).toStrictEqual({
      requests: 30,
      'input-tokens': 900,
      'output-tokens': 90,
    });
    expect(new RateLimiter({ ...limits, burstWindow: 1_000, scheduler }).state.balances).toStrictEqual({
      requests: 1,
      'input-tokens': 15,
      'output-tokens': 1,
    });
    const small = new RateLimiter({ ...limits, burstSize: 4, burstWindow: 0, scheduler });
    expect(small.state.balances).toStrictEqual({ requests: 4, 'input-tokens': 1, 'output-tokens': 1 });
  });

  test.each<[RateLimiterConfig, RegExp]>([
    [{ tokensPerMinute: 0 }, /"tokensPerMinute" must be greater than 0, got 0/],
    [{ inputTokensPerMinute: -1 }, /"inputTokensPerMinute".*got -1/],
    [{ outputTokensPerMinute: Number.NaN }, /"outputTokensPerMinute".*got NaN/],
    [{ burstWindow: -1 }, /"burstWindow" must not be negative, got -1/],
    [
      { requestsPerSecond: 1, requestsPerMinute: 60 },
      /"requestsPerMinute" has no place beside "requestsPerSecond"/,
    ],
    [{ feedback: { adjust: { min: 2 } } }, /"feedback.adjust.min" must not be greater than "max"/],
    [{ feedback: { maxPause: 0 } }, /"feedback.maxPause".*got 0/],
  ])('%j is refused by name and value', (config, message) => {
    expect(() => new RateLimiter(config)).toThrow(message);
    expect(() => new RateLimiter(config)).toThrow(ConfigurationError);
  });

  test.each([
    [{ tokens: -1 }, /"tokens" must not be negative, got -1/],
    [{ tokens: { inputTokens: Number.NaN } }, /"tokens/],
    [{ priority: Infinity }, /"priority" must be a finite number, or a function, got Infinity/],
    [{ patience: -1 }, /"patience" must be a duration.*got -1/],
    [{ tokensOf: 3 as never }, /"tokensOf" must be a function, got 3/],
    [{ estimate: 3 } as never, /unknown option "estimate"/],
  ])('of a subscription %j is refused by name and value', (options, message) => {
    expect(() => rateLimit(limiter(), options)).toThrow(message);
  });

  test('what a function gives at a subscription is an error of that stream, if it is no number of tokens', () => {
    const policy = limiter();
    const errors: string[] = [];
    const hear = { error: ({ message }: Error) => errors.push(message) };
    of(1)
      .pipe(rateLimit(policy, { tokens: () => Number.NaN }))
      .subscribe(hear);
    of(1)
      .pipe(rateLimit(policy, { priority: () => Number.NaN }))
      .subscribe(hear);
    expect(errors).toStrictEqual([
      'rateLimit: option "tokens" must be a finite number, or an object, got NaN',
      'rateLimit: option "priority" must be a finite number, got NaN',
    ]);
    expect([tokensIn(policy), policy.queueSize]).toStrictEqual([100, 0]);
  });
});

describe('a stream', () => {
  const usageOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

  test.each<[string, Observable<unknown>, number]>([
    ['complete with a usage below it', from([30]), 70],
    ['complete with a usage beyond it', from([130]), -30],
    ['complete without a usage', from(['text']), 40],
    [
      'an error after a usage',
      concat(
        of(30),
        throwError(() => new Error('late')),
      ),
      70,
    ],
    ['an error without a usage', throwError(() => new Error('broken')), 40],
    ['empty', EMPTY, 40],
    ['cancelled', NEVER, 40],
  ])('that reserved 60 leaves of 100: %s', (_, source, left) => {
    const policy = limiter();
    source
      .pipe(rateLimit(policy, { tokens: 60, usageOf }))
      .subscribe({ error: () => {} })
      .unsubscribe();
    expect(tokensIn(policy)).toBe(left);
  });

  test('is charged upward while it grows, and downward only at its end', () => {
    const policy = limiter();
    const source = new Subject<number>();
    source.pipe(rateLimit(policy, { tokens: 10, usageOf })).subscribe();
    const levels = [tokensIn(policy)];
    for (const usage of [3, 25, 20]) {
      source.next(usage);
      levels.push(tokensIn(policy));
    }
    source.complete();
    expect([...levels, tokensIn(policy)]).toStrictEqual([90, 90, 75, 75, 80]);
  });

  test('whose tokens are counted is charged for what goes beyond the reservation, and settled with the count', () => {
    const policy = limiter();
    const source = new Subject<string>();
    source
      .pipe(rateLimit(policy, { tokens: { inputTokens: 20, outputTokens: 5 }, tokensOf: () => 2.5 }))
      .subscribe();
    const levels: unknown[] = [tokensIn(policy)];
    for (const value of ['a', 'b', 'c', 'd']) {
      source.next(value);
      levels.push(tokensIn(policy));
    }
    source.complete();
    expect([...levels, tokensIn(policy)]).toStrictEqual([75, 75, 75, 72, 70, 70]);
  });

  test('that was counted here and by the service is settled with what the service says', () => {
    const policy = limiter();
    const usage = (value: string) => (value === 'u' ? { inputTokens: 10, outputTokens: 4 } : undefined);
    from(['a', 'b', 'u'])
      .pipe(rateLimit(policy, { tokens: 20, tokensOf: () => 30, usageOf: usage }))
      .subscribe();
    expect(tokensIn(policy)).toBe(86);
  });

  test('that broke off has used at least what came', () => {
    const policy = limiter();
    concat(
      from(['a', 'b']),
      throwError(() => new Error('broken')),
    )
      .pipe(rateLimit(policy, { tokens: { inputTokens: 10, outputTokens: 10 }, tokensOf: () => 15 }))
      .subscribe({ error: () => {} });
    expect(tokensIn(policy)).toBe(60);
  });

  test('whose tokens are counted, and fewer than was reserved, gives back the rest when it is whole', () => {
    const policy = limiter();
    from(['a', 'b'])
      .pipe(rateLimit(policy, { tokens: { inputTokens: 10, outputTokens: 50 }, tokensOf: () => 5 }))
      .subscribe();
    expect(tokensIn(policy)).toBe(80);
  });

  test('of which nobody expected anything has used what came, also when it is cancelled', () => {
    const policy = limiter();
    concat(of('a', 'b'), NEVER)
      .pipe(rateLimit(policy, { tokensOf: () => 15 }))
      .subscribe()
      .unsubscribe();
    expect(tokensIn(policy)).toBe(70);
  });

  test('that says and counts nothing has used what it reserved, whatever the sum of its parts', () => {
    const policy = limiter();
    const tokens = { inputTokens: 10, outputTokens: 20, totalTokens: 50 };
    of('a')
      .pipe(rateLimit(policy, { tokens, usageOf: () => null, tokensOf: () => 0 }))
      .subscribe();
    expect(tokensIn(policy)).toBe(50);
  });

  test('that is within its reservation takes no more, whatever the sum of its parts', () => {
    const policy = limiter();
    const tokens = { inputTokens: 10, outputTokens: 20, totalTokens: 25 };
    concat(of('a', 'b'), NEVER)
      .pipe(rateLimit(policy, { tokens, tokensOf: () => 10 }))
      .subscribe();
    expect(tokensIn(policy)).toBe(75);
  });

  test('whose counts are no numbers of tokens has counted nothing', () => {
    const policy = limiter();
    from([Number.NaN, -5, 30])
      .pipe(rateLimit(policy, { tokens: { outputTokens: 50 }, tokensOf: (count) => count }))
      .subscribe();
    expect(tokensIn(policy)).toBe(70);
  });

  describe('of which only a part is known', () => {
    const divided = (): RateLimiter =>
      limiter({ tokensPerMinute: undefined, inputTokensPerMinute: 60_000, outputTokensPerMinute: 60_000 });
    const broken = throwError(() => new Error('broken'));

    test('and which is whole has used as much of the other as was expected: unknown is not zero', () => {
      const policy = divided();
      const expected = { inputTokens: 10, outputTokens: 50 };
      of({ inputTokens: 5 })
        .pipe(rateLimit(policy, { tokens: expected, usageOf: (usage) => usage }))
        .subscribe();
      expect(policy.state.balances).toStrictEqual({ 'input-tokens': 95, 'output-tokens': 50 });
    });

    test.each([
      ['counted', { tokensOf: () => 20 }, { 'input-tokens': 40, 'output-tokens': 40 }],
      [
        'told by the service',
        { usageOf: () => ({ inputTokens: 5 }) },
        { 'input-tokens': 95, 'output-tokens': 40 },
      ],
    ])('%s, and which broke off keeps the rest of its reservation', (_, options, left) => {
      const policy = divided();
      concat(of(1), broken)
        .pipe(rateLimit(policy, { tokens: 60, ...options }))
        .subscribe({ error: () => {} });
      expect(policy.state.balances).toStrictEqual(left);
    });
  });

  test('input and output have buckets of their own', () => {
    const policy = limiter({
      tokensPerMinute: undefined,
      inputTokensPerMinute: 60_000,
      outputTokensPerMinute: 60_000,
    });
    of({ inputTokens: 12, outputTokens: 3 })
      .pipe(rateLimit(policy, { tokens: { inputTokens: 10, outputTokens: 50 }, usageOf: (usage) => usage }))
      .subscribe();
    expect(policy.state.balances).toStrictEqual({ 'input-tokens': 88, 'output-tokens': 97 });
  });

  test('that was never sent gives everything back, and whoever waits goes on', () => {
    const policy = limiter();
    const places = new Bulkhead({ maxConcurrent: 1, maxQueue: 0, scheduler, events: new EventBus() });
    NEVER.pipe(bulkhead(places)).subscribe();
    const outcome: unknown[] = [];
    of(1)
      .pipe(bulkhead(places), rateLimit(policy, { tokens: 90 }))
      .subscribe({ error: ({ name }) => outcome.push(name, tokensIn(policy)) });
    expect(outcome).toStrictEqual(['BulkheadRejectedError', 100]);
  });

  test('that waits and is cancelled reserves nothing, and a smaller one behind it begins at once', () => {
    const policy = limiter();
    policy.tryAcquire(60);
    const started = vi.fn();
    const large = of(1)
      .pipe(rateLimit(policy, { tokens: 90 }))
      .subscribe();
    of(1)
      .pipe(rateLimit(policy, { tokens: 30 }))
      .subscribe(started);
    expect([policy.queueSize, started.mock.calls.length]).toStrictEqual([2, 0]);
    large.unsubscribe();
    expect([policy.queueSize, started.mock.calls.length, tokensIn(policy)]).toStrictEqual([0, 1, 10]);
    expect(scheduler.pending).toBe(0);
  });

  test('a function that reads values and throws is the end of the stream, and nothing is lost', () => {
    const policy = limiter();
    const boom = new Error('boom');
    const source = new Subject<number>();
    const errors: unknown[] = [];
    const values: number[] = [];
    source
      .pipe(
        rateLimit(policy, {
          tokens: 10,
          tokensOf(value) {
            if (value === 2) throw boom;
            return 1;
          },
        }),
      )
      .subscribe({ next: (value) => values.push(value), error: (error) => errors.push(error) });
    source.next(1);
    source.next(2);
    expect([values, errors, source.observed, tokensIn(policy)]).toStrictEqual([[1], [boom], false, 90]);
  });

  test('types: without a look at values it fits any stream, with one it knows them', () => {
    const policy = limiter();
    const plain = rateLimit(policy, { tokens: 1, priority: 2 });
    expectTypeOf(of('text').pipe(plain)).toEqualTypeOf(of('text'));
    expectTypeOf(of(1).pipe(plain)).toEqualTypeOf(of(1));
    of({ used: 3 }).pipe(
      rateLimit(policy, {
        usageOf: (value) => {
          expectTypeOf(value).toEqualTypeOf<{ used: number }>();
          return value.used;
        },
      }),
    );
  });
});

describe('code without a stream', () => {
  test('reserves, and says what it has used', async () => {
    const policy = limiter();
    const lease = await policy.acquire({ tokens: 60 });
    expect(tokensIn(policy)).toBe(40);
    lease.charge({ inputTokens: 10, outputTokens: 15 });
    expect(tokensIn(policy)).toBe(75);
    lease.charge(undefined);
    lease.charge({ outputTokens: 30 });
    expect(tokensIn(policy)).toBe(60);
    lease.success();
    lease.charge(0);
    expect(tokensIn(policy)).toBe(60);
  });

  test.each([Number.NaN, -50, '50', null, { totalToken: 50 }, { inputTokens: -1 }])(
    'and one that asks for %o at once are refused, and take nothing',
    async (tokens) => {
      const policy = limiter();
      expect(() => policy.tryAcquire(tokens as never)).toThrow(/^RateLimiter\.tryAcquire: .*"tokens/);
      await expect(policy.acquire({ tokens: tokens as never })).rejects.toThrow(/^acquire: .*"tokens/);
      expect([tokensIn(policy), policy.queueSize]).toStrictEqual([100, 0]);
    },
  );

  test('that says nothing has used what it reserved', async () => {
    const policy = limiter();
    {
      using lease = await policy.acquire({ tokens: 60 });
      void lease;
    }
    expect(tokensIn(policy)).toBe(40);
  });

  test.each([undefined, null])('that says %s has said nothing, whatever it expected', async (usage) => {
    const policy = limiter();
    const tokens = { inputTokens: 10, outputTokens: 20, totalTokens: 50 };
    const lease = await policy.acquire({ tokens });
    lease.charge(usage);
    expect(tokensIn(policy)).toBe(50);
    lease.success();
    expect(tokensIn(policy)).toBe(50);
  });

  test('waits in line with others, by priority, and leaves it by abort', async () => {
    const policy = limiter();
    policy.tryAcquire(100);
    const order: string[] = [];
    const abort = new AbortController();
    const left = policy.acquire({ tokens: 5, signal: abort.signal }).catch(({ name }) => order.push(name));
    const low = policy.acquire({ tokens: 10 }).then(() => order.push(`low at ${scheduler.now()}`));
    const high = policy
      .acquire({ tokens: 10, priority: 1 })
      .then(() => order.push(`high at ${scheduler.now()}`));
    abort.abort();
    scheduler.advanceTo(10);
    await high;
    scheduler.advanceTo(20);
    await Promise.all([low, left]);
    expect(order).toStrictEqual(['AbortError', 'high at 10', 'low at 20']);
  });

  test('bad options reject, by name and value', async () => {
    await expect(limiter().acquire({ priority: Number.NaN })).rejects.toThrow(
      /"priority" must be a finite number, got NaN/,
    );
    await expect(limiter().acquire({ patience: -1 })).rejects.toThrow(/"patience".*got -1/);
  });
});

describe('whoever has lost patience', () => {
  /** A large request is the next and a small one behind it; by what the service says, the first cannot begin in time. */
  const queued = (began: string[]): RateLimiter => {
    const policy = limiter();
    policy.tryAcquire(50);
    const ask = (name: string, tokens: number, patience: number): void => {
      const source = new Observable(() => void began.push(`${name} at ${scheduler.now()}`));
      source.pipe(rateLimit(policy, { tokens, patience })).subscribe({ error: () => {} });
    };
    ask('large', 90, 50);
    ask('small', 10, Infinity);
    policy.listen()([{ dimension: 'tokens', remaining: 20 }]);
    return policy;
  };

  test('makes room at once for one behind who asks for less', () => {
    const began: string[] = [];
    queued(began);
    scheduler.advanceTo(300);
    expect(began).toStrictEqual(['small at 50']);
  });

  test('is announced', () => {
    const policy = queued([]);
    const sizes: number[] = [];
    policy.state$.subscribe(({ queueSize }) => sizes.push(queueSize));
    scheduler.advanceTo(50);
    expect(sizes).toStrictEqual([2, 1, 0]);
  });
});

test('the state is announced whenever something is taken or given back', () => {
  const policy = limiter();
  const heard: unknown[] = [];
  policy.state$.subscribe(({ balances, queueSize }) => heard.push([balances.tokens, queueSize]));
  const waiting = of(5).pipe(rateLimit(policy, { tokens: 80, usageOf: (value) => value }));
  waiting.subscribe();
  policy.tryAcquire(90);
  const place = NEVER.pipe(rateLimit(policy, { tokens: 30 })).subscribe();
  place.unsubscribe();
  expect(heard).toStrictEqual([
    [100, 0],
    [20, 0],
    [95, 0],
    [5, 0],
    [5, 1],
    [5, 0],
  ]);
});
