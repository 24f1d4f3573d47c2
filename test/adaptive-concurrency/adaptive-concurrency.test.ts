import fc from 'fast-check';
import { EMPTY, NEVER, Observable, of, Subject, type Subscription, throwError } from 'rxjs';
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import {
  AdaptiveConcurrency,
  type AdaptiveConcurrencyConfig,
  adaptiveConcurrency,
  aimd,
  bulkhead,
  type ChatChunk,
  CircuitBreaker,
  ConfigurationError,
  circuitBreaker,
  EventBus,
  type EventData,
  gradient,
  isBulkheadRejectedError,
  type LimitAlgorithm,
  type LimitSample,
  ProviderError,
  ResilientProvider,
  resilience,
} from '../../src/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const busy = Object.assign(new Error('busy'), { status: 429 });

let scheduler: ManualScheduler;
let events: EventBus;
beforeEach(() => {
  scheduler = new ManualScheduler();
  events = new EventBus();
});
const limiterWith = (config: AdaptiveConcurrencyConfig = {}): AdaptiveConcurrency =>
  new AdaptiveConcurrency({ algorithm: 'aimd', scheduler, events, ...config });

/** An algorithm that writes down what it hears, and changes nothing unless told. */
function recorder(): LimitAlgorithm & {
  readonly heard: (LimitSample | 'drop')[];
  decision: string | undefined;
} {
  const heard: (LimitSample | 'drop')[] = [];
  const algorithm = {
    heard,
    decision: undefined as string | undefined,
    begin: ({ initialLimit }: { initialLimit: number }) => ({
      limit: initialLimit,
      sampled: (sample: LimitSample) => {
        heard.push(sample);
        return algorithm.decision;
      },
      dropped: () => {
        heard.push('drop');
        return algorithm.decision;
      },
    }),
  };
  return algorithm;
}

