import { inspect } from 'node:util';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import * as errors from '../../src/core/errors.ts';
import {
  CircuitOpenError,
  ConfigurationError,
  FallbackExhaustedError,
  failureOf,
  isBulkheadRejectedError,
  isCallerError,
  isCancellation,
  isChaosError,
  isCircuitOpenError,
  isConfigurationError,
  isFallbackExhaustedError,
  isLocalRejection,
  isRateLimitExceededError,
  isResilienceError,
  isRetryExhaustedError,
  isStreamTimeoutError,
  isThrottledError,
  messageOf,
  RateLimitExceededError,
  ResilienceError,
  RetryExhaustedError,
  retryAfterOf,
  StreamTimeoutError,
} from '../../src/core/errors.ts';

vi.resetModules();
/** The same module a second time, as when two packages bring their own copy. */
const copy = await import('../../src/core/errors.ts');

const cause = new Error('boom');

function examplesOf(from: typeof errors) {
  return {
    ResilienceError: new from.ResilienceError('base', { cause }),
    ConfigurationError: new from.ConfigurationError('option', { cause }),
    CircuitOpenError: new from.CircuitOpenError('payments', 1_234.5, { cause }),
    BulkheadRejectedError: new from.BulkheadRejectedError('images', 'queue-full', 'is full: 2 active.', 250),
    RateLimitExceededError: new from.RateLimitExceededError('tokens', 99.1, 'is exhausted.'),
    ThrottledError: new from.ThrottledError('search', 0.5),
    ChaosError: new from.ChaosError('game-day'),
    StreamTimeoutError: new from.StreamTimeoutError('answer', 'each', 50, { cause }),
    RetryExhaustedError: new from.RetryExhaustedError('answer', 3, 'attempts', 'no attempts are left', cause),
    FallbackExhaustedError: new from.FallbackExhaustedError('answer', [cause, 'nope', new TypeError('bad')]),
  };
}

const guards: Record<string, (error: unknown) => boolean> = {
  ResilienceError: isResilienceError,
  ConfigurationError: isConfigurationError,
  CircuitOpenError: isCircuitOpenError,
  BulkheadRejectedError: isBulkheadRejectedError,
  RateLimitExceededError: isRateLimitExceededError,
  ThrottledError: isThrottledError,
  ChaosError: isChaosError,
  StreamTimeoutError: isStreamTimeoutError,
  RetryExhaustedError: isRetryExhaustedError,
  FallbackExhaustedError: isFallbackExhaustedError,
};

const ours = Object.entries(examplesOf(errors));
const others = Object.entries(examplesOf(copy));
const classes = new Map<string, unknown>(Object.entries(errors));

test('the second copy is one', () => {
  expect(copy.ResilienceError).not.toBe(ResilienceError);
});

describe.each([
  ['its own copy', ours],
  ['another copy', others],
] as const)('an error of %s', (_, examples) => {
  test.each(examples)(
    '%s is known by its guard, by instanceof and as a ResilienceError, and as nothing else',
    (name, error) => {
      const names = Object.keys(guards).filter((guarded) => guards[guarded]?.(error));
      expect(new Set(names)).toStrictEqual(new Set(['ResilienceError', name]));
      const known = Object.keys(guards).filter(
        (guarded) => error instanceof (classes.get(guarded) as typeof Error),
      );
      expect(new Set(known)).toStrictEqual(new Set(['ResilienceError', name]));
      expect(error).toBeInstanceOf(Error);
      expect(error.name).toBe(name);
    },
  );

  test('FallbackExhaustedError is an AggregateError too', () => {
    const error = examples.find(([name]) => name === 'FallbackExhaustedError')?.[1];
    expect(error).toBeInstanceOf(AggregateError);
    expect(error).toHaveProperty('errors', [cause, 'nope', new TypeError('bad')]);
  });
});

describe('look-alikes', () => {
  test.each<[string, unknown]>([
    ['the name alone', Object.assign(new Error('Circuit open'), { name: 'CircuitOpenError' })],
    ['the fields alone', { name: 'CircuitOpenError', circuit: 'a', retryAfter: 5, message: '' }],
    ['an ordinary AggregateError', new AggregateError([cause])],
    ['a message', 'CircuitOpenError'],
    ['null', null],
    ['undefined', undefined],
    ['the class itself', CircuitOpenError],
  ])('%s is none of ours', (_, value) => {
    expect(Object.values(guards).some((guard) => guard(value))).toBe(false);
    expect(value instanceof CircuitOpenError).toBe(false);
  });
});

