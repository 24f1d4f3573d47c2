import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { EMPTY, map, NEVER, Observable, of, Subject, tap, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker, circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { isConfigurationError, isStreamTimeoutError } from '../../src/core/errors.ts';
import { fallback } from '../../src/fallback/index.ts';
import { fromAbortable } from '../../src/interop/index.ts';
import { protect, resilience } from '../../src/pipeline/index.ts';
import { fixedBackoff, retryWithBackoff } from '../../src/retry/index.ts';
import { timeout } from '../../src/timeout/index.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  vi.useFakeTimers();
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  await setImmediate();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toStrictEqual([]);
});

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
const rejectionOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (reason: unknown) => reason,
  );
const retryAtOnce = <T>(maxRetries: number) => retryWithBackoff<T>({ maxRetries, backoff: fixedBackoff(0) });

describe('protect', () => {
  it.each([
    ['a value', () => 7, 7],
    ['an array, which is a value', () => [1, 2], [1, 2]],
    ['a string, which is a value', () => 'abc', 'abc'],
    ['undefined', () => undefined, undefined],
    ['a promise', () => Promise.resolve(7), 7],
    ['an Observable by its last value', () => of(1, 7), 7],
    ['an empty Observable', () => EMPTY, undefined],
    [
      'an async iterable by its last value',
      async function* () {
        yield 1;
        yield 7;
      },
      7,
    ],
  ])('resolves %s', async (_, fn, expected) => {
    await expect(protect(fn as () => unknown)()).resolves.toStrictEqual(expected);
  });

  it('collects a stream with toArray()', async () => {
    await expect(protect(() => of(1, 2), toArray())()).resolves.toStrictEqual([1, 2]);
  });

  it('passes this and the arguments on, to every attempt', async () => {
    const counter = {
      calls: [] as unknown[],
      count: protect(function (this: { calls: unknown[] }, a: number, b: string) {
        this.calls.push([a, b]);
        if (this.calls.length < 3) throw new Error('not yet');
        return this.calls.length;
      }, retryAtOnce(2)),
    };
    await expect(counter.count(1, 'b')).resolves.toBe(3);
    expect(counter.calls).toStrictEqual([
      [1, 'b'],
      [1, 'b'],
      [1, 'b'],
    ]);
  });

  it('makes a rejection of what the function throws', async () => {
    const failure = new Error('sync');
    const call = protect(() => {
      throw failure;
    });
    await expect(call()).rejects.toBe(failure);
  });

  it('shares the policies among all calls', async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 2 });
    const fn = vi.fn(() => Promise.reject(new Error('down')));
    const call = protect(fn, circuitBreaker(breaker));
    for (let i = 0; i < 4; i++) await call().catch(() => {});
    expect(fn).toHaveBeenCalledTimes(2);
    expect(breaker.state).toBe('open');
    breaker.reset();
  });

  it('swallows the rejection of an attempt that was given up', async () => {
    let reject!: (error: Error) => void;
    const call = protect(() => new Promise((_, no) => (reject = no)), timeout(10));
    const outcome = rejectionOf(call());
    await vi.advanceTimersByTimeAsync(10);
    expect(await outcome).toSatisfy(isStreamTimeoutError);
    reject(new Error('late'));
  });

  it('never calls the function for an operator that has ended the call already', async () => {
    const fn = vi.fn(() => 7);
    const call = protect(
      fn,
      (source) =>
        new Observable<number>((subscriber) => {
          subscriber.complete();
          source.subscribe(subscriber);
        }),
    );
    await expect(call()).resolves.toBeUndefined();
    expect(fn).not.toHaveBeenCalled();
  });

  it('rejects when an operator cannot even be applied', async () => {
    const call = protect(
      () => 7,
      () => {
        throw new Error('broken operator');
      },
    );
    await expect(call()).rejects.toThrow('broken operator');
  });

  it.each([
    ['a failure', (source: Subject<string>) => source.error('cut')],
    ['an end', (source: Subject<string>) => source.complete()],
    ['an abort', (_: unknown, controller: AbortController) => controller.abort('stop')],
  ])('settles after %s although a teardown throws', async (_, end) => {
    const controller = new AbortController();
    const source = new Subject<string>();
    const careless = new Observable<string>((subscriber) => {
      source.subscribe(subscriber);
      return () => {
        throw new Error('careless teardown');
      };
    });
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    protect((_signal: AbortSignal) => careless)(controller.signal).then(settle, settle);
    try {
      end(source, controller);
    } catch {}
    await vi.runAllTimersAsync();
    expect(settled).toBe(true);
  });

  it.each([
    ['fn', () => protect(7 as never), 'option "fn" must be a function, got 7'],
    [
      'a policy instead of an operator',
      () => protect(() => 7, map(String), new Bulkhead() as never),
      'option "operators.1" must be an operator, such as retryWithBackoff(3), got an object (Bulkhead)',
    ],
  ])('refuses %s at once and by name', (_, create, message) => {
    expect(create).toThrow(message);
    expect(create).toThrow(expect.toSatisfy(isConfigurationError) as Error);
  });
});