describe('what the algorithm hears', () => {
  it('is the time from the start to the first value, and how many were in flight', () => {
    const algorithm = recorder();
    const limiter = limiterWith({ algorithm, initialLimit: 2 });
    const sources = [new Subject<number>(), new Subject<number>(), new Subject<number>()];
    for (const source of sources) source.pipe(adaptiveConcurrency(limiter)).subscribe();
    scheduler.advanceTo(100);
    sources[0]!.next(1);
    sources[0]!.next(2);
    scheduler.advanceTo(130);
    sources[0]!.complete();
    // The third has waited in line until now, and that is not the service's doing.
    scheduler.advanceTo(150);
    sources[2]!.next(1);
    expect(algorithm.heard).toStrictEqual([
      { latency: 100, inFlight: 1 },
      { latency: 20, inFlight: 2 },
    ]);
  });

  it('of a stream without a value is the time to its end', () => {
    const algorithm = recorder();
    const limiter = limiterWith({ algorithm });
    const source = new Subject();
    source.pipe(adaptiveConcurrency(limiter)).subscribe();
    scheduler.advanceTo(70);
    source.complete();
    expect(algorithm.heard).toStrictEqual([{ latency: 70, inFlight: 1 }]);
  });

  it.each<[string, Observable<unknown>]>([
    ['an error that says nothing of the load', throwError(() => new Error('broken'))],
    ['a mistake of the caller', throwError(() => ({ status: 400 }))],
    ['a used-up account', throwError(() => ({ kind: 'quota', status: 429 }))],
    ['a refusal by another policy', throwError(() => new Error('x')).pipe(open())],
    ['a cancel', NEVER],
  ])('of %s is nothing', (_, source) => {
    const algorithm = recorder();
    const limiter = limiterWith({ algorithm });
    source
      .pipe(adaptiveConcurrency(limiter))
      .subscribe({ error() {} })
      .unsubscribe();
    expect([algorithm.heard, limiter.activeCount]).toStrictEqual([[], 0]);
  });

  function open() {
    const breaker = new CircuitBreaker({ scheduler: new ManualScheduler(), events: new EventBus() });
    breaker.forceOpen();
    return circuitBreaker(breaker);
  }

  it('of an answer that breaks off for too much load is both', () => {
    const algorithm = recorder();
    const stream = new Observable((subscriber) => {
      subscriber.next(1);
      subscriber.error({ kind: 'overloaded' });
    });
    stream.pipe(adaptiveConcurrency(limiterWith({ algorithm }))).subscribe({ error() {} });
    expect(algorithm.heard).toStrictEqual([{ latency: 0, inFlight: 1 }, 'drop']);
  });

  it('is only what started after its last decision', () => {
    const algorithm = recorder();
    const limiter = limiterWith({ algorithm });
    const [early, decisive, justBefore, late] = Array.from({ length: 4 }, () => new Subject());
    for (const source of [early!, decisive!, justBefore!])
      source.pipe(adaptiveConcurrency(limiter)).subscribe();
    algorithm.decision = 'growth';
    decisive!.next(1);
    algorithm.decision = undefined;
    late!.pipe(adaptiveConcurrency(limiter)).subscribe();
    for (const source of [early!, justBefore!, late!]) source.next(1);
    expect(algorithm.heard).toStrictEqual([
      { latency: 0, inFlight: 2 },
      { latency: 0, inFlight: 4 },
    ]);
  });

  it('also a drop of what started before a decision that has changed nothing', () => {
    const limiter = limiterWith({ initialLimit: 2, maxLimit: 2 });
    const changes: unknown[] = [];
    events.on('concurrency_limit_changed').subscribe(({ data }) => changes.push(data));
    const [early, decisive] = [new Subject(), new Subject()];
    for (const source of [early, decisive])
      source.pipe(adaptiveConcurrency(limiter)).subscribe({ error() {} });
    decisive.next(1);
    expect([limiter.limit, changes]).toStrictEqual([2, []]);
    early.error(busy);
    expect([limiter.limit, changes]).toStrictEqual([1, [{ from: 2, to: 1, reason: 'drop' }]]);
  });

  it('and no drop where there is no error to ask about', () => {
    const algorithm = recorder();
    const limiter = limiterWith({ algorithm, classify: () => 'drop' });
    EMPTY.pipe(adaptiveConcurrency(limiter)).subscribe();
    NEVER.pipe(adaptiveConcurrency(limiter)).subscribe().unsubscribe();
    expect(algorithm.heard).toStrictEqual([{ latency: 0, inFlight: 1 }]);
  });

  it('also a drop of what started before the limit rose, for then it is too high all the more', () => {
    const limiter = limiterWith({ initialLimit: 20 });
    const early = new Subject();
    const streams = Array.from({ length: 20 }, () => new Subject());
    for (const stream of [...streams.slice(1), early])
      stream.pipe(adaptiveConcurrency(limiter)).subscribe({ error() {} });
    streams[19]!.next(1);
    expect(limiter.limit).toBe(21);
    early.error(busy);
    expect(limiter.limit).toBe(18);
    // But not one that started before it fell.
    streams[1]!.error(busy);
    expect(limiter.limit).toBe(18);
  });
});