describe('subclasses of users', () => {
  class PaymentsClosed extends CircuitOpenError {
    constructor() {
      super('payments', undefined);
    }
  }
  class Renamed extends ResilienceError {
    override name = 'Renamed';
  }

  test('are known as what they extend', () => {
    expect(new PaymentsClosed()).toBeInstanceOf(CircuitOpenError);
    expect(new PaymentsClosed()).toBeInstanceOf(PaymentsClosed);
    expect(isCircuitOpenError(new PaymentsClosed())).toBe(true);
    expect(new PaymentsClosed().name).toBe('CircuitOpenError');
    expect(new Renamed('x').name).toBe('Renamed');
  });

  test('do not claim their siblings', () => {
    expect(new CircuitOpenError('payments', 1)).not.toBeInstanceOf(PaymentsClosed);
    expect(new Renamed('x')).not.toBeInstanceOf(PaymentsClosed);
    expect(new Renamed('x')).not.toBeInstanceOf(CircuitOpenError);
  });
});

describe('for people', () => {
  test('messages say what happened, to which named thing, and what to do', () => {
    const messages = ours.map(([, error]) => error.message);
    expect(messages).toMatchInlineSnapshot(`
      [
        "base",
        "option",
        "Circuit "payments" is open: the attempt was not made. Try again in 1235 ms.",
        "Bulkhead "images" is full: 2 active. A place may be expected in 250 ms.",
        "Rate limiter "tokens" is exhausted. A permit is there in 100 ms.",
        "Throttle "search": the other side refuses too much, so 50 % of all requests are turned away here, and this one was not made.",
        "Chaos "game-day" broke the stream on purpose.",
        "Timeout "answer": the stream was silent for 50 ms (each).",
        "Retry "answer" gave up after 3 attempts: no attempts are left. Last error: boom",
        "Fallback "answer": the source and every alternative failed: 1. boom; 2. nope; 3. bad",
      ]
    `);
    expect([
      new CircuitOpenError('payments', undefined).message,
      new CircuitOpenError('payments', undefined, { state: 'half-open' }).message,
      new CircuitOpenError('payments', undefined, { state: 'forced-open' }).message,
      new StreamTimeoutError('answer', 'first', 50).message,
      new StreamTimeoutError('answer', 'total', 50).message,
    ]).toMatchInlineSnapshot(`
      [
        "Circuit "payments" is open: the attempt was not made.",
        "Circuit "payments" is half-open and all its places are taken: the attempt was not made.",
        "Circuit "payments" was opened by hand: the attempt was not made. It stays open until reset() is called.",
        "Timeout "answer": the stream gave no first value within 50 ms (first).",
        "Timeout "answer": the stream did not end within 50 ms (total).",
      ]
    `);
  });

  test.each(ours)('%s: the stack begins with name and message', (name, error) => {
    expect(error.stack?.startsWith(`${name}: ${error.message}`)).toBe(true);
  });

  test.each(ours)('%s: no field is there without a meaning', (name, error) => {
    const fields: Record<string, string[]> = {
      CircuitOpenError: ['circuit', 'state', 'retryAfter'],
      BulkheadRejectedError: ['bulkhead', 'reason', 'retryAfter'],
      RateLimitExceededError: ['limiter', 'retryAfter'],
      ThrottledError: ['throttle', 'probability'],
      ChaosError: ['chaos'],
      StreamTimeoutError: ['policy', 'kind', 'after'],
      RetryExhaustedError: ['policy', 'attempts', 'reason'],
      FallbackExhaustedError: ['policy'],
    };
    expect(Object.keys(error)).toStrictEqual(fields[name] ?? []);
    expect(Object.keys(JSON.parse(JSON.stringify(error)) as object)).toStrictEqual(fields[name] ?? []);
  });

  test('inspect shows name, message, fields and cause', () => {
    const shown = inspect(new CircuitOpenError('payments', 5, { cause }));
    expect(shown).toMatch(/^CircuitOpenError: Circuit "payments" is open/);
    expect(shown).toContain('[cause]: Error: boom');
    expect(shown).toContain("circuit: 'payments'");
    expect(shown).not.toContain('Symbol(');
    expect(inspect(new FallbackExhaustedError('a', [cause, cause]))).toContain('[errors]');
  });

  test('the cause is kept, also a falsy one; without one there is no such field', () => {
    expect(new ResilienceError('x', { cause: 0 }).cause).toBe(0);
    expect(new ResilienceError('x', { cause: null })).toHaveProperty('cause', null);
    expect(Object.hasOwn(new ResilienceError('x'), 'cause')).toBe(false);
    expect(new RetryExhaustedError('r', 2, 'attempts', '', cause).cause).toBe(cause);
    expect(new FallbackExhaustedError('f', [cause, 'nope']).cause).toBe(cause);
  });

  test.each<[unknown, string]>([
    [new Error('boom'), 'boom'],
    [{ message: 'boom' }, 'boom'],
    ['boom', 'boom'],
    [undefined, 'undefined'],
    [null, 'null'],
    [0, '0'],
    [Symbol('s'), 'Symbol(s)'],
    [Object.create(null), 'something that has no text'],
  ])('anything that was thrown has a message', (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
    expect(new RetryExhaustedError('r', 2, 'attempts', '', thrown).message).toContain(message);
    expect(new FallbackExhaustedError('f', [thrown]).message).toContain(message);
  });
});

