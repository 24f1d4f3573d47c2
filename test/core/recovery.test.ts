import {
  concat,
  config,
  EMPTY,
  NEVER,
  Observable,
  of,
  Subject,
  Subscriber,
  take,
  takeUntil,
  throwError,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { clockOf } from '../../src/core/clock.ts';
import { type Failure, Postponed, type Recovery, recovering } from '../../src/core/recovery.ts';

const boom = new Error('boom');
const failing = throwError(() => boom);

/** Answers every failure with the next of these. */
const withAttempts =
  (...attempts: Observable<unknown>[]) =>
  (): Recovery<unknown> => {
    const left = [...attempts];
    return {
      recover({ error }) {
        const next = left.shift();
        if (next === undefined) throw error;
        return next;
      },
    };
  };

function listen(source: Observable<unknown>, log: unknown[] = []): unknown[] {
  source.subscribe({
    next: (value) => log.push(value),
    error: (error: Error) => log.push(`error ${error.message}`),
    complete: () => log.push('complete'),
  });
  return log;
}

afterEach(() => {
  config.onUnhandledError = null;
  vi.useRealTimers();
});

describe('the commit rule', () => {
  test('before a value, a failure is recovered from', () => {
    expect(listen(recovering(failing, withAttempts(failing, of('a'))))).toStrictEqual(['a', 'complete']);
  });

  test('after a value, the error goes downstream and nobody is asked', () => {
    const recover = vi.fn(() => of('again'));
    const source = concat(of('a'), failing);
    expect(listen(recovering(source, () => ({ recover })))).toStrictEqual(['a', 'error boom']);
    expect(recover).not.toHaveBeenCalled();
  });

  test('values that do not commit may come again, the first that does is the last to be recovered from', () => {
    const failures: Failure[] = [];
    const source = recovering(concat(of('ping', 'ping'), failing), () => ({
      commitOn: (value) => value !== 'ping',
      recover: (failure) => {
        failures.push(failure);
        return concat(of('ping', 'a', 'ping'), failing);
      },
    }));
    expect(listen(source)).toStrictEqual(['ping', 'ping', 'ping', 'a', 'ping', 'error boom']);
    expect(failures).toStrictEqual([{ error: boom, emitted: 2 }]);
  });

  test('commitOn is asked until a value commits, not after', () => {
    const commitOn = vi.fn((value: number) => value === 2);
    listen(recovering(of(1, 2, 3, 4), () => ({ commitOn, recover: () => EMPTY })));
    expect(commitOn.mock.calls).toStrictEqual([[1], [2]]);
  });

  test('resume says how to go on, as often as it must', () => {
    const failures: Failure[] = [];
    const rests = [concat(of('b'), failing), of('c')];
    const source = recovering(concat(of('a'), failing), () => ({
      recover: () => EMPTY,
      resume: (failure) => {
        failures.push(failure);
        return rests.shift() ?? EMPTY;
      },
    }));
    expect(listen(source)).toStrictEqual(['a', 'b', 'c', 'complete']);
    expect(failures).toStrictEqual([
      { error: boom, emitted: 1 },
      { error: boom, emitted: 2 },
    ]);
  });

  test('every subscription has a recovery of its own', () => {
    const begin = vi.fn(withAttempts(of('a')));
    const source = recovering(failing, begin);
    expect(begin).not.toHaveBeenCalled();
    expect(listen(source)).toStrictEqual(['a', 'complete']);
    expect(listen(source)).toStrictEqual(['a', 'complete']);
    expect(begin).toHaveBeenCalledTimes(2);
  });
});

describe('what the author throws is the error of the stream', () => {
  const ofAuthor = (): never => {
    throw new Error('from the author');
  };

  test.each<[string, Recovery<unknown>, Observable<unknown>, unknown[]]>([
    ['recover', { recover: ofAuthor }, failing, []],
    ['resume', { recover: () => EMPTY, resume: ofAuthor }, concat(of('a'), failing), ['a']],
    ['commitOn', { recover: () => EMPTY, commitOn: ofAuthor }, of('a'), []],
  ])('%s', (_, recovery, source, values) => {
    expect(listen(recovering(source, () => recovery))).toStrictEqual([...values, 'error from the author']);
  });

  test('at the beginning', () => {
    expect(listen(recovering(of('a'), ofAuthor))).toStrictEqual(['error from the author']);
  });

  test('in commitOn: the attempt has stopped before downstream hears', () => {
    const log: unknown[] = [];
    const values$ = new Subject<string>();
    const source = new Observable<string>((subscriber) => {
      const subscription = values$.subscribe(subscriber);
      return () => {
        log.push('stopped');
        subscription.unsubscribe();
      };
    });
    listen(
      recovering<unknown>(source, () => ({ recover: () => EMPTY, commitOn: ofAuthor })),
      log,
    );
    values$.next('a');
    expect(log).toStrictEqual(['stopped', 'error from the author']);
    expect(values$.observed).toBe(false);
  });

  test.each<[string, boolean]>([
    ['at once', true],
    ['later', false],
  ])('in the teardown of a failed attempt, %s: the stream goes on, and nothing is uncaught', (_, atOnce) => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    const fail$ = new Subject<never>();
    const source = new Observable<never>((subscriber) => {
      subscriber.add(ofAuthor);
      (atOnce ? failing : fail$).subscribe(subscriber);
    });
    const log = listen(recovering<unknown>(source, withAttempts(of('a'))));
    if (!atOnce) expect(() => fail$.error(boom)).not.toThrow();
    expect(log).toStrictEqual(['a', 'complete']);
    expect(reported).toHaveLength(1);
  });
});