describe('protect and the signal of a caller', () => {
  it.each([
    ['the last argument', (signal: AbortSignal) => signal],
    ['the signal of an options object', (signal: AbortSignal) => ({ signal, method: 'POST' })],
  ])('rejects with its reason when %s aborts, neutral for the policies', async (_, argument) => {
    const controller = new AbortController();
    const breaker = new CircuitBreaker();
    const places = new Bulkhead();
    const given: unknown[] = [];
    const attempts = vi.fn((_url: string, last: unknown) => {
      given.push(last);
      return new Promise<never>(() => {});
    });
    const call = protect(
      attempts,
      bulkhead(places),
      circuitBreaker(breaker),
      retryWithBackoff(3),
      fallback('f'),
    );
    const outcome = rejectionOf(call('/', argument(controller.signal)));
    expect(places.activeCount).toBe(1);
    controller.abort('the user left');
    expect(await outcome).toBe('the user left');
    expect(attempts).toHaveBeenCalledTimes(1);
    expect(places.activeCount).toBe(0);
    expect(breaker.stats).toMatchObject({
      state: 'closed',
      failureCount: 0,
      successCount: 0,
      activeCount: 0,
    });
    const own = (given[0] as { signal?: AbortSignal }).signal ?? (given[0] as AbortSignal);
    expect(own).not.toBe(controller.signal);
    expect(own.reason).toBe('the user left');
    expect(listeners(controller.signal)).toBe(0);
  });

  it('rejects at once, and calls nothing, when the signal has aborted before', async () => {
    const fn = vi.fn((_signal: AbortSignal) => 7);
    await expect(protect(fn)(AbortSignal.abort('before'))).rejects.toBe('before');
    expect(fn).not.toHaveBeenCalled();
  });

  it('aborts a wait in a queue and a back-off', async () => {
    const places = new Bulkhead({ maxConcurrent: 1 });
    NEVER.pipe(bulkhead(places)).subscribe();
    const queued = new AbortController();
    const waiting = rejectionOf(protect((_signal: AbortSignal) => 7, bulkhead(places))(queued.signal));
    expect(places.queueSize).toBe(1);
    queued.abort('q');
    expect(await waiting).toBe('q');
    expect(places.queueSize).toBe(0);

    const patient = new AbortController();
    const fn = vi.fn((_signal: AbortSignal) => Promise.reject(new Error('503')));
    const outcome = rejectionOf(protect(fn, retryWithBackoff(3))(patient.signal));
    await vi.advanceTimersByTimeAsync(500);
    expect(vi.getTimerCount()).toBe(1);
    patient.abort('b');
    expect(await outcome).toBe('b');
    expect(fn).toHaveBeenCalledTimes(1);
    await vi.runAllTimersAsync();
  });

  it('gives every attempt a signal of its own, aborted by an AbortError when the attempt is given up', async () => {
    const controller = new AbortController();
    const signals: AbortSignal[] = [];
    const call = protect(
      (_id: number, { signal }: { signal: AbortSignal }) => {
        signals.push(signal);
        return signals.length === 1 ? new Promise<string>(() => {}) : Promise.resolve('second');
      },
      timeout({ first: 10 }),
      retryAtOnce(1),
    );
    const outcome = call(7, { signal: controller.signal });
    await vi.advanceTimersByTimeAsync(10);
    await expect(outcome).resolves.toBe('second');
    expect(signals.map(({ aborted }) => aborted)).toStrictEqual([true, false]);
    expect(signals[0]?.reason).toMatchObject({ name: 'AbortError' });
    expect(controller.signal.aborted).toBe(false);
  });

  it('leaves the caller nothing: neither its options nor its signal are changed', async () => {
    const { signal } = new AbortController();
    const options = Object.freeze({ signal, method: 'GET' });
    const seen: object[] = [];
    await protect((_options: object) => void seen.push(_options))(options);
    expect(seen).toStrictEqual([{ signal: expect.any(AbortSignal) as AbortSignal, method: 'GET' }]);
    expect(options.signal).toBe(signal);
    expect(listeners(signal)).toBe(0);
  });

  it('passes an instance of a class on as it is, and still rejects when its signal aborts', async () => {
    const controller = new AbortController();
    const request = new Request('http://localhost/', { signal: controller.signal });
    const fn = vi.fn((_request: Request) => new Promise<never>(() => {}));
    const outcome = rejectionOf(protect(fn)(request));
    expect(fn).toHaveBeenCalledWith(request);
    expect(fn.mock.calls[0]?.[0]).toBe(request);
    controller.abort();
    expect(await outcome).toMatchObject({ name: 'AbortError' });
  });

  it.each([
    ['a value', 'resolves', () => Promise.resolve(7)],
    ['a failure', 'rejects', () => Promise.reject(new Error('cut'))],
    [
      'a throw',
      'rejects',
      () => {
        throw new Error('sync');
      },
    ],
  ])('has left the signal after %s', async (_, __, fn) => {
    const { signal } = new AbortController();
    await protect(fn as (signal: AbortSignal) => unknown, retryAtOnce(1))(signal).catch(() => {});
    expect(listeners(signal)).toBe(0);
  });

  it('goes on following the caller once it has resolved, for what is still to be read', async () => {
    const controller = new AbortController();
    const response = await protect(async (signal: AbortSignal) => ({ body: signal }))(controller.signal);
    expect(response.body.aborted).toBe(false);
    controller.abort('enough');
    expect(response.body.reason).toBe('enough');
    expect(listeners(controller.signal)).toBe(0);
  });

  it('shares one listener among a thousand calls on one signal', async () => {
    const controller = new AbortController();
    const call = protect((_signal: AbortSignal) => new Promise<never>(() => {}), timeout(60_000));
    const outcomes = Promise.allSettled(Array.from({ length: 1_000 }, () => call(controller.signal)));
    expect(listeners(controller.signal)).toBe(1);
    controller.abort('all');
    const reasons = (await outcomes).map((outcome) => (outcome as PromiseRejectedResult).reason as unknown);
    expect(new Set(reasons)).toStrictEqual(new Set(['all']));
    expect(listeners(controller.signal)).toBe(0);
  });

  it('makes no AbortController where there is no signal', async () => {
    const made = vi.spyOn(globalThis, 'AbortController');
    await protect((_options: object) => 7, resilience({ retry: 1, timeout: 100 }))({ signal: null });
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
  });

  it('tells a function without such an argument through fromAbortable', async () => {
    const signals: AbortSignal[] = [];
    const call = protect(
      (_id: number) =>
        fromAbortable((signal) => {
          signals.push(signal);
          return new Promise<never>(() => {});
        }),
      timeout(10),
    );
    const outcome = rejectionOf(call(7));
    await vi.advanceTimersByTimeAsync(10);
    expect(await outcome).toSatisfy(isStreamTimeoutError);
    expect(signals.map(({ aborted }) => aborted)).toStrictEqual([true]);
  });

  it('never calls the function for a place that the abort of the call itself has set free', async () => {
    const fn = vi.fn((signal: AbortSignal) => fromAbortable(() => (signal.aborted ? EMPTY : NEVER)));
    const policy = new Bulkhead({ maxConcurrent: 1 });
    const call = protect(fn, bulkhead(policy));
    const controller = new AbortController();
    const calls = [1, 2, 3].map(() => rejectionOf(call(controller.signal)));
    controller.abort('enough');
    expect(await Promise.all(calls)).toStrictEqual(['enough', 'enough', 'enough']);
    expect(fn).toHaveBeenCalledOnce();
    expect([policy.activeCount, policy.queueSize]).toStrictEqual([0, 0]);
  });

  it.each([
    [
      'while the operators are applied',
      (abort: () => void) => (source: Observable<number>) => {
        abort();
        return source.pipe(tap());
      },
    ],
    [
      'before the attempt is subscribed',
      (abort: () => void) => (source: Observable<number>) =>
        new Observable<number>((subscriber) => {
          abort();
          source.subscribe(subscriber);
        }),
    ],
  ])('never calls the function when the caller aborts %s', async (_, operatorWith) => {
    const fn = vi.fn((_signal: AbortSignal) => 7);
    const controller = new AbortController();
    const call = protect(
      fn,
      operatorWith(() => controller.abort('early')),
    );
    await expect(call(controller.signal)).rejects.toBe('early');
    expect(fn).not.toHaveBeenCalled();
    expect(listeners(controller.signal)).toBe(0);
  });
});