test('guards narrow', () => {
  const error: unknown = new StreamTimeoutError('a', 'each', 1);
  if (isStreamTimeoutError(error))
    expectTypeOf(error.kind).toEqualTypeOf<'first' | 'each' | 'total' | 'headers' | 'throughput'>();
  expectTypeOf(new FallbackExhaustedError('f', [])).toExtend<ResilienceError>();
});

const exhausted = (last: unknown): unknown =>
  new RetryExhaustedError(
    'outer',
    2,
    'attempts',
    '',
    new RetryExhaustedError('inner', 3, 'attempts', '', last),
  );

describe('isCallerError', () => {
  test.each<[unknown, boolean]>([
    ...[400, 401, 403, 404, 413, 422].map((status): [unknown, boolean] => [{ status }, true]),
    ...[200, 402, 408, 409, 418, 425, 429, 500, 502, 503, 504, 529].map((status): [unknown, boolean] => [
      { status },
      false,
    ]),
    ...['auth', 'invalid', 'context-length', 'content-filter', 'cancelled'].map(
      (kind): [unknown, boolean] => [{ kind }, true],
    ),
    [{ kind: 'overloaded', status: 400 }, false],
    [{ kind: 'auth', status: 500 }, true],
    [{ kind: 7, status: 400 }, true],
    [{ status: '400' }, false],
    [new DOMException('stopped', 'AbortError'), true],
    [new DOMException('late', 'TimeoutError'), false],
    [new StreamTimeoutError('a', 'first', 5), false],
    [new CircuitOpenError('a', 5), false],
    [cause, false],
    [400, false],
    [null, false],
    [undefined, false],
    [exhausted({ status: 401 }), true],
    [exhausted({ status: 500 }), false],
  ])('%o: %s', (error, verdict) => {
    expect(isCallerError(error)).toBe(verdict);
  });
});

describe('retryAfterOf', () => {
  test.each<[unknown, number | undefined]>([
    [new CircuitOpenError('a', 250), 250],
    [new CircuitOpenError('a', undefined), undefined],
    [new RateLimitExceededError('a', 0, ''), 0],
    [{ retryAfter: 5 }, 5],
    [{ retryAfter: -5 }, undefined],
    [{ retryAfter: Number.NaN }, undefined],
    [{ retryAfter: '5' }, undefined],
    [{ retryAfter: null }, undefined],
    [cause, undefined],
    ['5', undefined],
    [null, undefined],
    [undefined, undefined],
    [exhausted({ retryAfter: 7 }), 7],
  ])('%o: %s', (error, delay) => {
    expect(retryAfterOf(error)).toBe(delay);
  });
});

test('local rejections are known, also behind the retries that met them', () => {
  const local = ours.filter(([, error]) => isLocalRejection(error)).map(([name]) => name);
  expect(local).toStrictEqual([
    'CircuitOpenError',
    'BulkheadRejectedError',
    'RateLimitExceededError',
    'ThrottledError',
  ]);
  expect(isLocalRejection(exhausted(new CircuitOpenError('a', 5)))).toBe(true);
  expect(failureOf(exhausted(cause))).toBe(cause);
  expect(isLocalRejection(exhausted(cause))).toBe(false);
});

test.each<[unknown, boolean]>([
  [{ kind: 'cancelled' }, true],
  [new DOMException('stopped', 'AbortError'), true],
  [{ kind: 'network', name: 'AbortError' }, false],
  [new DOMException('late', 'TimeoutError'), false],
  [null, false],
  ['AbortError', false],
])('isCancellation(%o): %s', (error, verdict) => {
  expect(isCancellation(error)).toBe(verdict);
});

test('a ConfigurationError needs nothing but its message', () => {
  expect(new ConfigurationError('x').message).toBe('x');
});