describe('attempts follow each other', () => {
  test.each<[string, (subscriber: Subscriber<never>) => void]>([
    ['at once', (subscriber) => subscriber.error(boom)],
    ['later', (subscriber) => void Promise.resolve().then(() => subscriber.error(boom))],
  ])('the failed one, which fails %s, is torn down before the next is subscribed', async (_, fail) => {
    const log: string[] = [];
    const attempt = (name: string): Observable<never> =>
      new Observable((subscriber) => {
        log.push(`${name} starts`);
        fail(subscriber);
        return () => log.push(`${name} stops`);
      });
    listen(recovering<unknown>(attempt('first'), withAttempts(attempt('second'), of('a'))));
    await new Promise((resolve) => setTimeout(resolve));
    expect(log).toStrictEqual(['first starts', 'first stops', 'second starts', 'second stops']);
  });

  test('100 000 that fail at once do not overflow the stack', () => {
    let attempts = 0;
    const source = recovering(failing, () => ({
      recover: () => (++attempts < 100_000 ? failing : of('a')),
    }));
    expect(listen(source)).toStrictEqual(['a', 'complete']);
    expect(attempts).toBe(100_000);
  });

  test('100 000 resumptions that fail at once do not overflow the stack', () => {
    let values = 0;
    const piece = new Observable<number>((subscriber) => {
      subscriber.next(++values);
      subscriber.error(boom);
    });
    const last = vi.fn();
    recovering(piece, () => ({
      recover: () => EMPTY,
      resume: () => (values < 100_000 ? piece : EMPTY),
    })).subscribe({ complete: last });
    expect(values).toBe(100_000);
    expect(last).toHaveBeenCalledTimes(1);
  });

  test('a subscribe function that throws has failed', () => {
    const source = new Observable(() => {
      throw boom;
    });
    expect(listen(recovering(source, withAttempts(source, of('a'))))).toStrictEqual(['a', 'complete']);
  });

  test('take(3) stops a synchronous attempt at 3', () => {
    let emitted = 0;
    const source = new Observable<number>((subscriber) => {
      while (emitted < 100_000 && !subscriber.closed) subscriber.next(emitted++);
    });
    recovering(source, () => ({ recover: () => EMPTY }))
      .pipe(take(3))
      .subscribe();
    expect(emitted).toBe(3);
  });
});

