import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { config, EMPTY, lastValueFrom, NEVER, Observable, of, range, Subject, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { isCallerError } from '../../src/core/errors.ts';
import { fromAbortable, untilAborted } from '../../src/interop/index.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await setImmediate();
  process.off('unhandledRejection', note);
  config.onUnhandledError = null;
  expect(unhandled.splice(0)).toStrictEqual([]);
});

/** How many event listeners a signal has at the moment. */
const countListeners = (signal: AbortSignal) => (): number => getEventListeners(signal, 'abort').length;

describe('fromAbortable', () => {
  it('calls the function for every subscription, never before', async () => {
    const open = vi.fn(() => Promise.resolve('a'));
    const stream = fromAbortable(open);
    expect(open).not.toHaveBeenCalled();
    await lastValueFrom(stream);
    await lastValueFrom(stream);
    expect(open).toHaveBeenCalledTimes(2);
  });

  it('aborts the signal with an AbortError when it is unsubscribed, and swallows the rejection', async () => {
    let signal!: AbortSignal;
    const received: unknown[] = [];
    const subscription = fromAbortable((given) => {
      signal = given;
      return new Promise((_, reject) => given.addEventListener('abort', () => reject(given.reason as Error)));
    }).subscribe({ error: (error) => received.push(error) });
    subscription.unsubscribe();
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(DOMException);
    expect(isCallerError(signal.reason)).toBe(true);
    await setImmediate();
    expect(received).toStrictEqual([]);
  });

  it('aborts the signal before the source is unsubscribed', () => {
    const log: string[] = [];
    fromAbortable((signal) => {
      signal.addEventListener('abort', () => log.push('aborted'));
      return new Observable<never>(() => () => log.push('unsubscribed'));
    })
      .subscribe()
      .unsubscribe();
    expect(log).toStrictEqual(['aborted', 'unsubscribed']);
  });

  it.each([
    ['complete', of('a')],
    ['an empty complete', EMPTY],
    ['an error', throwError(() => new Error('cut'))],
  ])('does not abort the signal after %s', (_, source) => {
    let signal!: AbortSignal;
    const subscription = fromAbortable((given) => {
      signal = given;
      return source;
    }).subscribe({ error: () => {} });
    subscription.unsubscribe();
    expect(signal.aborted).toBe(false);
  });

  it('delivers a rejection and a throw as the error', async () => {
    await expect(lastValueFrom(fromAbortable(() => Promise.reject(new Error('refused'))))).rejects.toThrow(
      'refused',
    );
    await expect(
      lastValueFrom(
        fromAbortable((): Promise<never> => {
          throw new Error('thrown');
        }),
      ),
    ).rejects.toThrow('thrown');
  });

  it('is cancelled from inside the function without an unhandled rejection', async () => {
    const cancel = new Subject<void>();
    const stream = new Observable((subscriber) => {
      cancel.subscribe(() => subscriber.unsubscribe());
      return fromAbortable((signal) => {
        cancel.next();
        expect(signal.aborted).toBe(true);
        return Promise.reject(new Error('late'));
      }).subscribe(subscriber);
    });
    stream.subscribe();
    await setImmediate();
  });
});

describe('a subscriber that has left before it was subscribed', () => {
  const early = <T>(source: Observable<T>): Observable<T> =>
    new Observable((subscriber) => {
      subscriber.unsubscribe();
      source.subscribe(subscriber);
    });

  it('opens nothing', () => {
    const open = vi.fn(() => of('a'));
    early(fromAbortable(open)).subscribe();
    expect(open).not.toHaveBeenCalled();
  });

  it('leaves nothing on the signal', () => {
    const { signal } = new AbortController();
    early(NEVER.pipe(untilAborted(signal))).subscribe();
    expect(countListeners(signal)()).toBe(0);
  });
});

