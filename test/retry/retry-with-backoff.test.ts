import * as fc from 'fast-check';
import {
  concat,
  defer,
  EMPTY,
  filter,
  finalize,
  NEVER,
  type Observable,
  of,
  range,
  config as rxjs,
  Subject,
  type Subscription,
  switchMap,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import {
  BulkheadRejectedError,
  CircuitOpenError,
  ConfigurationError,
  isCallerError,
  isLocalRejection,
  RateLimitExceededError,
  ResilienceError,
  RetryExhaustedError,
  retryAfterOf,
  StreamTimeoutError,
} from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { ResilienceEvent } from '../../src/core/events.ts';
import { RetryBudget } from '../../src/core/retry-budget.ts';
import {
  fixedBackoff,
  type Interruption,
  type RetryConfig,
  replayFromStart,
  restartBehind,
  retryWithBackoff,
  skipDelivered,
} from '../../src/retry/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import { times } from '../support/property-runs.ts';

const failing = (error: unknown): Observable<never> => throwError(() => error);

/** A source whose n-th subscription is the n-th of `attempts`; the last one repeats. */
function attempts<T>(...attempts: Observable<T>[]) {
  const started = { count: 0 };
  const source = defer(() => attempts[Math.min(started.count++, attempts.length - 1)] as Observable<T>);
  return Object.assign(source, { started });
}

interface Story {
  readonly values: unknown[];
  errors: unknown[];
  completed: boolean;
  readonly subscription: Subscription;
}

function watch(stream: Observable<unknown>): Story {
  const story = { values: [] as unknown[], errors: [] as unknown[], completed: false };
  const subscription = stream.subscribe({
    next: (value) => story.values.push(value),
    error: (error) => story.errors.push(error),
    complete: () => {
      story.completed = true;
    },
  });
  return Object.assign(story, { subscription });
}

/** The only error of a stream that ends before anybody has waited. */
const errorOf = (stream: Observable<unknown>): unknown => {
  const { errors } = watch(stream);
  expect(errors).toHaveLength(1);
  return errors[0];
};

function listening(): { events: EventBus; heard: ResilienceEvent[] } {
  const events = new EventBus();
  const heard: ResilienceEvent[] = [];
  events.subscribe((event) => heard.push(event));
  return { events, heard };
}

const atOnce = fixedBackoff(0);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('attempts', () => {
  test('nothing happens before somebody subscribes', () => {
    const source = attempts(failing('down'));
    source.pipe(retryWithBackoff({ backoff: atOnce }));
    expect(source.started.count).toBe(0);
  });

  test('every subscription has all the retries', () => {
    const source = attempts(failing('down'));
    const stream = source.pipe(retryWithBackoff({ maxRetries: 2, backoff: atOnce }));
    watch(stream);
    watch(stream);
    expect(source.started.count).toBe(6);
  });

  test('maxRetries of 0 is not replaced by the default', () => {
    const source = attempts(failing('down'));
    expect(errorOf(source.pipe(retryWithBackoff(0)))).toBe('down');
    expect(source.started.count).toBe(1);
  });

  test('three retries by default, one, two and four seconds apart', () => {
    const source = attempts(failing('down'));
    const { errors } = watch(source.pipe(retryWithBackoff()));
    const counts = [999, 1, 1_999, 1, 3_999, 1].map((time) => {
      vi.advanceTimersByTime(time);
      return source.started.count;
    });
    expect(counts).toStrictEqual([1, 2, 2, 3, 3, 4]);
    expect(errors).toHaveLength(1);
  });

  test('a subscribe function that throws is retried like any other failure', () => {
    let count = 0;
    const source = defer(() => {
      if (++count === 1) throw new Error('not yet');
      return of('a');
    });
    expect(watch(source.pipe(retryWithBackoff({ backoff: atOnce }))).values).toStrictEqual(['a']);
  });

  test('100 000 retries without a wait do not overflow the stack and use no timer', () => {
    const failures = Array.from({ length: 100_000 }, (_, n) => failing(n));
    const source = attempts<unknown>(...failures, of('a'));
    const story = watch(source.pipe(retryWithBackoff({ maxRetries: 100_000, backoff: atOnce })));
    expect(story.values).toStrictEqual(['a']);
    expect(story.completed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('100 000 resumptions without a wait do not overflow the stack', () => {
    const source = attempts<unknown>(
      ...Array.from({ length: 100_000 }, () => concat(of('a'), failing('cut'))),
      EMPTY,
    );
    const config = { maxRetries: 100_000, backoff: atOnce, resume: replayFromStart };
    expect(watch(source.pipe(retryWithBackoff<unknown, unknown>(config))).values).toHaveLength(100_000);
  });

  test('a consumer that takes three of a synchronous source stops it at three', () => {
    let produced = 0;
    const source = range(100_000).pipe(tap(() => produced++));
    watch(source.pipe(retryWithBackoff(3), take(3)));
    expect(produced).toBe(3);
  });

  test('the failed attempt is torn down before the next one starts, and before downstream hears', () => {
    const order: string[] = [];
    let count = 0;
    const source = defer(() => {
      const number = ++count;
      order.push(`start ${number}`);
      return failing('down').pipe(finalize(() => order.push(`stop ${number}`)));
    });
    source
      .pipe(retryWithBackoff({ maxRetries: 1, backoff: atOnce }))
      .subscribe({ error: () => order.push('error') });
    expect(order).toStrictEqual(['start 1', 'stop 1', 'start 2', 'stop 2', 'error']);
  });
});

describe('which errors are retried', () => {
  const mayPass = (error: unknown, config: RetryConfig = {}): boolean => {
    const source = attempts<unknown>(failing(error), of('a'));
    watch(source.pipe(retryWithBackoff({ backoff: fixedBackoff(1), ...config })));
    vi.advanceTimersByTime(10);
    return source.started.count === 2;
  };

  test.each([
    ['an Error', new Error('down'), true],
    ['a text', 'down', true],
    ['nothing', undefined, true],
    ['a server error', { status: 503 }, true],
    ['a timeout', new StreamTimeoutError('first', 'first', 5), true],
    ['a bad request', { status: 400 }, false],
    ['a wrong key', { kind: 'auth', status: 401 }, false],
    ["the caller's abort", new DOMException('aborted', 'AbortError'), false],
    ['a server error that says no', { status: 503, retryable: false }, false],
    ['a conflict that says yes', { kind: 'invalid', status: 409, retryable: true }, true],
    ['a bad request that says yes', { status: 400, retryable: true }, true],
    ['a full bulkhead', new BulkheadRejectedError('b', 'queue-full', 'is full.'), false],
    ['an open circuit that says when', new CircuitOpenError('c', 5), true],
    [
      'a circuit that was opened by hand',
      new CircuitOpenError('c', undefined, { state: 'forced-open' }),
      false,
    ],
    ['a half-open circuit', new CircuitOpenError('c', undefined, { state: 'half-open' }), true],
    ['a rate limit', new RateLimitExceededError('r', 5, 'is exceeded.'), true],
    [
      'retries within that ended with a bad request',
      new RetryExhaustedError('in', 2, 'attempts', '', { status: 400 }),
      false,
    ],
    [
      'retries within that ended with a server error',
      new RetryExhaustedError('in', 2, 'attempts', '', { status: 500 }),
      true,
    ],
  ])('by default, %s: %#', (_what, error, expected) => {
    expect(mayPass(error)).toBe(expected);
  });

  test('retryOn names classes, and replaces the default', () => {
    expect(mayPass(new TypeError(), { retryOn: [RangeError, TypeError] })).toBe(true);
    expect(mayPass(new Error('down'), { retryOn: [RangeError, TypeError] })).toBe(false);
    expect(mayPass(Object.assign(new TypeError(), { status: 400 }), { retryOn: [TypeError] })).toBe(true);
  });

  test('retryIf replaces the default', () => {
    expect(mayPass({ status: 404 }, { retryIf: () => true })).toBe(true);
    expect(mayPass({ status: 503 }, { retryIf: () => false })).toBe(false);
  });

  test('retryOn and retryIf have to agree', () => {
    const config = { retryOn: [TypeError], retryIf: (error: unknown) => (error as Error).message === 'yes' };
    expect(mayPass(new TypeError('yes'), config)).toBe(true);
    expect(mayPass(new TypeError('no'), config)).toBe(false);
    expect(mayPass(new Error('yes'), config)).toBe(false);
  });

  test('retryIf hears the error and the number of the attempt that failed', () => {
    const retryIf = vi.fn(() => true);
    watch(failing('down').pipe(retryWithBackoff({ maxRetries: 1, backoff: atOnce, retryIf })));
    expect(retryIf.mock.calls).toStrictEqual([
      ['down', 1],
      ['down', 2],
    ]);
  });

  test('a retryIf that throws ends the stream with what it threw', () => {
    const bug = new Error('a bug');
    const retryIf = () => {
      throw bug;
    };
    expect(errorOf(failing('down').pipe(retryWithBackoff({ retryIf })))).toBe(bug);
  });
});

describe('a rejection of this library never spins', () => {
  const full = new BulkheadRejectedError('b', 'queue-full', 'is full.');

  test.each([
    full,
    new CircuitOpenError('c', undefined, { state: 'half-open' }),
    new CircuitOpenError('c', undefined, { state: 'forced-open' }),
    new CircuitOpenError('c', 0),
  ])('it is not retried without a wait, whatever retryIf says: %s', (rejection) => {
    const source = attempts(failing(rejection));
    const stream = source.pipe(retryWithBackoff({ retryIf: () => true, backoff: atOnce }));
    expect(errorOf(stream)).toBe(rejection);
    expect(source.started.count).toBe(1);
  });

  test('retryIf may retry it after a wait', () => {
    const source = attempts<unknown>(failing(full), of('a'));
    const { values } = watch(
      source.pipe(retryWithBackoff({ retryIf: () => true, backoff: fixedBackoff(5) })),
    );
    vi.advanceTimersByTime(5);
    expect(values).toStrictEqual(['a']);
  });

  test('an open circuit is left alone for as long as it says', () => {
    const source = attempts<unknown>(failing(new CircuitOpenError('c', 500)), of('a'));
    watch(source.pipe(retryWithBackoff({ backoff: atOnce })));
    vi.advanceTimersByTime(499);
    expect(source.started.count).toBe(1);
    vi.advanceTimersByTime(1);
    expect(source.started.count).toBe(2);
  });
});

describe('the wait', () => {
  const startsAfter = (error: unknown, config: RetryConfig): number | undefined => {
    const delays: number[] = [];
    const onRetry = (_attempt: number, _error: unknown, delay: number) => delays.push(delay);
    const source = attempts<unknown>(failing(error), EMPTY);
    watch(source.pipe(retryWithBackoff({ ...config, onRetry })));
    vi.runAllTimers();
    expect(delays).toHaveLength(source.started.count - 1);
    return delays[0];
  };

  test("the longer one of the back-off's and the server's", () => {
    expect(startsAfter({ retryAfter: 5 }, { backoff: fixedBackoff(9) })).toBe(9);
    expect(startsAfter({ retryAfter: 9 }, { backoff: fixedBackoff(5) })).toBe(9);
    expect(startsAfter({ retryAfter: 0 }, { backoff: fixedBackoff(5) })).toBe(5);
    expect(startsAfter({ retryAfter: Number.NaN }, { backoff: fixedBackoff(5) })).toBe(5);
  });

  test('a server may ask for maxDelay and no more', () => {
    expect(startsAfter({ retryAfter: 10 }, { backoff: atOnce, maxDelay: 10 })).toBe(10);
    expect(startsAfter({ retryAfter: 10.1 }, { backoff: atOnce, maxDelay: 10 })).toBeUndefined();
    expect(startsAfter({ retryAfter: Number.POSITIVE_INFINITY }, { backoff: atOnce })).toBeUndefined();
  });

  test('without maxDelay the cap of the back-off holds, and a minute where it has none', () => {
    const capped = { maxDelay: 20, delay: () => 1 };
    expect(startsAfter({ retryAfter: 20 }, { backoff: capped })).toBe(20);
    expect(startsAfter({ retryAfter: 21 }, { backoff: capped })).toBeUndefined();
    expect(startsAfter({ retryAfter: 60_000 }, { backoff: () => 1 })).toBe(60_000);
    expect(startsAfter({ retryAfter: 60_001 }, { backoff: () => 1 })).toBeUndefined();
  });

  test('a longer back-off is cut to maxDelay, and to nothing else', () => {
    expect(startsAfter('down', { backoff: () => 90_000, maxDelay: 7 })).toBe(7);
    expect(startsAfter('down', { backoff: () => 90_000, maxDelay: 0 })).toBe(0);
    expect(startsAfter('down', { backoff: () => 90_000 })).toBe(90_000);
  });

  test('the back-off hears of the attempt, of its own delay before, and of the injected chance', () => {
    const delay = vi.fn(
      (attempt: number, _previous: number, random: () => number) => attempt * 10 + random(),
    );
    const random = () => 0.5;
    const source = attempts(failing({ retryAfter: 12 }));
    watch(source.pipe(retryWithBackoff({ maxRetries: 3, backoff: { delay }, random })));
    vi.runAllTimers();
    expect(delay.mock.calls).toStrictEqual([
      [1, 0, random],
      [2, 10.5, random],
      [3, 20.5, random],
    ]);
  });

  test('comes from the given scheduler alone, and so does the total timeout', () => {
    const scheduler = new ManualScheduler();
    const source = attempts(failing('down'), NEVER);
    const config = { scheduler, backoff: fixedBackoff(5), timeout: 9 };
    const { errors } = watch(source.pipe(retryWithBackoff(config)));
    expect(vi.getTimerCount()).toBe(0);
    scheduler.advanceTo(5);
    expect(source.started.count).toBe(2);
    scheduler.advanceTo(9);
    expect(errors).toHaveLength(1);
    expect(scheduler.pending).toBe(0);
  });

  test('a wait beyond 24 days does not end early', () => {
    const source = attempts<unknown>(failing('down'), EMPTY);
    watch(source.pipe(retryWithBackoff({ backoff: () => 2 ** 31 })));
    vi.advanceTimersByTime(2 ** 31 - 1);
    expect(source.started.count).toBe(1);
    vi.advanceTimersByTime(1);
    expect(source.started.count).toBe(2);
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, '5', undefined])(
    'a back-off that answers %s is an error, neither a hot loop nor an endless wait',
    (answer) => {
      const source = attempts(failing('down'));
      const backoff = () => answer as number;
      const error = errorOf(source.pipe(retryWithBackoff({ name: 'payments', backoff }))) as Error;
      expect(error).toBeInstanceOf(ResilienceError);
      expect(error.message).toBe(
        `Retry "payments": asked how long to wait before retry 1, the back-off said ${answer}. ` +
          'It must answer with milliseconds, finite and not negative.',
      );
      expect(error.cause).toBe('down');
      expect(source.started.count).toBe(1);
    },
  );

  test('a back-off that throws is an error as well', () => {
    const backoff = () => {
      throw new RangeError('a bug');
    };
    const error = errorOf(failing('down').pipe(retryWithBackoff({ name: 'payments', backoff }))) as Error;
    expect(error.message).toContain(
      'Retry "payments": asked how long to wait before retry 1, the back-off threw "a bug".',
    );
    expect(error.cause).toBe('down');
  });

  test('a cancel ends it at once and leaves no timer', () => {
    const source = attempts(failing('down'));
    const { events, heard } = listening();
    const { subscription, errors, completed } = watch(source.pipe(retryWithBackoff({ events })));
    expect(vi.getTimerCount()).toBe(1);
    subscription.unsubscribe();
    expect(vi.getTimerCount()).toBe(0);
    expect([source.started.count, errors, completed]).toStrictEqual([1, [], false]);
    expect(heard.map(({ type }) => type)).toStrictEqual(['retry_attempted']);
  });
});

describe('the end', () => {
  const exhausted = (stream: Observable<unknown>): RetryExhaustedError => {
    const error = errorOf(stream);
    expect(error).toBeInstanceOf(RetryExhaustedError);
    return error as RetryExhaustedError;
  };

  test('after retries it says how many attempts there were, why it gave up, and the last error', () => {
    const last = new Error('still down');
    const source = attempts(failing('down'), failing(last));
    const error = exhausted(
      source.pipe(retryWithBackoff({ name: 'payments', maxRetries: 2, backoff: atOnce })),
    );
    expect(error).toMatchObject({ policy: 'payments', attempts: 3, reason: 'attempts', cause: last });
    expect(error.message).toBe(
      'Retry "payments" gave up after 3 attempts: maxRetries is 2. Last error: still down',
    );
  });

  test('a last error that is not retried counts the attempts as well', () => {
    const source = attempts(failing('down'), failing({ status: 401 }));
    const error = exhausted(source.pipe(retryWithBackoff({ backoff: atOnce })));
    expect(error).toMatchObject({ attempts: 2, reason: 'not-retryable', cause: { status: 401 } });
    expect(error.message).toContain('this error is not retried');
  });

  test('the attempts do not hide from other policies what went wrong', () => {
    const around = (last: unknown) =>
      exhausted(attempts(failing('down'), failing(last)).pipe(retryWithBackoff({ backoff: atOnce })));
    expect(isCallerError(around({ status: 401 }))).toBe(true);
    expect(isCallerError(around({ status: 500, retryable: false }))).toBe(false);
    expect(isLocalRejection(around(new CircuitOpenError('c', undefined)))).toBe(true);
    expect(retryAfterOf(around({ retryAfter: 90_000 }))).toBe(90_000);
  });

  test("only the caller's own abort goes out as it came", () => {
    const abort = new DOMException('aborted', 'AbortError');
    const { events, heard } = listening();
    const source = attempts(failing('down'), failing(abort));
    expect(errorOf(source.pipe(retryWithBackoff({ events, backoff: atOnce })))).toBe(abort);
    expect(heard.map(({ type }) => type)).toStrictEqual(['retry_attempted']);
  });

  test('an error after the commit goes out as it came, also when retries ran before', () => {
    const cut = new Error('cut');
    const source = attempts<unknown>(failing('down'), concat(of('a'), failing(cut)));
    const { events, heard } = listening();
    const { values, errors } = watch(source.pipe(retryWithBackoff({ events, backoff: atOnce })));
    expect(values).toStrictEqual(['a']);
    expect(errors).toStrictEqual([cut]);
    expect(heard.map(({ type }) => type)).toStrictEqual(['retry_attempted']);
  });

  test('not retryable outranks attempts, attempts outrank time', () => {
    const reason = (last: unknown, maxRetries: number) =>
      exhausted(
        attempts(failing('down'), failing(last)).pipe(retryWithBackoff({ maxRetries, backoff: atOnce })),
      ).message;
    expect(reason({ status: 400, retryAfter: 90_000 }, 1)).toContain('not retried');
    expect(reason({ retryAfter: 90_000 }, 1)).toContain('maxRetries is 1');
    expect(reason({ retryAfter: 90_000 }, 2)).toContain(
      'it should wait 90000 ms, longer than maxDelay (60000 ms)',
    );
  });
});

describe('what is told', () => {
  test('one event a retry, before its wait, none after the last, one at the end', () => {
    const { events, heard } = listening();
    const config = { name: 'payments', events, maxRetries: 2, backoff: (attempt: number) => attempt * 10 };
    watch(failing(new Error('down')).pipe(retryWithBackoff(config)));
    expect(heard).toHaveLength(1);
    vi.runAllTimers();
    const error = { name: 'Error', message: 'down' };
    expect(heard.map(({ type, source, data }) => [type, source, data])).toStrictEqual([
      ['retry_attempted', 'payments', { attempt: 1, delay: 10, error }],
      ['retry_attempted', 'payments', { attempt: 2, delay: 20, error }],
      ['retry_exhausted', 'payments', { attempts: 3, reason: 'attempts', error }],
    ]);
  });

  test('a refusal before any retry is no event', () => {
    const { events, heard } = listening();
    watch(failing({ status: 400 }).pipe(retryWithBackoff({ events })));
    expect(heard).toStrictEqual([]);
  });

  test('onRetry hears number, error and delay before the wait', () => {
    const onRetry = vi.fn();
    watch(
      failing('down').pipe(retryWithBackoff({ maxRetries: 2, backoff: (attempt) => attempt * 10, onRetry })),
    );
    expect(onRetry.mock.calls).toStrictEqual([[1, 'down', 10]]);
    vi.runAllTimers();
    expect(onRetry.mock.calls).toStrictEqual([
      [1, 'down', 10],
      [2, 'down', 20],
    ]);
  });

  test.each([true, false])('what an onRetry throws is reported, and changes nothing: %s', (throws) => {
    const reported: unknown[] = [];
    rxjs.onUnhandledError = (thrown) => reported.push(thrown);
    const bug = new Error('a bug');
    const onRetry = () => {
      throw bug;
    };
    const source = attempts<unknown>(failing('down'), of('a'));
    const config = { backoff: fixedBackoff(5), ...(throws && { onRetry }) };
    const story = watch(source.pipe(retryWithBackoff(config)));
    vi.runAllTimers();
    rxjs.onUnhandledError = null;
    expect([story.values, story.errors]).toStrictEqual([['a'], []]);
    expect(reported).toStrictEqual(throws ? [bug] : []);
  });

  test('nor does an error hook that throws because of it', () => {
    rxjs.onUnhandledError = () => {
      throw new Error('the hook');
    };
    const onRetry = () => {
      throw new Error('a bug');
    };
    const story = watch(
      attempts<unknown>(failing('down'), of('a')).pipe(retryWithBackoff({ backoff: atOnce, onRetry })),
    );
    rxjs.onUnhandledError = null;
    expect([story.values, story.errors]).toStrictEqual([['a'], []]);
  });

  test.each([0, 5])('an onRetry that cancels resumes nothing (wait %s)', (delay) => {
    const { events, heard } = listening();
    const source$ = new Subject<string>();
    const resume = vi.fn(replayFromStart<string>);
    const onRetry = () => subscription.unsubscribe();
    const config = { events, backoff: fixedBackoff(delay), onRetry, resume };
    const { subscription } = watch(source$.pipe(retryWithBackoff(config)));
    source$.next('a');
    source$.error('down');
    vi.runAllTimers();
    expect(heard.map(({ type }) => type)).toStrictEqual(['retry_attempted']);
    expect(resume).not.toHaveBeenCalled();
  });

  test.each([0, 5])('an onRetry that cancels starts no other attempt (wait %s)', (delay) => {
    const trigger$ = new Subject<void>();
    const source = attempts(concat(trigger$, failing('down')));
    const onRetry = () => subscription.unsubscribe();
    const { subscription } = watch(source.pipe(retryWithBackoff({ backoff: fixedBackoff(delay), onRetry })));
    trigger$.complete();
    vi.runAllTimers();
    expect(source.started.count).toBe(1);
  });
});

describe('the total timeout', () => {
  test('a wait that ends when the time does is not begun', () => {
    const stream = failing('down').pipe(retryWithBackoff({ backoff: fixedBackoff(100), timeout: 100 }));
    expect(errorOf(stream)).toBe('down');
  });

  test('a wait that ends just before is', () => {
    const source = attempts<unknown>(failing('down'), of('a'));
    const { values } = watch(source.pipe(retryWithBackoff({ backoff: fixedBackoff(99), timeout: 100 })));
    vi.advanceTimersByTime(99);
    expect(values).toStrictEqual(['a']);
  });

  test('is counted from the subscription', () => {
    const source = attempts<unknown>(failing('down'), of('a'));
    const stream = source.pipe(retryWithBackoff({ backoff: fixedBackoff(99), timeout: 100 }));
    vi.advanceTimersByTime(1_000);
    const { values } = watch(stream);
    vi.advanceTimersByTime(99);
    expect(values).toStrictEqual(['a']);
  });

  test("a server's delay that does not fit gives up at once", () => {
    const stream = failing({ retryAfter: 101 }).pipe(retryWithBackoff({ backoff: atOnce, timeout: 100 }));
    expect(errorOf(stream)).toStrictEqual({ retryAfter: 101 });
  });

  test('the time that attempts took is gone', () => {
    const slow = concat(timer(60), failing('down')).pipe(filter((value): value is never => value !== 0));
    const source = attempts(slow);
    const { errors } = watch(source.pipe(retryWithBackoff({ backoff: fixedBackoff(50), timeout: 100 })));
    vi.advanceTimersByTime(60);
    expect(errors).toStrictEqual(['down']);
  });

  test('its error names the policy and the limit, and its cause is the last error', () => {
    const { events, heard } = listening();
    const source = attempts(failing('down'), NEVER);
    const config = { name: 'payments', events, backoff: fixedBackoff(10), timeout: 100 };
    const { errors } = watch(source.pipe(retryWithBackoff(config)));
    vi.advanceTimersByTime(100);
    const [error] = errors as StreamTimeoutError[];
    expect(error).toBeInstanceOf(StreamTimeoutError);
    expect(error).toMatchObject({ policy: 'payments', kind: 'total', after: 100, cause: 'down' });
    expect(heard.at(-1)).toMatchObject({ type: 'timed_out', data: { kind: 'total', after: 100 } });
  });

  test('a computer that slept through the limit makes no attempt when it wakes', () => {
    class Computer extends ManualScheduler {
      slept = 0;

      override now(): number {
        return super.now() + this.slept;
      }
    }
    const scheduler = new Computer();
    const source = attempts<unknown>(failing('down'), of('a'));
    const story = watch(
      source.pipe(retryWithBackoff({ scheduler, backoff: fixedBackoff(50), timeout: 100 })),
    );
    scheduler.slept = 50;
    scheduler.advanceTo(50);
    expect(story).toMatchObject({ values: [], errors: [{ kind: 'total', after: 100, cause: 'down' }] });
    expect([source.started.count, scheduler.pending]).toStrictEqual([1, 0]);
  });

  test('does not pass for whoever is gone with the attempt that it ends', () => {
    const { events, heard } = listening();
    const source = NEVER.pipe(finalize(() => subscription.unsubscribe()));
    const { subscription, errors } = watch(source.pipe(retryWithBackoff({ events, timeout: 100 })));
    vi.advanceTimersByTime(100);
    expect([errors, heard]).toStrictEqual([[], []]);
  });

  test('a cancel stops its clock', () => {
    watch(NEVER.pipe(retryWithBackoff({ timeout: 100 }))).subscription.unsubscribe();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('after the commit', () => {
  const cut = (...values: string[]) => concat(of(...values), failing('cut'));

  test('resume hears what happened and says how to go on', () => {
    const resume = vi.fn(({ emitted, retry }: Interruption<string>) =>
      retry === 1 ? cut('more') : Promise.resolve(`${emitted} before`),
    );
    const source = attempts(cut('a', 'b'));
    const { values } = watch(source.pipe(retryWithBackoff({ backoff: atOnce, resume })));
    expect(values).toStrictEqual(['a', 'b', 'more']);
    expect(resume.mock.calls.map(([{ error, emitted, retry }]) => [error, emitted, retry])).toStrictEqual([
      ['cut', 2, 1],
      ['cut', 3, 2],
    ]);
    expect(source.started.count).toBe(1);
  });

  test('what resume answers may be a promise', async () => {
    const resume = ({ emitted }: Interruption<string>) => Promise.resolve(`after ${emitted}`);
    const story = watch(cut('a', 'b').pipe(retryWithBackoff({ backoff: fixedBackoff(5), resume })));
    await vi.advanceTimersByTimeAsync(5);
    expect(story.values).toStrictEqual(['a', 'b', 'after 2']);
    expect(story.completed).toBe(true);
  });

  test('resume is asked when the wait is over, not before', () => {
    const resume = vi.fn(() => of('b'));
    watch(cut('a').pipe(retryWithBackoff({ backoff: fixedBackoff(5), resume })));
    vi.advanceTimersByTime(4);
    expect(resume).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(resume).toHaveBeenCalledOnce();
  });

  test.each([0, 5])('a resume that throws ends the stream with what it threw (wait %s)', (delay) => {
    const bug = new Error('a bug');
    const resume = vi.fn((): Observable<string> => {
      throw bug;
    });
    const { errors } = watch(cut('a').pipe(retryWithBackoff({ backoff: fixedBackoff(delay), resume })));
    vi.runAllTimers();
    expect(errors).toStrictEqual([bug]);
    expect(resume).toHaveBeenCalledOnce();
  });

  test('resumptions are retries: counted, refused, announced', () => {
    const { events, heard } = listening();
    const config = { events, maxRetries: 2, backoff: atOnce, resume: replayFromStart };
    const { values, errors } = watch(cut('a').pipe(retryWithBackoff<string, string>(config)));
    expect(values).toStrictEqual(['a', 'a', 'a']);
    expect(errors[0]).toBeInstanceOf(RetryExhaustedError);
    expect(heard.map(({ type }) => type)).toStrictEqual([
      'retry_attempted',
      'stream_resumed',
      'retry_attempted',
      'stream_resumed',
      'retry_exhausted',
    ]);
    expect(heard[3]?.data).toMatchObject({ emitted: 2 });
  });

  test('skipDelivered delivers every value once, however often the source breaks', () => {
    const source = attempts(cut('a'), cut('a', 'b', 'c'), of('a', 'b', 'c', 'd'));
    const { values } = watch(source.pipe(retryWithBackoff({ backoff: atOnce, resume: skipDelivered })));
    expect(values).toStrictEqual(['a', 'b', 'c', 'd']);
  });

  test('skipDelivered does not count what an attempt delivered that did not commit', () => {
    const source = attempts(cut('ping'), cut('ping', 'a'), of('ping', 'a', 'b'));
    const commitOn = (value: string) => value !== 'ping';
    const stream = source.pipe(retryWithBackoff({ backoff: atOnce, commitOn, resume: skipDelivered }));
    expect(watch(stream).values).toStrictEqual(['ping', 'ping', 'a', 'b']);
  });

  test('a commitOn that throws ends the stream, its source first', () => {
    const order: unknown[] = [];
    const commitOn = () => {
      throw new Error('a bug');
    };
    concat(of('a'), NEVER)
      .pipe(
        finalize(() => order.push('stopped')),
        retryWithBackoff({ commitOn }),
      )
      .subscribe({ next: (value) => order.push(value), error: (error: Error) => order.push(error.message) });
    expect(order).toStrictEqual(['stopped', 'a bug']);
  });

  test('a commitOn that cancels delivers nothing', () => {
    const trigger$ = new Subject<string>();
    const commitOn = () => {
      story.subscription.unsubscribe();
      return true;
    };
    const story = watch(trigger$.pipe(retryWithBackoff({ commitOn })));
    trigger$.next('a');
    expect([story.values, story.errors]).toStrictEqual([[], []]);
  });

  test('a commitOn without an answer has not said yes', () => {
    const source = attempts(cut('a'), of('b'));
    const commitOn = () => undefined as unknown as boolean;
    expect(watch(source.pipe(retryWithBackoff({ backoff: atOnce, commitOn }))).values).toStrictEqual([
      'a',
      'b',
    ]);
  });
});

test('types are inferred', () => {
  const text$ = of('a');
  expectTypeOf(text$.pipe(retryWithBackoff(3))).toEqualTypeOf<Observable<string>>();
  const commitOn = (value: string) => value !== '';
  expectTypeOf(text$.pipe(retryWithBackoff({ commitOn, resume: skipDelivered }))).toEqualTypeOf<
    Observable<string>
  >();
  expectTypeOf(text$.pipe(retryWithBackoff({ resume: restartBehind({ retract: true }) }))).toEqualTypeOf<
    Observable<string | { retract: boolean }>
  >();
  expectTypeOf(
    text$.pipe(retryWithBackoff({ commitOn: (value) => value.length > 0, resume: async () => 1 })),
  ).toEqualTypeOf<Observable<string | number>>();
});

describe('whatever happens', () => {
  test('every attempt is torn down, no timer is left, nothing follows the end', () => {
    const attempt = fc.record({
      values: fc.nat({ max: 3 }),
      wait: fc.nat({ max: 4 }),
      end: fc.constantFrom('complete', 'error', 'never'),
    });
    const scenario = fc.record({
      attempts: fc.array(attempt, { minLength: 1, maxLength: 5 }),
      backoff: fc.nat({ max: 3 }),
      timeout: fc.constantFrom(6, 20, Number.POSITIVE_INFINITY),
      resumes: fc.boolean(),
      cancelAt: fc.option(fc.nat({ max: 25 }), { nil: undefined }),
      takes: fc.nat({ max: 6 }),
    });
    fc.assert(
      fc.property(scenario, ({ attempts: plans, backoff, timeout, resumes, cancelAt, takes }) => {
        let open = 0;
        const source = attempts(
          ...plans.map(({ values, wait, end }) => {
            const ending = { complete: EMPTY, error: failing('down'), never: NEVER }[end];
            const content = concat(range(values), ending);
            return defer(() => {
              open++;
              const stream = wait === 0 ? content : timer(wait).pipe(switchMap(() => content));
              return stream.pipe(finalize(() => open--));
            });
          }),
        );
        const config = { backoff: fixedBackoff(backoff), timeout, ...(resumes && { resume: skipDelivered }) };
        const delivered: number[] = [];
        let ends = 0;
        const ended = (): void => {
          ends++;
          expect(open).toBe(0);
        };
        const subscription = source
          .pipe(retryWithBackoff<number, number>(config), take(takes))
          .subscribe({ next: (value) => delivered.push(value), error: ended, complete: () => ends++ });
        vi.advanceTimersByTime(cancelAt ?? 30);
        subscription.unsubscribe();
        const before = [...delivered];
        vi.advanceTimersByTime(100);
        expect(open).toBe(0);
        expect(vi.getTimerCount()).toBe(0);
        expect(ends).toBeLessThanOrEqual(1);
        expect(delivered).toStrictEqual(before);
        expect(delivered).toStrictEqual(delivered.map((_, index) => index));
      }),
      { numRuns: times(400) },
    );
  });
});

describe('bad configuration is refused by name and value', () => {
  test.each<[string, RetryConfig | number]>([
    ['option "maxRetries" must be a whole number of at least 0, got -1', -1],
    ['option "maxRetries" must be a finite number, got NaN', Number.NaN],
    ['option "maxRetries" must be a finite number, got Infinity', { maxRetries: Number.POSITIVE_INFINITY }],
    ['option "maxRetries" must be a whole number of at least 0, got 1.5', { maxRetries: 1.5 }],
    ['option "backoff" must be one of exponential, linear, fixed, jittered', { backoff: 'slow' as 'fixed' }],
    ['option "backoff" must be one of', { backoff: { delay: () => 1, maxDelay: Number.NaN } }],
    ['option "maxDelay" must not be negative, got -1', { maxDelay: -1 }],
    [
      'option "timeout" must be a duration in milliseconds greater than 0 (Infinity means none), got 0',
      { timeout: 0 },
    ],
    ['option "retryOn" must name at least one class, got an array of 0', { retryOn: [] }],
    ['option "retryOn.0" must be a class, got "TypeError"', { retryOn: ['TypeError' as never] }],
    ['option "retryIf" must be a function, got true', { retryIf: true as never }],
    ['unknown option "retries"', { retries: 3 } as RetryConfig],
    [
      'config must be a plain object, or is of another copy of this package, got an object (RetryBudget)',
      new RetryBudget(),
    ],
  ])('retryWithBackoff: %s', (message, config) => {
    const make = () => retryWithBackoff(config);
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(`retryWithBackoff: ${message}`);
  });
});