describe('a cancel starts no attempt', () => {
  const counting = (attempts: { count: number }): Observable<string> =>
    new Observable((subscriber) => {
      attempts.count++;
      subscriber.next('a');
    });

  test('who has left already starts none', () => {
    const attempts = { count: 0 };
    const gone = new Subscriber<string>();
    gone.unsubscribe();
    recovering(counting(attempts), () => ({ recover: () => EMPTY })).subscribe(gone);
    expect(attempts.count).toBe(0);
  });

  test.each(['recover', 'resume'] as const)('inside %s', (method) => {
    const cancel$ = new Subject<void>();
    const attempts = { count: 0 };
    const answer = (): Observable<string> => {
      cancel$.next();
      return counting(attempts);
    };
    const source = method === 'recover' ? failing : concat(of('a'), failing);
    const recovery: Recovery<string> = { recover: answer, resume: answer };
    const log = listen(recovering<string>(source, () => recovery).pipe(takeUntil(cancel$)));
    expect(attempts.count).toBe(0);
    expect(log.at(-1)).toBe('complete');
  });

  test.each([0, 5])('inside the decision to wait %s ms: the next one is not even made', (delay) => {
    const cancel$ = new Subject<void>();
    const make = vi.fn(() => of('again'));
    const recovery: Recovery<string> = {
      recover() {
        cancel$.next();
        return new Postponed(clockOf(undefined), delay, make);
      },
    };
    listen(recovering<string>(failing, () => recovery).pipe(takeUntil(cancel$)));
    expect(make).not.toHaveBeenCalled();
  });

  test('inside commitOn: the value is not delivered', () => {
    const cancel$ = new Subject<void>();
    const recovery: Recovery<string> = {
      recover: () => EMPTY,
      commitOn: () => {
        cancel$.next();
        return true;
      },
    };
    expect(listen(recovering(of('a'), () => recovery).pipe(takeUntil(cancel$)))).toStrictEqual(['complete']);
  });

  test('between two attempts that wait for each other: no timer is left', () => {
    vi.useFakeTimers();
    const attempts = { count: 0 };
    const clock = clockOf(undefined);
    const subscription = recovering<string>(failing, () => ({
      recover: () => new Postponed(clock, 1_000, () => counting(attempts)),
    })).subscribe();
    expect(vi.getTimerCount()).toBe(1);
    subscription.unsubscribe();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(2_000);
    expect(attempts.count).toBe(0);
  });

  test('while an attempt runs: it is unsubscribed, and its failure asks nobody', () => {
    const recover = vi.fn(() => EMPTY);
    let attempt: Subscriber<never> | undefined;
    const source = new Observable<never>((subscriber) => {
      attempt = subscriber;
    });
    recovering(source, () => ({ recover }))
      .subscribe()
      .unsubscribe();
    expect(attempt?.closed).toBe(true);
    attempt?.error(boom);
    expect(recover).not.toHaveBeenCalled();
  });

  test('by the attempt itself, right after it failed', () => {
    const recover = vi.fn(() => of('again'));
    const cancel$ = new Subject<void>();
    const source = new Observable<string>((subscriber) => {
      subscriber.error(boom);
      cancel$.next();
    });
    const subscription = recovering(source, () => ({ recover }))
      .pipe(takeUntil(cancel$))
      .subscribe();
    expect(subscription.closed).toBe(true);
    expect(recover).not.toHaveBeenCalled();
  });
});

test('a postponed attempt is made when its time has come', () => {
  new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected)).run(
    ({ cold, expectObservable, expectSubscriptions }) => {
      const clock = clockOf(undefined);
      const second = cold('a|');
      const source = recovering<string>(cold('-#'), () => ({
        recover: () => new Postponed(clock, 5, () => second),
      }));
      expectObservable(source).toBe('------a|');
      expectSubscriptions(second.subscriptions).toBe('------^!');
    },
  );
});

test('no error and no value of an ended stream is kept by who kept its subscriber', () => {
  const kept: Subscriber<unknown>[] = [];
  const attempt = (end: (subscriber: Subscriber<unknown>) => void): Observable<unknown> =>
    new Observable((subscriber) => {
      kept.push(subscriber);
      end(subscriber);
    });
  const cancel$ = new Subject<void>();
  listen(
    recovering(
      attempt((subscriber) => subscriber.error(boom)),
      withAttempts(
        attempt((subscriber) => {
          subscriber.next('value');
          subscriber.error(boom);
        }),
      ),
    ),
  );
  listen(
    recovering(
      attempt((subscriber) => {
        subscriber.error(boom);
        cancel$.next();
      }),
      withAttempts(NEVER),
    ).pipe(takeUntil(cancel$)),
  );
  const reachable = (root: unknown, seen = new Set<unknown>()): Set<unknown> => {
    if (seen.has(root)) return seen;
    seen.add(root);
    if (typeof root === 'object' && root !== null)
      for (const value of Object.values(root)) reachable(value, seen);
    return seen;
  };
  expect(kept).toHaveLength(3);
  for (const subscriber of kept) {
    expect(reachable(subscriber).has(boom)).toBe(false);
    expect(reachable(subscriber).has('value')).toBe(false);
  }
});
