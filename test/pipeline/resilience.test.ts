import {
  catchError,
  concat,
  defer,
  NEVER,
  Observable,
  type OperatorFunction,
  of,
  range,
  Subject,
  take,
  throwError,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { isConfigurationError } from '../../src/core/errors.ts';
import { EventBus, getEventBus } from '../../src/core/event-bus.ts';
import { resilience } from '../../src/pipeline/index.ts';
import { RateLimiter } from '../../src/rate-limit/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';

const virtually = (test: (helpers: Parameters<Parameters<TestScheduler['run']>[0]>[0]) => void): void =>
  new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected)).run(test);

/** What the stream of `attempts` through the operator delivers. */
function outcomeOf<T>(operator: OperatorFunction<T, unknown>, source: Observable<T>): unknown[] {
  const log: unknown[] = [];
  source.pipe(operator).subscribe({
    next: (value) => log.push(value),
    error: (error) => log.push(error),
    complete: () => log.push('|'),
  });
  return log;
}

describe('resilience', () => {
  it('is the identity when it has no parts', () => {
    const source = of(1);
    expect(source.pipe(resilience({}))).toBe(source);
  });

  it('fuses the three admissions into one layer', () => {
    const source = new Observable(() => {});
    const guarded = resilience({ circuitBreaker: {}, rateLimit: {}, bulkhead: {}, events: new EventBus() })(
      source,
    );
    const subscribe = vi.spyOn(Observable.prototype, 'subscribe');
    onTestFinished(() => subscribe.mockRestore());
    guarded.subscribe();
    const [call, admission, ...rest] = subscribe.mock.contexts;
    expect([call, rest]).toStrictEqual([guarded, [source]]);
    expect(admission).toHaveProperty('counters.length', 3);
  });

  it('makes its objects once, when the operator is created', () => {
    virtually(({ flush }) => {
      const guarded = resilience({ circuitBreaker: { failureThreshold: 1 }, name: 'chat' });
      const failing = throwError(() => new Error('down'));
      outcomeOf(guarded, failing);
      const source = vi.fn(() => of(1));
      expect(outcomeOf(guarded, defer(source))).toMatchObject([
        { name: 'CircuitOpenError', circuit: 'chat' },
      ]);
      expect(source).not.toHaveBeenCalled();
      flush();
    });
  });

  it('uses the shared objects that it is given', () => {
    const circuitBreaker = new CircuitBreaker();
    const rateLimit = new RateLimiter({ requestsPerSecond: 1, burstSize: 2 });
    const bulkhead = new Bulkhead();
    const subscription = NEVER.pipe(resilience({ circuitBreaker, rateLimit, bulkhead })).subscribe();
    expect(circuitBreaker.stats.activeCount).toBe(1);
    expect(Math.round(rateLimit.available)).toBe(1);
    expect(bulkhead.activeCount).toBe(1);
    subscription.unsubscribe();
    expect(bulkhead.activeCount).toBe(0);
  });

  it('gives name and events to every plain config that has none of its own', () => {
    virtually(({ flush }) => {
      const events = new EventBus();
      const sources = new Map<string, string>();
      events.subscribe(({ type, source }) => sources.set(type, source));
      const guarded = resilience({
        name: 'chat',
        events,
        fallback: ['first', () => throwError(() => new Error('never'))],
        timeout: { total: 100, first: 5 },
        retry: { maxRetries: 1, backoff: fixedBackoff(1), name: 'patience' },
        circuitBreaker: { failureThreshold: 2 },
        rateLimit: { requestsPerSecond: 1, burstSize: 2, queueTimeout: 5 },
        bulkhead: { maxConcurrent: 1, maxQueue: 0 },
      });
      outcomeOf(guarded, NEVER);
      outcomeOf(guarded, NEVER);
      flush();
      expect(Object.fromEntries(sources)).toStrictEqual({
        bulkhead_rejected: 'chat',
        timed_out: 'chat',
        retry_attempted: 'patience',
        retry_exhausted: 'patience',
        circuit_opened: 'chat',
        circuit_half_open: 'chat',
        fallback_used: 'chat',
        call_started: 'chat',
        call_ended: 'chat',
      });
    });
  });

  it('takes an option that is undefined as one that is not given', () => {
    virtually(({ flush }) => {
      const mine = new EventBus();
      const others = vi.fn();
      const listening = getEventBus().subscribe(others);
      const told: string[] = [];
      mine.subscribe(({ type, source }) => told.push(`${source}: ${type}`));
      const silent = { name: undefined, events: undefined, scheduler: undefined };
      const guarded = resilience({
        name: 'chat',
        events: mine,
        random: () => 0.5,
        commitOn: (value: string) => value !== 'p',
        fallback: { alternatives: ['f'], ...silent, commitOn: undefined },
        timeout: { total: 100, first: 5, ...silent, commitOn: undefined },
        retry: { maxRetries: 1, ...silent, commitOn: undefined, random: undefined, backoff: fixedBackoff(1) },
        hedge: { delay: 3, ...silent, commitOn: undefined, budget: undefined },
        circuitBreaker: { failureThreshold: 2, ...silent },
        throttle: { ...silent, random: undefined },
        rateLimit: { requestsPerSecond: 1, burstSize: 3, queueTimeout: 5, ...silent },
        bulkhead: { maxConcurrent: 2, maxQueue: 0, ...silent },
      });
      const outcome = outcomeOf(guarded, concat(of('p'), NEVER));
      flush();
      listening.unsubscribe();
      expect(outcome).toStrictEqual(['f', '|']);
      expect(others).not.toHaveBeenCalled();
      expect(told.filter((line) => !line.startsWith('chat: '))).toStrictEqual([]);
      expect(told).toEqual(
        expect.arrayContaining(['chat: hedge_started', 'chat: retry_attempted', 'chat: circuit_opened']),
      );
    });
  });

  it.each([
    ['a name', { name: 'answer' }],
    ['a bus', { events: new EventBus() }],
    ['a scheduler', { scheduler: undefined }],
    ['what commits', { commitOn: () => true }],
  ])('lets the fallback act at once when no retry fits into a total that also has %s', (_, more) => {
    virtually(({ cold, expectObservable }) => {
      const retry = { maxRetries: 1, backoff: fixedBackoff(50) };
      const guarded = resilience({ timeout: { total: 10, ...more }, retry, fallback: 'f' });
      expectObservable(cold('--#').pipe(guarded)).toBe('--(f|)');
    });
  });

  it('ends at a total that has a name in that name, whatever retry is called', () => {
    virtually(({ flush }) => {
      const timeout = { total: 5, name: 'answer' };
      const outcome = outcomeOf(resilience({ name: 'chat', timeout, retry: 1 }), NEVER);
      flush();
      expect(outcome).toMatchObject([{ policy: 'answer', kind: 'total', after: 5 }]);
    });
  });

  it('waits for the end of a total that answers, though no retry fits into it', () => {
    virtually(({ cold, expectObservable }) => {
      const timeout = { total: 5, with: () => of('w') };
      const guarded = resilience({ timeout, retry: { maxRetries: 1, backoff: fixedBackoff(50) } });
      expectObservable(cold('--#').pipe(guarded)).toBe('-----(w|)');
    });
  });

  it.each([
    ['of the whole', 6, 20],
    ['of the retry', 20, 6],
  ])('ends at the nearer of two totals, that %s', (_, total, own) => {
    virtually(({ flush }) => {
      const guarded = resilience({ timeout: { total }, retry: { maxRetries: 9, timeout: own } });
      const outcome = outcomeOf(guarded, NEVER);
      flush();
      expect(outcome).toMatchObject([{ name: 'StreamTimeoutError', kind: 'total', after: 6 }]);
    });
  });

  it('gives its scheduler and its randomness to the parts', () => {
    const scheduler = new TestScheduler(() => {});
    scheduler.maxFrames = Number.POSITIVE_INFINITY;
    const random = vi.fn(() => 0.5);
    const attempts: number[] = [];
    const guarded = resilience({
      scheduler,
      random,
      timeout: { total: 10_000, first: 1_000 },
      retry: { maxRetries: 1, backoff: 'jittered' },
    });
    outcomeOf(
      guarded,
      defer(() => {
        attempts.push(scheduler.now());
        return NEVER;
      }),
    );
    scheduler.flush();
    expect(attempts).toStrictEqual([0, 2_000]);
    expect(random).toHaveBeenCalled();
  });

  it('lets a part say otherwise about commitOn', () => {
    const failing = concat(
      of('p'),
      throwError(() => 'cut'),
    );
    const ping = (value: string): boolean => value !== 'p';
    const retry = { maxRetries: 1, backoff: fixedBackoff(0) };
    expect(outcomeOf(resilience({ commitOn: ping, retry }), failing)).toMatchObject([
      'p',
      'p',
      { attempts: 2 },
    ]);
    expect(
      outcomeOf(resilience({ commitOn: ping, retry: { ...retry, commitOn: () => true } }), failing),
    ).toStrictEqual(['p', 'cut']);
  });

  it('gives commitOn to timeout.first: a ping does not end the wait', () => {
    virtually(({ cold, expectObservable }) => {
      const guarded = resilience({ commitOn: (value: string) => value !== 'p', timeout: { first: 4 } });
      const kindOf = catchError(({ kind }: { kind: string }) => of(kind));
      expectObservable(cold('-p-p---a').pipe(guarded, kindOf)).toBe('-p-p(f|)', { p: 'p', f: 'first' });
      expectObservable(cold('-p-a------b|').pipe(guarded)).toBe('-p-a------b|');
    });
  });

  it('names the total timeout like the pipeline', () => {
    virtually(({ flush }) => {
      const log = outcomeOf(resilience({ name: 'chat', timeout: 5 }), NEVER);
      flush();
      expect(log).toMatchObject([{ policy: 'chat', kind: 'total' }]);
    });
  });

  it('takes a number as the total', () => {
    virtually(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('--a--b--c');
      const total = resilience({ timeout: 5, fallback: 'f', commitOn: () => false });
      expectObservable(source.pipe(total)).toBe('--a--(bf|)');
      expectSubscriptions(source.subscriptions).toBe('^----!');
    });
  });

  it('lets timeout.with answer for whichever clock ran out', () => {
    virtually(({ cold, expectObservable }) => {
      const timeout = { total: 6, first: 3, with: ({ kind }: { kind: string }) => of(kind[0] ?? '') };
      expectObservable(cold('-----').pipe(resilience({ timeout }))).toBe('---(f|)');
      expectObservable(cold('-a-----------b').pipe(resilience({ timeout }))).toBe('-a----(t|)');
    });
  });

  it('answers with a static undefined only when it is in a list', () => {
    const failing = throwError(() => 'cut');
    expect(outcomeOf(resilience({ fallback: undefined }), failing)).toStrictEqual(['cut']);
    expect(outcomeOf(resilience({ fallback: [undefined] }), failing)).toStrictEqual([undefined, '|']);
  });

  it('stops a synchronous source of 100 000 values at take(3)', () => {
    let emitted = 0;
    const counted = new Observable<number>((subscriber) => {
      for (; emitted < 100_000 && !subscriber.closed; emitted++) subscriber.next(emitted);
    });
    const all = resilience({
      fallback: 0,
      timeout: { total: 1_000, first: 10, each: 10 },
      retry: 3,
      circuitBreaker: {},
      rateLimit: {},
      bulkhead: {},
    });
    expect(outcomeOf((source) => source.pipe(all, take(3)), counted)).toStrictEqual([0, 1, 2, '|']);
    expect(emitted).toBe(3);
    expect(outcomeOf(all, range(0, 2))).toStrictEqual([0, 1, '|']);
  });

  it('leaves no timer, lease or place behind, wherever it is cancelled', () => {
    vi.useFakeTimers();
    const bulkhead = new Bulkhead({ maxConcurrent: 1 });
    const circuitBreaker = new CircuitBreaker();
    const guarded = resilience({
      fallback: 'f',
      timeout: { total: 1_000, first: 100, each: 100 },
      retry: { backoff: fixedBackoff(50) },
      circuitBreaker,
      rateLimit: { requestsPerSecond: 10, burstSize: 1 },
      bulkhead,
    });
    for (const when of [0, 1, 60, 110, 160, 220, 260, 999]) {
      const source = new Subject<string>();
      const subscriptions = [source.pipe(guarded).subscribe(), NEVER.pipe(guarded).subscribe()];
      vi.advanceTimersByTime(when);
      for (const subscription of subscriptions) subscription.unsubscribe();
      // The timer of an open circuit is the breaker's own, not the stream's.
      circuitBreaker.reset();
      expect(vi.getTimerCount()).toBe(0);
      expect([bulkhead.activeCount, bulkhead.queueSize]).toStrictEqual([0, 0]);
      expect(circuitBreaker.stats.activeCount).toBe(0);
      expect(source.observed).toBe(false);
    }
    vi.useRealTimers();
  });

  it.each([
    [{ hedging: 100 }, 'unknown option "hedging"'],
    [{ hedge: -1 }, 'option "hedge" must be a duration in milliseconds, and not negative'],
    [{ hedge: { maxHedges: 0 } }, 'option "hedge.maxHedges" must be a whole number of at least 1, got 0'],
    [
      { timeout: 0 },
      'option "timeout" must be a duration in milliseconds greater than 0 (Infinity means none)',
    ],
    [{ timeout: { first: -1 } }, 'option "timeout.first"'],
    [{ timeout: { first: 10, total: 5 } }, 'option "timeout.first" must not be longer than "total"'],
    [{ retry: -1 }, 'option "retry" must be a whole number of at least 0'],
    [{ retry: { maxRetry: 3 } }, 'unknown option "retry.maxRetry"'],
    [{ circuitBreaker: { failureThreshold: 0 } }, 'option "circuitBreaker.failureThreshold"'],
    [{ circuitBreaker: new Bulkhead() }, 'option "circuitBreaker" must be a plain object'],
    [{ rateLimit: { requestsPerSecond: 0 } }, 'option "rateLimit.requestsPerSecond"'],
    [{ bulkhead: { maxConcurrent: Number.NaN } }, 'option "bulkhead.maxConcurrent"'],
    [{ bulkhead: 5 }, 'option "bulkhead"'],
    [{ fallback: [] }, 'must hold at least one alternative'],
    [{ name: '' }, 'option "name" must not be empty, got ""'],
  ])('refuses %o by name', (config, message) => {
    expect(() => resilience(config as never)).toThrow(message);
    expect(() => resilience(config as never)).toThrow(expect.toSatisfy(isConfigurationError) as Error);
  });
});
