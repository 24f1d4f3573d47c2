import fc from 'fast-check';
import {
  config,
  EMPTY,
  merge,
  NEVER,
  Observable,
  type OperatorFunction,
  of,
  range,
  Subject,
  Subscriber,
  Subscription,
  take,
  throwError,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, StreamTimeoutError, type TimeoutKind } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { type TimeoutConfig, timeout } from '../../src/timeout/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import { times } from '../support/property-runs.ts';

/** What a consumer hears, with the time at which it hears it. */
function listen<T>(stream: Observable<T>, scheduler: ManualScheduler): unknown[] {
  const heard: unknown[] = [];
  const note = (what: unknown): void => void heard.push([scheduler.now(), what]);
  stream.subscribe({
    next: note,
    error: (error) => note(error instanceof StreamTimeoutError ? `${error.kind} ${error.after}` : error),
    complete: () => note('complete'),
  });
  return heard;
}

describe('configuration', () => {
  it.each<[number | TimeoutConfig, RegExp]>([
    [0, /"total" must be a duration .* greater than 0 \(Infinity means none\), got 0/],
    [-1, /"total".*got -1/],
    [Number.NaN, /"total".*got NaN/],
    [{ first: 0 }, /"first".*got 0/],
    [{ each: -5 }, /"each".*got -5/],
    [{ each: '5s' as unknown as number }, /"each".*got "5s"/],
    [{}, /must set at least one of "first", "each" and "total"/],
    [{ commitOn: () => true }, /must set at least one of/],
    [{ first: 11, total: 10 }, /"first" must not be longer than "total".*got 11/],
    [{ each: 11, total: 10 }, /"each" must not be longer than "total".*got 11/],
    [{ total: 1, with: 'x' as unknown as () => [] }, /"with" must be a function, got "x"/],
    [{ total: 1, last: 2 } as TimeoutConfig, /unknown option "last"/],
    ['5s' as unknown as number, /"total" must be a duration in milliseconds.*got "5s"/],
    [null as unknown as number, /config must be an object, got null/],
  ])('%o is refused by name and value when the operator is made', (limits, message) => {
    expect(() => timeout(limits)).toThrow(message);
    expect(() => timeout(limits)).toThrow(ConfigurationError);
  });

  it('Infinity means none, and then there is no timer', () => {
    const scheduler = new ManualScheduler();
    NEVER.pipe(timeout({ first: Infinity, each: Infinity, total: Infinity, scheduler })).subscribe();
    expect(scheduler.pending).toBe(0);
  });
});