describe('a limit that moves', () => {
  it('lets in who waits when it rises, and announces it with a reason', () => {
    const limiter = limiterWith({ name: 'model', initialLimit: 1 });
    const changes: EventData<'concurrency_limit_changed'>[] = [];
    events.on('concurrency_limit_changed').subscribe(({ source, data }) => {
      expect(source).toBe('model');
      changes.push(data);
    });
    const first = new Subject();
    const states: string[] = [];
    limiter.state$.subscribe(({ activeCount, queueSize }) => states.push(`${activeCount}+${queueSize}`));
    first.pipe(adaptiveConcurrency(limiter)).subscribe();
    NEVER.pipe(adaptiveConcurrency(limiter)).subscribe();
    first.next(1);
    expect([limiter.limit, limiter.activeCount, limiter.queueSize]).toStrictEqual([2, 2, 0]);
    expect(changes).toStrictEqual([{ from: 1, to: 2, reason: 'growth' }]);
    expect(states).toStrictEqual(['0+0', '1+0', '1+1', '2+0']);
  });

  it('has moved when a listener hears of it, who may ask for a place there and then', () => {
    const limiter = limiterWith({ initialLimit: 1 });
    const seen: number[] = [];
    events.on('concurrency_limit_changed').subscribe(() => {
      NEVER.pipe(adaptiveConcurrency(limiter)).subscribe();
      seen.push(limiter.limit, limiter.activeCount, limiter.queueSize);
    });
    const first = new Subject();
    first.pipe(adaptiveConcurrency(limiter)).subscribe();
    NEVER.pipe(adaptiveConcurrency(limiter)).subscribe();
    first.next(1);
    // Nobody overtakes who waits.
    expect(seen).toStrictEqual([2, 1, 2]);
    expect([limiter.activeCount, limiter.queueSize]).toStrictEqual([2, 1]);
  });

  it('takes nobody’s place away when it falls, and lets nobody in until there is room', () => {
    const limiter = limiterWith({ algorithm: aimd({ backoffRatio: 0.5 }), initialLimit: 4 });
    const streams = Array.from({ length: 5 }, () => new Subject());
    for (const stream of streams) stream.pipe(adaptiveConcurrency(limiter)).subscribe({ error() {} });
    expect([limiter.activeCount, limiter.queueSize]).toStrictEqual([4, 1]);
    streams[0]!.error(busy);
    expect([limiter.limit, limiter.activeCount, limiter.queueSize]).toStrictEqual([2, 3, 1]);
    streams[1]!.complete();
    expect([limiter.activeCount, limiter.queueSize]).toStrictEqual([2, 1]);
    streams[2]!.complete();
    expect([limiter.activeCount, limiter.queueSize]).toStrictEqual([2, 0]);
  });

  it('is set before the place of a refused attempt is given to somebody else', () => {
    const limiter = limiterWith({ algorithm: aimd({ backoffRatio: 0.5 }), initialLimit: 2 });
    const streams = Array.from({ length: 3 }, () => new Subject());
    for (const stream of streams) stream.pipe(adaptiveConcurrency(limiter)).subscribe({ error() {} });
    streams[0]!.error(busy);
    expect([limiter.activeCount, limiter.queueSize]).toStrictEqual([1, 1]);
  });

  it('is settled before downstream hears of the end', () => {
    const limiter = limiterWith({ initialLimit: 10 });
    const seen: number[] = [];
    throwError(() => busy)
      .pipe(adaptiveConcurrency(limiter))
      .subscribe({ error: () => seen.push(limiter.limit, limiter.activeCount) });
    expect(seen).toStrictEqual([9, 0]);
  });

  it('serves the more urgent first, and refuses as a bulkhead does', () => {
    const limiter = limiterWith({ initialLimit: 1, maxQueue: 2, queueTimeout: 50, name: 'model' });
    const order: string[] = [];
    const held = NEVER.pipe(adaptiveConcurrency(limiter)).subscribe();
    const wait = (name: string, priority: number): Subscription =>
      new Observable(() => void order.push(name))
        .pipe(adaptiveConcurrency(limiter, { priority }))
        .subscribe({ error: (error: unknown) => order.push(`${name} ${isBulkheadRejectedError(error)}`) });
    wait('batch', 0);
    wait('person', 1);
    wait('late', 0);
    held.unsubscribe();
    expect(order).toStrictEqual(['late true', 'person']);
    scheduler.advanceTo(50);
    expect(order).toStrictEqual(['late true', 'person', 'batch true']);
    expect(limiter.rejectedCount).toBe(2);
  });

  it('serves code without a stream', async () => {
    const limiter = limiterWith({ initialLimit: 1 });
    {
      using lease = await limiter.acquire();
      scheduler.advanceTo(10);
      lease.firstValue();
      expect([limiter.limit, limiter.activeCount]).toStrictEqual([2, 1]);
      lease.success();
    }
    const lease = await limiter.acquire();
    lease.failure(busy);
    expect([limiter.limit, limiter.activeCount]).toStrictEqual([1, 0]);
  });
});

describe('a user’s function that throws', () => {
  const thrower = (): never => {
    throw new Error('thrown');
  };
  it.each<[string, AdaptiveConcurrencyConfig, Observable<unknown>]>([
    ['classify', { classify: thrower }, throwError(() => busy)],
    ['commitOn', { commitOn: thrower }, of(1)],
    [
      'an algorithm',
      { algorithm: { begin: () => ({ limit: 5, sampled: thrower, dropped: thrower }) } },
      of(1),
    ],
    [
      'an algorithm at the end',
      { algorithm: { begin: () => ({ limit: 5, sampled: thrower, dropped: thrower }) } },
      EMPTY,
    ],
  ])('%s ends the stream with what it threw, and loses no place', (_, config, source) => {
    const limiter = limiterWith(config);
    const errors: unknown[] = [];
    source.pipe(adaptiveConcurrency(limiter)).subscribe({ error: ({ message }) => errors.push(message) });
    expect([errors, limiter.activeCount]).toStrictEqual([['thrown'], 0]);
  });
});