describe('untilAborted', () => {
  it('kept in a constant leaves the type of every stream as it is', () => {
    const { signal } = new AbortController();
    const aborting = untilAborted(signal);
    expectTypeOf(of(7).pipe(aborting)).toEqualTypeOf<Observable<number>>();
    expectTypeOf(of('a').pipe(aborting)).toEqualTypeOf<Observable<string>>();
  });

  it('refuses at once what is no signal', () => {
    expect(() => untilAborted(undefined as never)).toThrow(
      'untilAborted: option "signal" must be an AbortSignal, got undefined',
    );
  });

  it('passes everything on while the signal is silent', () => {
    const { signal } = new AbortController();
    new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected)).run(
      ({ cold, expectObservable }) => {
        expectObservable(cold('-a-b-|').pipe(untilAborted(signal))).toBe('-a-b-|');
        expectObservable(cold('-a-#').pipe(untilAborted(signal))).toBe('-a-#');
      },
    );
  });

  it('unsubscribes the source, then errors with the reason', () => {
    const controller = new AbortController();
    const log: unknown[] = [];
    new Observable(() => () => log.push('unsubscribed'))
      .pipe(untilAborted(controller.signal))
      .subscribe({ error: (error) => log.push(error) });
    controller.abort('the user left');
    expect(log).toStrictEqual(['unsubscribed', 'the user left']);
  });

  it('has an AbortError as its reason unless the caller gave another', () => {
    const controller = new AbortController();
    const errors: unknown[] = [];
    NEVER.pipe(untilAborted(controller.signal)).subscribe({ error: (error) => errors.push(error) });
    controller.abort();
    expect(errors.map(isCallerError)).toStrictEqual([true]);
  });

  it('never subscribes the source when the signal has aborted before', () => {
    const subscribed = vi.fn();
    const errors: unknown[] = [];
    new Observable(subscribed)
      .pipe(untilAborted(AbortSignal.abort('before')))
      .subscribe({ error: (error) => errors.push(error) });
    expect(subscribed).not.toHaveBeenCalled();
    expect(errors).toStrictEqual(['before']);
  });

  it('shares one listener among all streams of a signal and removes it with the last', () => {
    const controller = new AbortController();
    const listeners = countListeners(controller.signal);
    const stream = NEVER.pipe(untilAborted(controller.signal));
    const subscriptions = Array.from({ length: 1_000 }, () => stream.subscribe());
    expect(listeners()).toBe(1);
    for (const subscription of subscriptions) subscription.unsubscribe();
    expect(listeners()).toBe(0);
    stream.subscribe().unsubscribe();
    expect(listeners()).toBe(0);
  });

  it.each([
    ['complete', EMPTY],
    ['an error', throwError(() => new Error('cut'))],
  ])('has left the signal before downstream hears of %s', (_, source) => {
    const controller = new AbortController();
    const listeners = countListeners(controller.signal);
    const seen: number[] = [];
    const see = (): void => void seen.push(listeners());
    source.pipe(untilAborted(controller.signal)).subscribe({ error: see, complete: see });
    expect(seen).toStrictEqual([0]);
  });

  it('tells every stream, also when one of them throws while it is torn down', () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    const controller = new AbortController();
    const listeners = countListeners(controller.signal);
    const errors: unknown[] = [];
    const careless = new Observable(() => () => {
      throw new Error('careless teardown');
    });
    for (const source of [careless, NEVER])
      source.pipe(untilAborted(controller.signal)).subscribe({ error: (error) => errors.push(error) });
    controller.abort('stop');
    expect(errors).toStrictEqual(['stop', 'stop']);
    expect(reported).toHaveLength(1);
    expect(listeners()).toBe(0);
  });

  it('stops a source that is aborted from inside its own synchronous loop', () => {
    const controller = new AbortController();
    const values: number[] = [];
    const errors: unknown[] = [];
    range(0, 100_000)
      .pipe(untilAborted(controller.signal))
      .subscribe({
        next(value) {
          values.push(value);
          if (value === 2) controller.abort('enough');
        },
        error: (error) => errors.push(error),
      });
    expect(values).toStrictEqual([0, 1, 2]);
    expect(errors).toStrictEqual(['enough']);
  });
});
