import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProviderError, StreamInterruptedError } from '../../src/chat/index.ts';
import { count, parseConfig } from '../../src/core/config.ts';
import { summarize, WITHHELD, withhold } from '../../src/core/error-summary.ts';
import { ErrorSummarySchema } from '../../src/core/event-parts.ts';
import {
  FallbackExhaustedError,
  HedgeExhaustedError,
  ResilienceError,
  RetryExhaustedError,
} from '../../src/index.ts';

const SECRET = 'sk-secret-canary';

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (thrown) {
    return thrown;
  }
}

test.each<[string, unknown, ReturnType<typeof summarize>]>([
  ['an Error', new TypeError('bad'), { name: 'TypeError', message: 'bad' }],
  [
    'an Error with a kind and a status',
    Object.assign(new Error('busy'), { kind: 'overloaded', status: 503 }),
    { name: 'Error', message: 'busy', kind: 'overloaded', status: 503 },
  ],
  [
    'an accident of the system',
    Object.assign(new Error('read'), { code: 'ECONNRESET' }),
    { name: 'Error', message: 'read', code: 'ECONNRESET' },
  ],
  [
    'somebody else’s code',
    Object.assign(new Error('read'), { code: 'no such key' }),
    { name: 'Error', message: 'read' },
  ],
  ['a look-alike', { name: 'E', message: 'm', kind: 5, status: Number.NaN }, { name: 'E', message: 'm' }],
  ['a string', 'boom', { name: 'Error', message: 'boom' }],
  ['undefined', undefined, { name: 'Error', message: 'undefined' }],
  ['null', null, { name: 'Error', message: 'null' }],
  ['a symbol', Symbol('s'), { name: 'Error', message: 'Symbol(s)' }],
  [
    'an object without a prototype',
    Object.create(null),
    { name: 'Error', message: 'something that has no text' },
  ],
])('%s', (_, thrown, summary) => {
  expect(summarize(thrown)).toStrictEqual(summary);
});

describe('the chain of causes', () => {
  test('is told from the error on', () => {
    const socket = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    const error = new RetryExhaustedError(
      'r',
      2,
      'attempts',
      'maxRetries is 1',
      new TypeError('fetch failed', { cause: socket }),
    );
    expect(summarize(error)).toStrictEqual({
      name: 'RetryExhaustedError',
      message: 'Retry "r" gave up after 2 attempts: maxRetries is 1.',
      causes: [
        { name: 'TypeError', message: 'fetch failed' },
        { name: 'Error', message: 'socket hang up', code: 'ECONNRESET' },
      ],
    });
  });

  test('ends where it bites its own tail', () => {
    const [first, second] = [new Error('first'), new Error('second')];
    first.cause = second;
    second.cause = first;
    expect(summarize(first).causes).toStrictEqual([{ name: 'Error', message: 'second' }]);
    const alone = new Error('alone');
    alone.cause = alone;
    expect(summarize(alone)).toStrictEqual({ name: 'Error', message: 'alone' });
  });

  test('has a bounded length, and so has every word', () => {
    let error = new Error('root');
    for (let index = 0; index < 1_000; index++) error = new Error('x'.repeat(10_000), { cause: error });
    error.name = 'N'.repeat(10_000);
    Object.assign(error, { kind: 'k'.repeat(10_000) });
    expect(JSON.stringify(summarize(error)).length).toBeLessThan(6_000);
    expect(summarize(error).causes).toHaveLength(7);
  });
});

test('looks at nothing that throws when it is looked at', () => {
  const trap = new Proxy(new Error('trap'), {
    get() {
      throw new Error('looked at');
    },
  });
  expect(summarize(trap)).toStrictEqual({ name: 'Error', message: 'something that has no text' });
  const list = new Proxy([1], {
    get() {
      throw new Error('looked at');
    },
  });
  // Whether one of them quotes anybody is not known.
  expect(summarize(Object.assign(new Error('no'), { errors: list })).message).toBe(WITHHELD);
});

