import fc from 'fast-check';
import {
  concat,
  EMPTY,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  range,
  Subject,
  take,
  throwError,
  toArray,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker, circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { isCircuitOpenError } from '../../src/core/errors.ts';

const boom = new Error('boom');

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('circuitBreaker', () => {
  it('takes a lease a subscription, at subscribe and not before', () => {
    const breaker = new CircuitBreaker();
    const source = NEVER.pipe(circuitBreaker(breaker));
    expect(breaker.stats.activeCount).toBe(0);
    const both = [source.subscribe(), source.subscribe()];
    expect(breaker.stats.activeCount).toBe(2);
    for (const subscription of both) subscription.unsubscribe();
    expect(breaker.stats).toMatchObject({ activeCount: 0, successCount: 0, failureCount: 0 });
  });

  it('given a config makes one breaker for all subscriptions', () => {
    const errors: unknown[] = [];
    const source = throwError(() => boom).pipe(circuitBreaker({ failureThreshold: 2 }));
    for (let call = 0; call < 3; call++) source.subscribe({ error: (error) => errors.push(error) });
    expect(errors.map(isCircuitOpenError)).toStrictEqual([false, false, true]);
  });

  it('an empty completion is a success', () => {
    const breaker = new CircuitBreaker();
    EMPTY.pipe(circuitBreaker(breaker)).subscribe();
    expect(breaker.stats.successCount).toBe(1);
  });

  it('a stream that breaks after forty values is one failure', () => {
    const breaker = new CircuitBreaker();
    concat(
      range(0, 40),
      throwError(() => boom),
    )
      .pipe(circuitBreaker(breaker))
      .subscribe({ error: () => {} });
    expect(breaker.stats).toMatchObject({ failureCount: 1, successCount: 0 });
  });

  it('a subscribe function that throws is a failure', () => {
    const breaker = new CircuitBreaker();
    new Observable(() => {
      throw boom;
    })
      .pipe(circuitBreaker(breaker))
      .subscribe({ error: () => {} });
    expect(breaker.stats).toMatchObject({ failureCount: 1, activeCount: 0 });
  });

  it('a consumer that has enough is neutral, and a synchronous source stops', async () => {
    const breaker = new CircuitBreaker();
    let produced = 0;
    const source = new Observable<number>((subscriber) => {
      while (!subscriber.closed && produced < 100_000) subscriber.next(produced++);
    });
    const values = await lastValueFrom(source.pipe(circuitBreaker(breaker), take(3), toArray()));
    expect([values, produced]).toStrictEqual([[0, 1, 2], 3]);
    expect(breaker.stats).toMatchObject({ activeCount: 0, successCount: 0, failureCount: 0 });
  });

  it('has settled before downstream hears: a probe that resubscribes in its complete finds the place free', () => {
    const breaker = new CircuitBreaker({
      failureThreshold: 1,
      recoveryTimeout: 10,
      halfOpenMaxCalls: 1,
      successThreshold: 2,
    });
    breaker.acquire().failure(boom);
    vi.advanceTimersByTime(10);
    const guarded = of('probe').pipe(circuitBreaker(breaker));
    const states: string[] = [];
    guarded.subscribe({
      complete: () => {
        states.push(breaker.state);
        guarded.subscribe({ complete: () => states.push(breaker.state) });
      },
    });
    expect(states).toStrictEqual(['half-open', 'closed']);
  });

  it('what classify throws becomes the error of the stream', () => {
    const oops = new Error('oops');
    const breaker = new CircuitBreaker({
      classify: () => {
        throw oops;
      },
    });
    const errors: unknown[] = [];
    throwError(() => boom)
      .pipe(circuitBreaker(breaker))
      .subscribe({ error: (error) => errors.push(error) });
    expect(errors).toStrictEqual([oops]);
    expect(breaker.stats).toMatchObject({ failureCount: 1, activeCount: 0 });
  });

  it('what recoveryTimeout throws when a success opens the circuit becomes the error of the stream', () => {
    const oops = new Error('oops');
    const breaker = new CircuitBreaker({
      window: { type: 'count', size: 2, failureRate: 0.5 },
      recoveryTimeout: () => {
        throw oops;
      },
    });
    breaker.acquire().failure(boom);
    const errors: unknown[] = [];
    of('a')
      .pipe(circuitBreaker(breaker))
      .subscribe({ error: (error) => errors.push(error) });
    expect(errors).toStrictEqual([oops]);
    expect(breaker.state).toBe('open');
  });

  it('an attempt whose circuit opens while it waits for a bulkhead is refused and never subscribes', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1 });
    const narrow = new Bulkhead({ maxConcurrent: 1 });
    const first = new Subject<never>();
    const subscribed = vi.fn(() => () => {});
    const errors: unknown[] = [];
    first.pipe(bulkhead(narrow), circuitBreaker(breaker)).subscribe({ error: () => {} });
    new Observable(subscribed)
      .pipe(bulkhead(narrow), circuitBreaker(breaker))
      .subscribe({ error: (error) => errors.push(error) });
    expect(narrow.queueSize).toBe(1);
    breaker.acquire().failure(boom);
    first.complete();
    expect(errors.map(isCircuitOpenError)).toStrictEqual([true]);
    expect(subscribed).not.toHaveBeenCalled();
    expect(narrow.activeCount).toBe(0);
  });

  it('an inner breaker that refuses is no failure of an outer one', () => {
    const [outer, inner] = [new CircuitBreaker(), new CircuitBreaker()];
    inner.forceOpen();
    of('a')
      .pipe(circuitBreaker(inner), circuitBreaker(outer))
      .subscribe({ error: () => {} });
    expect(outer.stats).toMatchObject({ failureCount: 0, activeCount: 0, lastFailure: undefined });
  });

  it('no interleaving of calls, ends, cancels, controls and time leaves a lease, a timer or an odd count', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant('call' as const) },
      {
        weight: 6,
        arbitrary: fc.record({
          end: fc.constantFrom('complete', 'error', 'cancel'),
          which: fc.nat(9),
        }),
      },
      { weight: 4, arbitrary: fc.nat(40) },
      { weight: 1, arbitrary: fc.constantFrom('reset', 'forceOpen', 'disable', 'metricsOnly') },
    );
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { maxLength: 60 }), (windowed, steps) => {
        const breaker = new CircuitBreaker({
          ...(windowed && {
            window: { type: 'time', duration: 50, minimumCalls: 2 },
            slowCall: { threshold: 30, rate: 0.7 },
          }),
          ...(!windowed && { failureThreshold: 2 }),
          recoveryTimeout: 20,
          halfOpenMaxCalls: 2,
          halfOpenTimeout: 60,
        });
        const calls: { source: Subject<never>; cancel: () => void }[] = [];
        for (const move of steps) {
          if (move === 'call') {
            const source = new Subject<never>();
            let refused = false;
            const subscription = source.pipe(circuitBreaker(breaker)).subscribe({
              error: (error) => {
                refused = isCircuitOpenError(error);
              },
            });
            if (!refused) calls.push({ source, cancel: () => subscription.unsubscribe() });
          } else if (typeof move === 'number') vi.advanceTimersByTime(move);
          else if (typeof move === 'string') breaker[move as 'reset']();
          else {
            const [call] = calls.splice(move.which % (calls.length || 1), 1);
            if (move.end === 'cancel') call?.cancel();
            else call?.source[move.end as 'error'](boom);
          }
          const { successCount, failureCount, slowCount, activeCount } = breaker.stats;
          expect(activeCount).toBe(calls.length);
          expect(Math.min(successCount, failureCount, slowCount)).toBeGreaterThanOrEqual(0);
        }
        for (const { cancel } of calls) cancel();
        breaker.reset();
        expect(breaker.stats.activeCount).toBe(0);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