describe('the clocks', () => {
  it('a number is the total, however busy the stream', () => {
    vi.useFakeTimers();
    const errors: StreamTimeoutError[] = [];
    const source = new Observable<number>(() => {
      const interval = setInterval(() => {}, 20);
      return () => clearInterval(interval);
    });
    source.pipe(timeout(50)).subscribe({ error: (error) => errors.push(error) });
    vi.advanceTimersByTime(49);
    expect(errors).toStrictEqual([]);
    vi.advanceTimersByTime(1);
    expect(errors.map(({ kind, after }) => [kind, after])).toStrictEqual([['total', 50]]);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('with 20 ms between the values, a total of 50 ms fails at 50 ms', () => {
    const scheduler = new ManualScheduler();
    const source = new Subject<number>();
    for (const at of [20, 40, 60]) scheduler.schedule(() => source.next(at), at);
    const heard = listen(source.pipe(timeout({ total: 50, scheduler })), scheduler);
    scheduler.advanceTo(100);
    expect(heard).toStrictEqual([
      [20, 20],
      [40, 40],
      [50, 'total 50'],
    ]);
  });

  it.each<[string, TimeoutConfig<string>, Record<number, string>, number, string]>([
    ['first waits for the first value', { first: 10 }, {}, 10, 'first 10'],
    ['first is content with one value', { first: 10, total: 50 }, { 5: 'a' }, 50, 'total 50'],
    ['each bounds the wait for the first value too', { each: 10 }, {}, 10, 'each 10'],
    ['each counts from the last value', { each: 10 }, { 5: 'a', 12: 'b' }, 22, 'each 10'],
    ['with first, each waits for the first value', { first: 30, each: 10 }, { 25: 'a' }, 35, 'each 10'],
    ['each shorter than first ends soon after it', { first: 100, each: 5 }, { 3: 'a' }, 8, 'each 5'],
    ['each longer than first is not cut short', { first: 5, each: 50 }, { 3: 'a' }, 53, 'each 50'],
    ['a ping does not commit', { first: 10, commitOn: (v) => v !== 'ping' }, { 5: 'ping' }, 10, 'first 10'],
    [
      'but ends a gap, and begins one',
      { first: 30, each: 6, commitOn: (v) => v !== 'ping' },
      { 8: 'ping', 13: 'ping' },
      19,
      'each 6',
    ],
    [
      'pings in time do not help the first value',
      { first: 10, each: 6, commitOn: (v) => v !== 'ping' },
      { 4: 'ping', 8: 'ping' },
      10,
      'first 10',
    ],
    [
      'of two that run out together the more telling one speaks',
      { first: 10, total: 10 },
      {},
      10,
      'first 10',
    ],
    ['and so it is with each', { each: 10, total: 10 }, {}, 10, 'each 10'],
    [
      'what arrives at the very moment is in time',
      { first: 10, each: 10 },
      { 10: 'a', 20: 'b' },
      30,
      'each 10',
    ],
    ['the same without first', { each: 10 }, { 10: 'a', 20: 'b' }, 30, 'each 10'],
  ])('%s', (_, config, values, at, verdict) => {
    const scheduler = new ManualScheduler();
    const source = new Observable<string>((subscriber) => {
      for (const [time, value] of Object.entries(values)) {
        scheduler.schedule(() => subscriber.next(value), Number(time));
      }
    });
    const heard = listen(source.pipe(timeout({ ...config, scheduler })), scheduler);
    scheduler.advanceTo(1_000);
    expect(heard).toStrictEqual([
      ...Object.entries(values).map(([time, value]) => [Number(time), value]),
      [at, verdict],
    ]);
    expect(scheduler.pending).toBe(0);
  });

  it('the end at the very moment of the limit is in time', () => {
    const scheduler = new ManualScheduler();
    const source = new Observable((subscriber) => void scheduler.schedule(() => subscriber.complete(), 10));
    const heard = listen(source.pipe(timeout({ total: 10, scheduler })), scheduler);
    scheduler.advanceTo(20);
    expect(heard).toStrictEqual([[10, 'complete']]);
  });

  it('start with every subscription anew', () => {
    const scheduler = new ManualScheduler();
    const stream = NEVER.pipe(timeout({ total: 10, scheduler }));
    const early = listen(stream, scheduler);
    scheduler.advanceTo(6);
    const late = listen(stream, scheduler);
    scheduler.advanceTo(20);
    expect([early, late]).toStrictEqual([[[10, 'total 10']], [[16, 'total 10']]]);
  });

  it('limits beyond 2^31-1 ms do not fire early', () => {
    vi.useFakeTimers();
    const errors: unknown[] = [];
    NEVER.pipe(timeout(2 ** 31 + 1_000)).subscribe({ error: (error) => errors.push(error) });
    vi.advanceTimersByTime(2 ** 31);
    expect(errors).toStrictEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(errors.length).toBe(1);
    vi.useRealTimers();
  });
});

describe('timers', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    // First the spy that stands before the fake.
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  const all = { first: 10, each: 10, total: 10_000 };
  const open = <T>(source: Observable<T>, config: TimeoutConfig<T> = all): Subscription =>
    source.pipe(timeout(config)).subscribe({ error: () => {} });

  it('a synchronous source needs none', () => {
    const armed = vi.spyOn(globalThis, 'setTimeout');
    open(range(0, 1_000));
    open(EMPTY);
    open(throwError(() => new Error('broken')));
    expect(armed).not.toHaveBeenCalled();
  });

  it('there is one for all clocks, and none a value', () => {
    const armed = vi.spyOn(globalThis, 'setTimeout');
    const source = new Subject<number>();
    open(source);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(5);
    for (let value = 0; value < 1_000; value++) source.next(value);
    expect(vi.getTimerCount()).toBe(1);
    // `each` took over from `first`, and ends later than the timer will look again.
    expect(armed).toHaveBeenCalledTimes(1);
    source.complete();
  });

  it('there is none where no limit is left', () => {
    const source = new Subject<number>();
    open(source, { first: 1_000 });
    expect(vi.getTimerCount()).toBe(1);
    source.next(1);
    expect(vi.getTimerCount()).toBe(0);
    source.complete();
  });

  it('nor one a ping', () => {
    const armed = vi.spyOn(globalThis, 'setTimeout');
    const source = new Subject<number>();
    open(source, { first: 1_000, each: 100, commitOn: () => false });
    for (let ping = 0; ping < 90; ping++) {
      vi.advanceTimersByTime(1);
      source.next(ping);
    }
    // One at the start, and one when the first ping made a gap possible.
    expect(armed).toHaveBeenCalledTimes(2);
    source.complete();
  });

  it.each<[string, (source: Subject<number>, subscription: Subscription) => void]>([
    ['complete', (source) => source.complete()],
    ['error', (source) => source.error(new Error('broken'))],
    ['unsubscribe', (_, subscription) => subscription.unsubscribe()],
    ['timeout', () => vi.advanceTimersByTime(11)],
  ])('none is left after: %s', (_, end) => {
    const source = new Subject<number>();
    const subscription = open(source);
    end(source, subscription);
    expect([vi.getTimerCount(), source.observed]).toStrictEqual([0, false]);
  });

  it('none is left after unsubscribing inside next, before and after the first value', () => {
    const source = new Subject<number>();
    source.pipe(timeout(all), take(1)).subscribe();
    source.pipe(timeout(all), take(2)).subscribe();
    source.next(1);
    expect(vi.getTimerCount()).toBe(1);
    source.next(2);
    expect([vi.getTimerCount(), source.observed]).toStrictEqual([0, false]);
  });

  it('none is left after commitOn threw, and what it threw is the error', () => {
    const source = new Subject<number>();
    const errors: unknown[] = [];
    const commitOn = (): boolean => {
      throw new Error('commitOn');
    };
    source.pipe(timeout({ first: 10, commitOn })).subscribe({
      error: (error) => errors.push([error.message, source.observed]),
    });
    source.next(1);
    expect([errors, vi.getTimerCount()]).toStrictEqual([[['commitOn', false]], 0]);
  });

  it('none is armed for a consumer that has already gone', () => {
    new Observable((subscriber) => {
      subscriber.complete();
      NEVER.pipe(timeout(10)).subscribe(subscriber);
    }).subscribe();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('and none is left when commitOn unsubscribes', () => {
    const source = new Subject<number>();
    const values: number[] = [];
    const subscription: Subscription = source
      .pipe(
        timeout({
          first: 10,
          commitOn() {
            subscription.unsubscribe();
            return true;
          },
        }),
      )
      .subscribe((value) => values.push(value));
    expect(() => source.next(1)).not.toThrow();
    expect([values, vi.getTimerCount()]).toStrictEqual([[], 0]);
  });
});

describe('when a clock runs out', () => {
  it('the source stops before anybody hears of it', () => {
    const scheduler = new ManualScheduler();
    const events = new EventBus();
    const order: string[] = [];
    const source = new Observable(() => () => order.push('source stopped'));
    events
      .on('timed_out')
      .subscribe(({ source, data }) => order.push(`event of ${source}: ${data.kind} ${data.after}`));
    source
      .pipe(timeout({ name: 'answer', first: 10, scheduler, events }))
      .subscribe({ error: ({ message }) => order.push(message) });
    scheduler.advanceTo(10);
    expect(order).toStrictEqual([
      'source stopped',
      'event of answer: first 10',
      'Timeout "answer": the stream gave no first value within 10 ms (first).',
    ]);
  });

  it.each<[string, OperatorFunction<unknown, unknown>, unknown]>([
    [
      'with answers',
      timeout({ total: 10, with: ({ kind, after }) => of(kind, after) }),
      ['total', 10, 'complete'],
    ],
    ['with may answer by an array', timeout({ total: 10, with: () => ['a'] }), ['a', 'complete']],
    [
      'what with throws is the error',
      timeout({
        total: 10,
        with() {
          throw 'thrown';
        },
      }),
      ['thrown'],
    ],
    [
      'an answer that is no stream is the error',
      timeout({ total: 10, with: () => 5 as unknown as [] }),
      [expect.any(TypeError)],
    ],
  ])('%s', (_, operator, expected) => {
    vi.useFakeTimers();
    const heard: unknown[] = [];
    NEVER.pipe(operator).subscribe({
      next: (value) => heard.push(value),
      error: (error) => heard.push(error),
      complete: () => heard.push('complete'),
    });
    vi.advanceTimersByTime(10);
    expect([heard, vi.getTimerCount()]).toStrictEqual([expected, 0]);
    vi.useRealTimers();
  });

  it('the answer of with is not timed, and stops when downstream unsubscribes', () => {
    const scheduler = new ManualScheduler();
    const answer = new Subject<string>();
    const heard: unknown[] = [];
    const subscription = NEVER.pipe(timeout({ each: 5, total: 10, with: () => answer, scheduler })).subscribe(
      {
        next: (value) => heard.push(value),
        error: (error) => heard.push(error),
      },
    );
    scheduler.advanceTo(100);
    answer.next('late');
    expect([heard, answer.observed, scheduler.pending]).toStrictEqual([['late'], true, 0]);
    subscription.unsubscribe();
    expect(answer.observed).toBe(false);
  });

  it.each(['source', 'listener'])('whoever is told first may cancel, and then nothing follows: %s', (who) => {
    const scheduler = new ManualScheduler();
    const events = new EventBus();
    const answered = vi.fn();
    const heard: unknown[] = [];
    const subscription = new Subscription();
    const source = new Observable(() => () => {
      if (who === 'source') subscription.unsubscribe();
    });
    let announced = 0;
    events.on('timed_out').subscribe(() => {
      announced++;
      subscription.unsubscribe();
    });
    subscription.add(
      source
        .pipe(timeout({ total: 10, scheduler, events, with: () => new Observable(answered) }))
        .subscribe({ error: (error) => heard.push(error) }),
    );
    scheduler.advanceTo(20);
    expect([heard, announced]).toStrictEqual([[], who === 'source' ? 0 : 1]);
    expect(answered).not.toHaveBeenCalled();
  });

  describe('a teardown that throws', () => {
    const reported: unknown[] = [];
    beforeEach(() => {
      config.onUnhandledError = ({ errors: [error] }) => reported.push((error as Error).message);
    });
    afterEach(() => {
      config.onUnhandledError = null;
      expect(reported.splice(0)).toStrictEqual(['teardown']);
    });
    const stubborn = new Observable<never>(() => () => {
      throw new Error('teardown');
    });

    it('does not hide that the time is over', () => {
      const scheduler = new ManualScheduler();
      const events = new EventBus();
      const heard: unknown[] = [];
      events.on('timed_out').subscribe(({ data }) => heard.push(data));
      stubborn
        .pipe(timeout({ total: 10, scheduler, events }))
        .subscribe({ error: ({ name }) => heard.push(name) });
      scheduler.advanceTo(10);
      expect(heard).toStrictEqual([{ kind: 'total', after: 10 }, 'StreamTimeoutError']);
    });

    it('does not keep from the answer', () => {
      const scheduler = new ManualScheduler();
      const values: unknown[] = [];
      stubborn
        .pipe(timeout({ total: 10, scheduler, with: () => of('late') }))
        .subscribe((value) => values.push(value));
      scheduler.advanceTo(10);
      expect(values).toStrictEqual(['late']);
    });

    it('when commitOn has thrown does not hide that', () => {
      const scheduler = new ManualScheduler();
      const errors: unknown[] = [];
      const trigger = new Subject<number>();
      const commitOn = (): boolean => {
        throw new Error('commitOn');
      };
      merge(trigger, stubborn)
        .pipe(timeout({ first: 10, commitOn, scheduler }))
        .subscribe({ error: ({ message }) => errors.push(message) });
      trigger.next(1);
      expect([errors, scheduler.pending]).toStrictEqual([['commitOn'], 0]);
    });
  });

  it('subscribes to nothing on behalf of those who have left', () => {
    const subscribed = vi.fn();
    const left = new Subscriber<unknown>();
    left.unsubscribe();
    new Observable(subscribed).pipe(timeout(10)).subscribe(left);
    expect(subscribed).not.toHaveBeenCalled();
  });

  it('a cancel at the same moment is no timeout', () => {
    const scheduler = new ManualScheduler();
    const events = new EventBus();
    const heard: unknown[] = [];
    events.subscribe((event) => heard.push(event));
    scheduler.schedule(() => subscription.unsubscribe(), 10);
    const subscription = NEVER.pipe(timeout({ total: 10, scheduler, events })).subscribe({
      error: (error) => heard.push(error),
    });
    scheduler.advanceTo(20);
    expect([heard, scheduler.pending]).toStrictEqual([[], 0]);
  });
});

it('a consumer that blocks the thread is not the silence of the source', async () => {
  const source = new Subject<number>();
  const heard: unknown[] = [];
  const block = (): void => {
    const end = performance.now() + 130;
    while (performance.now() < end);
  };
  source.pipe(timeout({ each: 250 })).subscribe({
    next(value) {
      heard.push(value);
      block();
    },
    error: ({ kind }) => heard.push(kind),
  });
  source.next(1);
  block();
  // The timer is overdue by now, but the gap has begun with the end of this turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  source.next(2);
  source.complete();
  expect(heard).toStrictEqual([1, 2]);
});

it('any script of values against any limits ends as a naive model says, and leaves no timer', () => {
  const limit = fc.constantFrom(3, 7, 12, Number.POSITIVE_INFINITY);
  const steps = fc.array(
    fc.record({
      gap: fc.nat(9),
      kind: fc.constantFrom('value', 'value', 'ping', 'complete', 'error', 'cancel'),
    }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(
      limit,
      limit,
      fc.constantFrom(12, 20, Number.POSITIVE_INFINITY),
      steps,
      (first, each, total, script) => {
        const scheduler = new ManualScheduler();
        fc.pre(first <= total && each <= total);
        const source = new Subject<string>();
        const seen: string[] = [];
        const stream = new Observable<string>((subscriber) => {
          const subscription = source.subscribe(subscriber);
          let at = 0;
          for (const { gap, kind } of script) {
            at += gap;
            const act = (): void => {
              if (subscriber.closed) return;
              if (kind === 'complete') subscriber.complete();
              else if (kind === 'error') subscriber.error('broken');
              else if (kind === 'cancel') consumer.unsubscribe();
              else subscriber.next(kind);
            };
            if (at === 0) act();
            else subscription.add(scheduler.schedule(act, at));
          }
          return subscription;
        });
        const consumer = new Subscriber<string>({
          next: (value) => seen.push(`${scheduler.now()} ${value}`),
          error: (error: unknown) =>
            seen.push(
              `${scheduler.now()} ${error instanceof StreamTimeoutError ? error.kind : String(error)}`,
            ),
          complete: () => seen.push(`${scheduler.now()} complete`),
        });
        const commitOn = (value: string): boolean => value === 'value';
        stream
          .pipe(timeout({ first, each, total, commitOn, scheduler, events: new EventBus() }))
          .subscribe(consumer);
        scheduler.advanceTo(500);
        expect(seen).toStrictEqual(naive({ first, each, total }, script));
        consumer.unsubscribe();
        expect([scheduler.pending, source.observed]).toStrictEqual([0, false]);
      },
    ),
    { numRuns: times(500) },
  );
});

/** What should be heard, computed from the rules alone. */
function naive(
  limits: Record<TimeoutKind, number>,
  script: readonly { gap: number; kind: string }[],
): string[] {
  const heard: string[] = [];
  let now = 0;
  let committed = false;
  let lastValue = limits.first === Number.POSITIVE_INFINITY ? 0 : Number.POSITIVE_INFINITY;
  for (const { gap, kind } of [...script, { gap: Number.POSITIVE_INFINITY, kind: 'silence' }]) {
    now += gap;
    const due: [TimeoutKind, number][] = [
      ['first', committed ? Number.POSITIVE_INFINITY : limits.first],
      ['each', lastValue + limits.each],
      ['total', limits.total],
    ];
    const [over] = due.toSorted((a, b) => a[1] - b[1]);
    if (over !== undefined && over[1] < now) return [...heard, `${over[1]} ${over[0]}`];
    if (kind === 'cancel' || kind === 'silence') return heard;
    heard.push(`${now} ${kind === 'error' ? 'broken' : kind}`);
    if (kind === 'complete' || kind === 'error') return heard;
    committed ||= kind === 'value';
    lastValue = now;
  }
  return heard;
}
