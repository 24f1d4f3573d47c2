import fc from 'fast-check';
import { EMPTY, from, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import {
  AdaptiveThrottle,
  type AdaptiveThrottleConfig,
  adaptiveThrottle,
  Bulkhead,
  bulkhead,
  type ChatChunk,
  ConfigurationError,
  EventBus,
  type EventData,
  isThrottledError,
  ProviderError,
  ResilientProvider,
  resilience,
  retryWithBackoff,
  StreamTimeoutError,
  ThrottledError,
} from '../../src/index.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const busy = Object.assign(new Error('busy'), { status: 429 });

let scheduler: ManualScheduler;
let events: EventBus;
beforeEach(() => {
  scheduler = new ManualScheduler();
  events = new EventBus();
});
const throttleWith = (config: AdaptiveThrottleConfig = {}): AdaptiveThrottle =>
  new AdaptiveThrottle({ scheduler, events, random: () => 0.999_999, ...config });

/** Puts the outcome of one request on its account. */
function settle(throttle: AdaptiveThrottle, error?: unknown): void {
  const lease = throttle.acquire();
  if (error === undefined) lease.success();
  else lease.failure(error);
}

describe('the numbers of the source', () => {
  /** A backend that takes so many requests a second, and a client that wants more, for five minutes. */
  function overload({
    wanted,
    capacity,
    multiplier,
  }: {
    wanted: number;
    capacity: number;
    multiplier: number;
  }) {
    const time = new ManualScheduler();
    const random = seededRandom(1);
    const throttle = throttleWith({ scheduler: time, multiplier, maxProbability: 1, random });
    let [accepted, refused] = [0, 0];
    for (let second = 0; second < 300; second++) {
      time.advanceTo(second * 1_000);
      let room = capacity;
      for (let request = 0; request < wanted; request++) {
        const lease = throttle.admit();
        if (lease instanceof Error) continue;
        if (room-- > 0) lease.success();
        else lease.failure(busy);
        // What was before is the way there.
        if (second < 150) continue;
        if (room >= 0) accepted++;
        else refused++;
      }
    }
    return refused / accepted;
  }

  it('with a multiplier of 2 the backend refuses one request for each that it takes, even in a large overload', () => {
    for (const wanted of [60, 600])
      expect(overload({ wanted, capacity: 20, multiplier: 2 })).toBeCloseTo(1, 1);
  });

  it('with a multiplier of 1.1 it refuses one for every ten', () => {
    expect(overload({ wanted: 300, capacity: 50, multiplier: 1.1 })).toBeCloseTo(0.1, 1);
  });

  it('the probability is max(0, (requests − K × accepts) / (requests + 1))', () => {
    const throttle = throttleWith({ multiplier: 2, maxProbability: 1 });
    expect(throttle.probability).toBe(0);
    for (let request = 0; request < 10; request++) settle(throttle);
    for (let request = 0; request < 10; request++) settle(throttle, busy);
    expect([throttle.requests, throttle.accepts, throttle.probability]).toStrictEqual([20, 10, 0]);
    settle(throttle, busy);
    expect(throttle.probability).toBe((21 - 20) / 22);
  });
});

describe('what counts', () => {
  const refusals: [string, unknown][] = [
    ['429', busy],
    ['503', { status: 503 }],
    ['529', { status: 529 }],
    ['a kind that speaks of too many', { kind: 'rate-limit' }],
    ['a kind that speaks of too much', { kind: 'overloaded', status: 200 }],
    ['no first value in time', new StreamTimeoutError('answer', 'first', 5)],
  ];
  it.each(refusals)('%s is refused', (_, error) => {
    const throttle = throttleWith();
    settle(throttle, error);
    expect([throttle.requests, throttle.accepts]).toStrictEqual([1, 0]);
  });

  it("a wrong request of the caller's was accepted, an error that says nothing is not counted", () => {
    const throttle = throttleWith();
    settle(throttle, { status: 400 });
    expect([throttle.requests, throttle.accepts]).toStrictEqual([1, 1]);
    settle(throttle, new Error('broken'));
    settle(throttle, { kind: 'quota', status: 429 });
    expect(throttle.requests).toBe(1);
  });

  it.each<[string, Observable<unknown>, [number, number]]>([
    ['a value', new Observable((subscriber) => subscriber.next(1)), [1, 1]],
    ['completion without a value', EMPTY, [1, 1]],
    [
      'a value and then a refusal',
      new Observable((subscriber) => {
        subscriber.next(1);
        subscriber.error(busy);
      }),
      [1, 1],
    ],
    ['a refusal', throwError(() => busy), [1, 0]],
    ['nothing, and a cancel', NEVER, [0, 0]],
  ])('a stream with %s counts once', (_, source, [requests, accepts]) => {
    const throttle = throttleWith();
    source
      .pipe(adaptiveThrottle(throttle))
      .subscribe({ error() {} })
      .unsubscribe();
    expect([throttle.requests, throttle.accepts]).toStrictEqual([requests, accepts]);
  });

  it('is settled before downstream hears of the end', () => {
    const throttle = throttleWith();
    const seen: number[] = [];
    throwError(() => busy)
      .pipe(adaptiveThrottle(throttle))
      .subscribe({ error: () => seen.push(throttle.requests) });
    expect(seen).toStrictEqual([1]);
  });

  it('slow requests that are under way do not', () => {
    const throttle = throttleWith({ random: () => 0 });
    const sources = Array.from({ length: 100 }, () => new Subject());
    for (const source of sources) source.pipe(adaptiveThrottle(throttle)).subscribe();
    expect([throttle.requests, throttle.probability]).toStrictEqual([0, 0]);
    for (const source of sources) source.next(1);
    expect([throttle.requests, throttle.accepts]).toStrictEqual([100, 100]);
  });

  it('refusals of other policies are neutral, and its own are so for them', () => {
    const throttle = throttleWith({ random: () => 0 });
    const places = new Bulkhead({ maxConcurrent: 1, maxQueue: 0, scheduler, events });
    const stream = NEVER.pipe(bulkhead(places), adaptiveThrottle(throttle));
    const held = stream.subscribe();
    const errors: unknown[] = [];
    stream.subscribe({ error: ({ name }) => errors.push(name) });
    expect([errors, throttle.requests]).toStrictEqual([['BulkheadRejectedError'], 0]);
    held.unsubscribe();
  });

  it('is forgotten after the window', () => {
    const throttle = throttleWith({ window: 1_000 });
    settle(throttle, busy);
    scheduler.advanceTo(899);
    expect(throttle.requests).toBe(1);
    scheduler.advanceTo(1_000);
    expect([throttle.requests, throttle.probability]).toStrictEqual([0, 0]);
    // Also after an hour of silence.
    settle(throttle, busy);
    scheduler.advanceTo(3_600_000);
    expect(throttle.requests).toBe(0);
  });

  it('classify is asked of an error that came before all else, and of nothing more', () => {
    const asked: unknown[] = [];
    const classify = (error: unknown) => {
      asked.push(error);
      return 'rejected' as const;
    };
    const throttle = throttleWith({ classify });
    const watched = adaptiveThrottle(throttle);
    const late = new Observable((subscriber) => {
      subscriber.next(1);
      subscriber.error(busy);
    });
    EMPTY.pipe(watched).subscribe();
    NEVER.pipe(watched).subscribe().unsubscribe();
    late.pipe(watched).subscribe({ error() {} });
    throwError(() => new ThrottledError('further down', 0.5))
      .pipe(watched)
      .subscribe({ error() {} });
    expect([asked, throttle.requests, throttle.accepts]).toStrictEqual([[], 2, 2]);
    throwError(() => busy)
      .pipe(watched)
      .subscribe({ error() {} });
    expect([asked, throttle.requests, throttle.accepts]).toStrictEqual([[busy], 3, 2]);
  });

  it('a classify that throws is the end of that stream, and of nothing else', () => {
    const throttle = throttleWith({
      classify: () => {
        throw new Error('classify');
      },
    });
    const errors: unknown[] = [];
    throwError(() => busy)
      .pipe(adaptiveThrottle(throttle))
      .subscribe({ error: ({ message }) => errors.push(message) });
    expect([errors, throttle.requests]).toStrictEqual([['classify'], 0]);
  });
});

describe('a request that is turned away', () => {
  it('is never made, says so to the bus, and is not retried by default', () => {
    const throttle = throttleWith({ name: 'search', random: () => 0.4 });
    settle(throttle, busy);
    const announced: EventData<'throttled'>[] = [];
    events.on('throttled').subscribe(({ data }) => announced.push(data));
    let subscribed = 0;
    const source = new Observable<never>(() => {
      subscribed++;
    });
    let error: unknown;
    source.pipe(adaptiveThrottle(throttle), retryWithBackoff({ maxRetries: 3, scheduler })).subscribe({
      error: (thrown) => {
        error = thrown;
      },
    });
    expect(isThrottledError(error)).toBe(true);
    expect(error).toMatchObject({ name: 'ThrottledError', throttle: 'search', probability: 0.5 });
    expect((error as Error).message).toBe(
      'Throttle "search": the other side refuses too much, so 50 % of all requests are turned away here, and this one was not made.',
    );
    expect([subscribed, announced, throttle.rejectedCount]).toStrictEqual([0, [{ probability: 0.5 }], 1]);
    // It was wanted, so it counts: that is how the rate of those that are tried stays the same however many are wanted.
    expect(throttle.requests).toBe(2);
    expect(() => throttle.acquire()).toThrow('Throttle "search"');
  });

  it('leaves the others their chance, however bad it looks', () => {
    const throttle = throttleWith({ random: () => 0.999_999 });
    for (let request = 0; request < 1_000; request++) settle(throttle, busy);
    expect(throttle.probability).toBe(0.95);
    expect(throttleWith({ maxProbability: 0 }).probability).toBe(0);
  });
});

describe('as a part', () => {
  it('of resilience() it is told of every attempt, and inherits name, bus, clock and chance', () => {
    const sources: string[] = [];
    events.on('throttled').subscribe(({ source }) => sources.push(source));
    const guarded = resilience({ name: 'search', events, scheduler, random: () => 0.4, throttle: {} });
    const names: unknown[] = [];
    for (let request = 0; request < 2; request++)
      throwError(() => busy)
        .pipe(guarded)
        .subscribe({ error: ({ name }) => names.push(name) });
    expect([names, sources]).toStrictEqual([['Error', 'ThrottledError'], ['search']]);
    expect(() => resilience({ throttle: { multiplier: 0 } })).toThrow('"throttle.multiplier"');
    expect(() => resilience({ throttle: 3 as never })).toThrow('"throttle" must be an AdaptiveThrottle');
  });

  it('of a chat it guards its provider, and what it turns away is answered by the next one', () => {
    const throttle = throttleWith({ random: () => 0.4 });
    const asked: string[] = [];
    const provider = (name: string, chunks: Observable<ChatChunk>) => ({
      name,
      stream: () => {
        asked.push(name);
        return chunks;
      },
    });
    const refused = throwError(() => new ProviderError('No.', { kind: 'overloaded', provider: 'main' }));
    const chunks: ChatChunk[] = [
      { type: 'text', text: 'Hello' },
      { type: 'finish', reason: 'stop' },
    ];
    const answer = from(chunks);
    const assistant = new ResilientProvider({
      provider: provider('main', refused),
      fallbackProvider: provider('spare', answer),
      throttle,
      scheduler,
      events,
    });
    for (let call = 0; call < 2; call++) assistant.stream([{ role: 'user', content: 'Hi' }]).subscribe();
    expect(asked).toStrictEqual(['main', 'spare', 'spare']);
    expect([throttle.requests, throttle.accepts, throttle.rejectedCount]).toStrictEqual([2, 0, 1]);
  });
});

describe('a config', () => {
  it.each<[AdaptiveThrottleConfig, string]>([
    [{ multiplier: 0.9 }, 'option "multiplier" must be finite, and at least 1, got 0.9'],
    [{ multiplier: Number.NaN }, 'option "multiplier" must be a finite number, got NaN'],
    [{ window: 0 }, 'option "window" must be greater than 0, got 0'],
    [{ maxProbability: 1.1 }, 'option "maxProbability" must be at least 0 and at most 1, got 1.1'],
    [{ maxProbability: -0.1 }, 'option "maxProbability" must be at least 0 and at most 1, got -0.1'],
  ])('%o is refused when the operator is made', (config, message) => {
    expect(() => adaptiveThrottle(config)).toThrow(new ConfigurationError(`AdaptiveThrottle: ${message}`));
  });

  it('makes one throttle for all subscriptions through the operator', () => {
    const operator = adaptiveThrottle({ scheduler, events, random: () => 0.4 });
    const failing = throwError(() => busy).pipe(operator);
    const names: unknown[] = [];
    for (let request = 0; request < 2; request++)
      failing.subscribe({ error: ({ name }) => names.push(name) });
    expect(names).toStrictEqual(['Error', 'ThrottledError']);
  });

  it('lets the values keep their type', () => {
    const operator = adaptiveThrottle();
    expectTypeOf(of(1).pipe(operator)).toEqualTypeOf<Observable<number>>();
    expectTypeOf(of('a').pipe(operator)).toEqualTypeOf<Observable<string>>();
  });
});

it('adds up under whatever happens, and the probability stays one', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom('accept', 'refuse', 'cancel', 'break') }),
    fc.record({ kind: fc.constant('wait'), for: fc.nat(300) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), (steps, seed) => {
      const time = new ManualScheduler();
      const throttle = new AdaptiveThrottle({
        scheduler: time,
        events,
        window: 500,
        random: seededRandom(seed),
      });
      const known: { at: number; accepted: boolean }[] = [];
      for (const it of steps) {
        if (it.kind === 'wait') {
          time.advanceTo(time.now() + ('for' in it ? it.for : 0));
          continue;
        }
        const lease = throttle.admit();
        const at = time.now();
        if (lease instanceof Error) known.push({ at, accepted: false });
        else if (it.kind === 'accept') {
          lease.success();
          known.push({ at, accepted: true });
        } else if (it.kind === 'refuse') {
          lease.failure(busy);
          known.push({ at, accepted: false });
        } else if (it.kind === 'cancel') lease.neutral();
        else lease.failure(new Error('broken'));
        // A slice is a tenth of the window.
        const since = (Math.floor(time.now() / 50) - 9) * 50;
        const recent = known.filter(({ at }) => at >= since);
        expect([throttle.requests, throttle.accepts]).toStrictEqual([
          recent.length,
          recent.filter(({ accepted }) => accepted).length,
        ]);
        expect(throttle.probability).toBeGreaterThanOrEqual(0);
        expect(throttle.probability).toBeLessThanOrEqual(0.95);
      }
      expect(time.pending).toBe(0);
    }),
    { numRuns: 300 },
  );
});