describe('in place of a bulkhead', () => {
  it('resilience() takes it', () => {
    const limiter = limiterWith({ initialLimit: 1, maxQueue: 0 });
    const guarded = resilience({ bulkhead: limiter, scheduler, events });
    const held = NEVER.pipe(guarded).subscribe();
    const errors: unknown[] = [];
    NEVER.pipe(guarded).subscribe({ error: ({ name }) => errors.push(name) });
    expect(errors).toStrictEqual(['BulkheadRejectedError']);
    held.unsubscribe();
    expect(limiter.activeCount).toBe(0);
    expect(() => resilience({ bulkhead: 3 as never })).toThrow(
      'must be a Bulkhead or an AdaptiveConcurrency',
    );
    expectTypeOf(of(1).pipe(guarded)).toEqualTypeOf<Observable<number>>();
  });

  it('so does bulkhead()', () => {
    const limiter = limiterWith({ initialLimit: 1 });
    NEVER.pipe(bulkhead(limiter)).subscribe();
    expect(limiter.activeCount).toBe(1);
  });

  it('in a chat the first content is what counts, not what comes before', () => {
    const algorithm = recorder();
    const limiter = limiterWith({ algorithm });
    const provider = new ResilientProvider({
      bulkhead: limiter,
      scheduler,
      events,
      provider: {
        name: 'model',
        stream: () =>
          new Observable<ChatChunk>((subscriber) => {
            subscriber.add(scheduler.schedule(() => subscriber.next({ type: 'text', text: '' }), 10));
            subscriber.add(
              scheduler.schedule(
                () => subscriber.next({ type: 'tool-call', index: 0, name: 'look', arguments: '' }),
                20,
              ),
            );
            subscriber.add(scheduler.schedule(() => subscriber.next({ type: 'text', text: 'Hello' }), 300));
            subscriber.add(
              scheduler.schedule(() => {
                subscriber.next({ type: 'finish', reason: 'stop' });
                subscriber.complete();
              }, 900),
            );
          }),
      },
    });
    provider.stream([{ role: 'user', content: 'Hi' }]).subscribe({ error() {} });
    scheduler.advanceTo(2_000);
    expect(algorithm.heard).toStrictEqual([{ latency: 300, inFlight: 1 }]);
    expect(limiter.activeCount).toBe(0);
  });

  it('a chat that is refused by its provider lowers the limit', () => {
    const limiter = limiterWith({ initialLimit: 10 });
    const provider = new ResilientProvider({
      bulkhead: limiter,
      scheduler,
      events,
      provider: {
        name: 'model',
        stream: () => throwError(() => new ProviderError('No.', { kind: 'overloaded', provider: 'model' })),
      },
    });
    provider.stream([{ role: 'user', content: 'Hi' }]).subscribe({ error() {} });
    expect(limiter.limit).toBe(9);
  });
});