test('whatever is thrown, the summary survives a journey as JSON', () => {
  fc.assert(
    fc.property(
      fc.anything({ withNullPrototype: true, withBigInt: true }),
      fc.anything(),
      (thrown, cause) => {
        for (const error of [thrown, Object.assign(new Error('e', { cause }), Object(thrown))]) {
          const summary = summarize(error);
          expect(ErrorSummarySchema.parse(JSON.parse(JSON.stringify(summary)))).toStrictEqual(summary);
        }
      },
    ),
  );
});

describe('the words of others', () => {
  const quoting = () =>
    new ProviderError(`Provider "p" answered 400: "${SECRET}".`, {
      kind: 'invalid',
      provider: 'p',
      status: 400,
      summary: 'Provider "p" answered 400: [withheld].',
      cause: new Error(SECRET),
    });
  const foreign = (): Error => {
    const error = new Error(SECRET, { cause: SECRET });
    withhold(error);
    return error;
  };

  test.each<[string, () => unknown]>([
    ['a provider that is quoted', quoting],
    ['what it led to', () => new RetryExhaustedError('r', 2, 'attempts', 'maxRetries is 1', quoting())],
    [
      'a broken answer',
      () => new StreamInterruptedError('p', { text: SECRET, reasoning: SECRET }, quoting()),
    ],
    ['several', () => new FallbackExhaustedError('f', [quoting(), foreign()])],
    ['several attempts, not the first', () => new HedgeExhaustedError('h', [new Error('no'), foreign()])],
    [
      'one among those of somebody else',
      () => new AggregateError([new Error('no'), quoting()], `all failed: ${SECRET}`),
    ],
    [
      'one among those that led to it',
      () =>
        new Error(SECRET, { cause: new AggregateError([1, new Error('no', { cause: foreign() })], SECRET) }),
    ],
    [
      'one of more than can be looked at',
      () => new AggregateError([...Array.from({ length: 5_000 }, () => new Error('no')), foreign()], SECRET),
    ],
    ['an error of a provider of one’s own', foreign],
    ['one that repeats it', () => new Error(`failed: ${SECRET}`, { cause: quoting() })],
    ['a value that was refused', () => thrownBy(() => parseConfig('x', count(0), SECRET as never))],
  ])('are not repeated: %s', (_, make) => {
    const error = make();
    expect(JSON.stringify(summarize(error, 'all'))).toContain(SECRET);
    expect(JSON.stringify(summarize(error))).not.toContain(SECRET);
  });

  test('are named where they are missing', () => {
    expect(summarize(foreign())).toStrictEqual({
      name: 'Error',
      message: WITHHELD,
      causes: [{ name: 'Error', message: WITHHELD }],
    });
    expect(summarize(quoting())).toStrictEqual({
      name: 'ProviderError',
      message: 'Provider "p" answered 400: [withheld].',
      kind: 'invalid',
      status: 400,
      causes: [{ name: 'Error', message: WITHHELD }],
    });
  });

  test('every error of the house says what it may', () => {
    class Custom extends ResilienceError {}
    expect(summarize(new Custom('mine')).message).toBe('mine');
    expect(summarize(new ProviderError('mine', { kind: 'server', provider: 'p' })).message).toBe('mine');
    expect(summarize(thrownBy(() => parseConfig('x', count(0), -1)))).toMatchObject({
      message: 'x: config must be a whole number of at least 0',
    });
    expect(summarize(new FallbackExhaustedError('f', [1, 2])).message).toBe(
      'Fallback "f": the source and every alternative failed, 2 errors in all.',
    );
    expect(summarize(new HedgeExhaustedError('h', [1, 2])).message).toBe('Hedge "h": all 2 attempts failed.');
    expect(summarize(new StreamInterruptedError('p', { text: 'abc', reasoning: '' }, 'x')).message).toBe(
      'The answer of "p" broke off after 3 characters.',
    );
  });

  test('a thrown string cannot be marked, and is no harm', () => {
    withhold('text');
    expect(summarize('text').message).toBe('text');
  });
});