describe('a config', () => {
  it.each<[AdaptiveConcurrencyConfig, string]>([
    [{ initialLimit: 0 }, 'option "initialLimit" must be a whole number of at least 1, got 0'],
    [{ minLimit: 5, maxLimit: 4 }, 'option "minLimit" must not be greater than "maxLimit", got 5'],
    [
      { initialLimit: 3, minLimit: 5 },
      'option "initialLimit" must be between "minLimit" (default 1) and "maxLimit" (default 200), got 3',
    ],
    [
      { algorithm: 'vegas' as never },
      'option "algorithm" must be gradient or aimd, or an algorithm such as aimd(), got "vegas"',
    ],
    [
      { queueTimeout: 0 },
      'option "queueTimeout" must be a duration in milliseconds greater than 0 (Infinity means none), got 0',
    ],
  ])('%o is refused when the operator is made', (config, message) => {
    expect(() => adaptiveConcurrency(config)).toThrow(ConfigurationError);
    expect(() => adaptiveConcurrency(config)).toThrow(message);
  });

  it.each([
    [
      'aimd',
      () => aimd({ backoffRatio: 1 }),
      'aimd: option "backoffRatio" must be at least 0.5 and less than 1, got 1',
    ],
    [
      'aimd',
      () => aimd({ backoffRatio: 0.4 }),
      'aimd: option "backoffRatio" must be at least 0.5 and less than 1, got 0.4',
    ],
    ['aimd', () => aimd({ maxLatency: 0 }), 'aimd: option "maxLatency"'],
    [
      'gradient',
      () => gradient({ tolerance: 0.9 }),
      'gradient: option "tolerance" must be finite, and at least 1, got 0.9',
    ],
    [
      'gradient',
      () => gradient({ window: 0 }),
      'gradient: option "window" must be a whole number of at least 1, got 0',
    ],
    [
      'gradient',
      () => gradient({ smoothing: 0 }),
      'gradient: option "smoothing" must be greater than 0 and at most 1, got 0',
    ],
  ])('%s refuses what makes no sense', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('has its first limit within its bounds', () => {
    expect(limiterWith().limit).toBe(10);
    expect(limiterWith({ maxLimit: 4 }).limit).toBe(4);
    expect(limiterWith({ minLimit: 30 }).limit).toBe(30);
  });

  it('of an operator makes one limiter for all its subscriptions', () => {
    const operator = adaptiveConcurrency({
      algorithm: 'aimd',
      initialLimit: 1,
      maxQueue: 0,
      scheduler,
      events,
    });
    const errors: unknown[] = [];
    for (let count = 0; count < 2; count++)
      NEVER.pipe(operator).subscribe({ error: (error) => errors.push(isBulkheadRejectedError(error)) });
    expect(errors).toStrictEqual([true]);
    expectTypeOf(of('a').pipe(operator)).toEqualTypeOf<Observable<string>>();
  });

  it('an algorithm keeps no state of its own, so two limiters can have the same', () => {
    const algorithm = aimd();
    const [one, other] = [limiterWith({ algorithm }), limiterWith({ algorithm })];
    throwError(() => busy)
      .pipe(adaptiveConcurrency(one))
      .subscribe({ error() {} });
    expect([one.limit, other.limit]).toStrictEqual([9, 10]);
  });
});

it('no lease, no waiter and no timer is left, and never more than the limit start', () => {
  const fate = fc.record({
    at: fc.nat(60),
    firstAfter: fc.nat(20),
    endAfter: fc.nat(20),
    end: fc.constantFrom('complete', 'busy', 'broken', 'silence'),
    cancelAfter: fc.option(fc.nat(60), { nil: undefined }),
    priority: fc.nat(2),
    again: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(fate, { minLength: 1, maxLength: 25 }),
      fc.constantFrom<LimitAlgorithm>(aimd({ backoffRatio: 0.5, maxLatency: 15 }), gradient({ window: 2 })),
      (crowd, algorithm) => {
        const time = new ManualScheduler();
        const limiter = new AdaptiveConcurrency({
          algorithm,
          initialLimit: 3,
          maxLimit: 8,
          maxQueue: 6,
          queueTimeout: 25,
          scheduler: time,
          events,
        });
        let [running, trespasses] = [0, 0];
        const subscriptions: Subscription[] = [];
        const attend = ({
          firstAfter,
          endAfter,
          end,
          cancelAfter,
          priority,
          again,
        }: (typeof crowd)[number]): void => {
          const source = new Observable<number>((subscriber) => {
            running++;
            // A limit that has fallen takes nobody's place away: only who starts has to find it respected.
            if (limiter.activeCount > limiter.limit) trespasses++;
            subscriber.add(() => running--);
            const step = (after: number, task: () => void) => {
              if (after === 0) task();
              else subscriber.add(time.schedule(task, after));
            };
            step(firstAfter, () => {
              subscriber.next(1);
              step(endAfter, () => {
                if (end === 'complete') subscriber.complete();
                else if (end !== 'silence') subscriber.error(end === 'busy' ? busy : new Error('broken'));
              });
            });
          });
          const next = (): void => {
            if (again) attend({ firstAfter, endAfter, end, cancelAfter, priority, at: 0, again: false });
          };
          const subscription = source
            .pipe(adaptiveConcurrency(limiter, { priority }))
            .subscribe({ error: next, complete: next });
          subscriptions.push(subscription);
          if (cancelAfter !== undefined) time.schedule(() => subscription.unsubscribe(), cancelAfter);
        };
        for (const it of crowd) time.schedule(() => attend(it), it.at);
        time.advanceTo(500);
        for (const subscription of subscriptions) subscription.unsubscribe();
        expect([trespasses, running, limiter.activeCount, limiter.queueSize, time.pending]).toStrictEqual([
          0, 0, 0, 0, 0,
        ]);
      },
    ),
    { numRuns: 500 },
  );
});
