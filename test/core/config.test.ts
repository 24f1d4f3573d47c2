import { runInNewContext } from 'node:vm';
import { asapScheduler } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import {
  commonOptions,
  count,
  delay,
  duration,
  functionOption,
  limit,
  parseConfig,
  period,
  rate,
} from '../../src/core/config.ts';
import { isConfigurationError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { RetryBudget } from '../../src/core/retry-budget.ts';

const Schema = z.strictObject({
  ...commonOptions,
  maxQueue: z._default(count(0), 50),
  delay: z._default(duration(), 1_000),
  timeout: z._default(limit(), 5_000),
  share: z.optional(rate()),
  onRetry: z.optional(functionOption<() => void>()),
  mode: z.optional(z.enum(['fail', 'restart'])),
  statuses: z.optional(z.array(z.number())),
  enabled: z.optional(z.boolean()),
  window: z.optional(z.strictObject({ size: count(1) })),
  backoff: z.optional(
    z.union([z.enum(['fixed', 'linear']), duration(), z.strictObject({ base: duration() })]),
  ),
  recovery: z.optional(
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('count'), size: count(1) }),
      z.strictObject({ type: z.literal('time') }),
    ]),
  ),
  apiKey: z.optional(z.string().check(z.minLength(40, 'must be complete'))),
  headers: z.optional(z.record(z.string(), z.string())),
  maxTokens: z.optional(z.number()),
  keyring: z.optional(z.number()),
  interval: z.optional(period()),
  wait: z.optional(delay()),
  span: z.optional(
    z.union([
      z.strictObject({ min: z.optional(z.number()) }),
      z.strictObject({ max: z.optional(z.number()) }),
    ]),
  ),
});

interface Refusal {
  readonly config: unknown;
  readonly message: string;
}

const messageFor = (config: unknown): string => {
  try {
    parseConfig('Bulkhead', Schema, config as never);
  } catch (thrown) {
    if (!isConfigurationError(thrown)) throw thrown;
    return thrown.message;
  }
  throw new Error(`accepted ${String(config)}`);
};

describe('a refusal names the option and the value', () => {
  test.each([
    { config: { maxQueue: '50' }, message: 'Bulkhead: option "maxQueue" must be a finite number, got "50"' },
    {
      config: { maxQueue: Number.NaN },
      message: 'Bulkhead: option "maxQueue" must be a finite number, got NaN',
    },
    {
      config: { maxQueue: -1 },
      message: 'Bulkhead: option "maxQueue" must be a whole number of at least 0, got -1',
    },
    {
      config: { maxQueue: 1.5 },
      message: 'Bulkhead: option "maxQueue" must be a whole number of at least 0, got 1.5',
    },
    {
      config: { maxQueue: 2 ** 53 },
      message: 'Bulkhead: option "maxQueue" must be a whole number of at least 0, got 9007199254740992',
    },
    {
      config: { maxQueue: Number.POSITIVE_INFINITY },
      message: 'Bulkhead: option "maxQueue" must be a finite number, got Infinity',
    },
    { config: { maxQueue: null }, message: 'Bulkhead: option "maxQueue" must be a finite number, got null' },
    { config: { delay: -1 }, message: 'Bulkhead: option "delay" must not be negative, got -1' },
    {
      config: { delay: Number.POSITIVE_INFINITY },
      message: 'Bulkhead: option "delay" must be a finite duration in milliseconds, got Infinity',
    },
    {
      config: { delay: new Date(0) },
      message: 'Bulkhead: option "delay" must be a finite duration in milliseconds, got an object (Date)',
    },
    {
      config: { timeout: 0 },
      message:
        'Bulkhead: option "timeout" must be a duration in milliseconds greater than 0 (Infinity means none), got 0',
    },
    {
      config: { timeout: Number.NaN },
      message:
        'Bulkhead: option "timeout" must be a duration in milliseconds greater than 0 (Infinity means none), got NaN',
    },
    {
      config: { timeout: 10n },
      message:
        'Bulkhead: option "timeout" must be a duration in milliseconds greater than 0 (Infinity means none), got 10n',
    },
    { config: { interval: 0 }, message: 'Bulkhead: option "interval" must be greater than 0, got 0' },
    ...[-1, '5', Number.NaN].map((wait) => ({
      config: { wait },
      message: `Bulkhead: option "wait" must be a duration in milliseconds, and not negative (Infinity means never), got ${
        typeof wait === 'string' ? JSON.stringify(wait) : wait
      }`,
    })),
    { config: { share: 0 }, message: 'Bulkhead: option "share" must be greater than 0 and at most 1, got 0' },
    {
      config: { share: 20 },
      message: 'Bulkhead: option "share" must be greater than 0 and at most 1, got 20',
    },
    { config: { onRetry: 'log' }, message: 'Bulkhead: option "onRetry" must be a function, got "log"' },
    {
      config: { mode: 'retry' },
      message: 'Bulkhead: option "mode" must be "fail" or "restart", got "retry"',
    },
    { config: { statuses: 500 }, message: 'Bulkhead: option "statuses" must be an array, got 500' },
    {
      config: { statuses: [500, '503'] },
      message: 'Bulkhead: option "statuses.1" must be a number, got "503"',
    },
    {
      config: { enabled: () => true },
      message: 'Bulkhead: option "enabled" must be a boolean, got function enabled',
    },
    { config: { name: '' }, message: 'Bulkhead: option "name" must not be empty, got ""' },
    { config: { name: Symbol('s') }, message: 'Bulkhead: option "name" must be a string, got Symbol(s)' },
    {
      config: { events: {} },
      message: 'Bulkhead: option "events" must be an EventBus, got an object (Object)',
    },
    { config: { events: null }, message: 'Bulkhead: option "events" must be an EventBus, got null' },
    {
      config: { scheduler: 'async' },
      message: 'Bulkhead: option "scheduler" must be an RxJS scheduler, got "async"',
    },
    {
      config: { scheduler: null },
      message: 'Bulkhead: option "scheduler" must be an RxJS scheduler, got null',
    },
    {
      config: { maxTokens: 'many', keyring: 'none' },
      message:
        'Bulkhead: option "maxTokens" must be a number, got "many"; option "keyring" must be a number, got "none"',
    },
    {
      config: { window: { size: 0 } },
      message: 'Bulkhead: option "window.size" must be a whole number of at least 1, got 0',
    },
    { config: { window: 10 }, message: 'Bulkhead: option "window" must be an object, got 10' },
    { config: { window: [10] }, message: 'Bulkhead: option "window" must be an object, got an array of 1' },
    {
      config: { window: Object.create(null) },
      message: 'Bulkhead: option "window.size" must be a finite number, got undefined',
    },
    { config: { maxQueued: 5 }, message: 'Bulkhead: unknown option "maxQueued"' },
    { config: { window: { size: 1, length: 5 } }, message: 'Bulkhead: unknown option "window.length"' },
    { config: { a: 1, b: 2 }, message: 'Bulkhead: unknown option "a", "b"' },
    {
      config: { maxQueue: -1, delay: -1 },
      message:
        'Bulkhead: option "maxQueue" must be a whole number of at least 0, got -1; option "delay" must not be negative, got -1',
    },
  ] satisfies Refusal[])('$message', ({ config, message }) => {
    expect(messageFor(config)).toBe(message);
  });

  test.each([
    {
      config: { backoff: 'quick' },
      message:
        'Bulkhead: option "backoff" must be "fixed" or "linear", or a finite duration in milliseconds, or an object, got "quick"',
    },
    {
      config: { backoff: -5 },
      message: 'Bulkhead: option "backoff" must not be negative, got -5',
    },
    {
      config: { backoff: { base: -5 } },
      message: 'Bulkhead: option "backoff.base" must not be negative, got -5',
    },
    { config: { backoff: { base: 5, factor: 2 } }, message: 'Bulkhead: unknown option "backoff.factor"' },
    {
      config: { backoff: { base: 'soon' } },
      message: 'Bulkhead: option "backoff.base" must be a finite duration in milliseconds, got "soon"',
    },
    { config: { span: { size: 1 } }, message: 'Bulkhead: unknown option "span.size"' },
    {
      config: { recovery: { type: 'rate' } },
      message: 'Bulkhead: option "recovery.type" must be "count" or "time", got "rate"',
    },
    {
      config: { recovery: {} },
      message: 'Bulkhead: option "recovery.type" must be "count" or "time", got undefined',
    },
    {
      config: { recovery: { type: 'count', size: 0 } },
      message: 'Bulkhead: option "recovery.size" must be a whole number of at least 1, got 0',
    },
  ] satisfies Refusal[])('of several forms, the one that was meant: $message', ({ config, message }) => {
    expect(messageFor(config)).toBe(message);
  });

  test.each([
    { config: null, message: 'Bulkhead: config must be an object, got null' },
    { config: undefined, message: 'Bulkhead: config must be an object, got undefined' },
    { config: 10, message: 'Bulkhead: config must be an object, got 10' },
    { config: 'fast', message: 'Bulkhead: config must be an object, got "fast"' },
    { config: [], message: 'Bulkhead: config must be an object, got an array of 0' },
    { config: () => 1, message: 'Bulkhead: config must be an object, got function config' },
    {
      config: new Map(),
      message:
        'Bulkhead: config must be a plain object, or is of another copy of this package, got an object (Map)',
    },
    {
      config: new RetryBudget(),
      message:
        'Bulkhead: config must be a plain object, or is of another copy of this package, got an object (RetryBudget)',
    },
  ] satisfies Refusal[])('a config that is none: $message', ({ config, message }) => {
    expect(messageFor(config)).toBe(message);
  });

  test.each([
    ['that has what it needs', { size: 1 }],
    ['that has more', { size: 1, width: 2 }],
  ])('an object with methods where a config belongs, %s', (_, fields) => {
    class Pane {
      slide(): void {}
    }
    class Window extends Pane {}
    expect(messageFor({ recovery: { type: 'time' }, window: Object.assign(new Window(), fields) })).toBe(
      'Bulkhead: option "window" must be a plain object, or is of another copy of this package, got an object (Window)',
    );
  });

  test('not in what is left out, because nothing is known of it', () => {
    const Memory = z.object({ name: z.string() });
    const later = { name: 'a', trend: { failures: { rising: true } } };
    expect(parseConfig('Memory', Memory, later)).toStrictEqual({ name: 'a' });
  });

  test('also where a check misses an option of an option that is not there', () => {
    const Needs = z
      .object({})
      .check(z.refine(() => false, { path: ['window', 'size'], message: 'is missing' }));
    expect(() => parseConfig('Bulkhead', Needs, {})).toThrow(
      'Bulkhead: option "window.size" is missing, got undefined',
    );
  });

  test('the cause is what the schema said', () => {
    expect(() => parseConfig('Bulkhead', Schema, { maxQueue: -1 })).toThrow(
      expect.objectContaining({ name: 'ConfigurationError', cause: expect.any(z.core.$ZodError) }),
    );
  });
});

describe('texts that a program sets for zod', () => {
  afterEach(() => z.config({ localeError: undefined as never, customError: undefined as never }));

  test('do not change ours', () => {
    const before = messageFor({ mode: 'x', statuses: 5, window: 3 });
    z.config({ localeError: () => 'Ungültige Eingabe', customError: () => 'nope' });
    expect(messageFor({ mode: 'x', statuses: 5, window: 3 })).toBe(before);
  });
});

describe('a message is one line, whatever the value', () => {
  test.each<[string, unknown]>([
    ['a long text', 'x'.repeat(10_000)],
    ['a text of many lines', 'a\nb\r\nc\u2028d'],
    ['a big number', 10n ** 500n],
    ['a symbol of many lines', Symbol(`a\nb${'c'.repeat(1_000)}`)],
    ['a function of many lines', Object.defineProperty(() => {}, 'name', { value: 'a\nb' })],
    ['a function whose name is a function', Object.defineProperty(() => {}, 'name', { value: () => 'a' })],
    ['an object without a prototype', Object.create(null)],
    ['an object whose constructor is data', { constructor: 'a\nb' }],
    ['a long array', Array.from({ length: 1_000 }, () => 'x')],
  ])('%s', (_, value) => {
    const message = messageFor({ maxQueue: value });
    expect(message).not.toMatch(/[\n\r\u2028\u2029]/);
    expect(message.length).toBeLessThan(200);
  });

  test('nor does an option of that name', () => {
    const message = messageFor({ [`a\nb${'c'.repeat(1_000)}`]: 1 });
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(200);
  });

  test('and shows sixty characters of it at most, with one space for all that is white', () => {
    const got = (maxQueue: string): unknown =>
      JSON.parse(messageFor({ maxQueue }).split(', got ')[1] as string);
    expect(got('x'.repeat(60))).toBe('x'.repeat(60));
    expect(got('x'.repeat(61))).toBe(`${'x'.repeat(60)}…`);
    expect(got('a \r\n\t b')).toBe('a b');
  });
});

describe('a secret is refused without being shown', () => {
  test.each([
    {
      config: { apiKey: 'sk-1234' },
      message: 'Bulkhead: option "apiKey" must be complete, got a string (not shown)',
    },
    {
      config: { apiKey: 1234 },
      message: 'Bulkhead: option "apiKey" must be a string, got a number (not shown)',
    },
    {
      config: { headers: 'authorization: Bearer 1234' },
      message: 'Bulkhead: option "headers" must be a record, got a string (not shown)',
    },
    {
      config: { headers: { authorization: 1234 } },
      message: 'Bulkhead: option "headers.authorization" must be a string, got a number (not shown)',
    },
    { config: { clientSecret: '1234' }, message: 'Bulkhead: unknown option "clientSecret"' },
  ] satisfies Refusal[])('$message', ({ config, message }) => {
    expect(messageFor(config)).toBe(message);
    expect(message).not.toContain('1234');
  });

  test('nor does its error carry it', () => {
    try {
      parseConfig('Provider', Schema, { apiKey: 'sk-1234' });
    } catch (thrown) {
      expect(JSON.stringify((thrown as Error).cause)).not.toContain('sk-1234');
      expect(String((thrown as Error).stack)).not.toContain('sk-1234');
    }
    expect.assertions(2);
  });
});

describe('what is accepted', () => {
  test('0 is never replaced by a default, what is missing or undefined is', () => {
    expect(parseConfig('Bulkhead', Schema, { maxQueue: 0, delay: 0 })).toStrictEqual({
      maxQueue: 0,
      delay: 0,
      timeout: 5_000,
    });
    expect(parseConfig('Bulkhead', Schema, { maxQueue: undefined })).toMatchObject({
      maxQueue: 50,
      delay: 1_000,
    });
  });

  test('limits may be infinite, a rate may be 1', () => {
    const config = { timeout: Number.POSITIVE_INFINITY, wait: Number.POSITIVE_INFINITY, share: 1 };
    expect(parseConfig('Bulkhead', Schema, config)).toMatchObject(config);
    expect(parseConfig('Bulkhead', Schema, { wait: 0 })).toMatchObject({ wait: 0 });
  });

  test('a config may have no prototype, one of another context, or be an instance whose class has no methods', () => {
    class Settings {
      delay = 5;
      get maxQueue(): number {
        return 7;
      }
    }
    const elsewhere = runInNewContext('({ maxQueue: 7, delay: 5 })') as object;
    const bare = Object.assign(Object.create(null), { maxQueue: 7, delay: 5 });
    for (const config of [new Settings(), elsewhere, bare])
      expect(parseConfig('Bulkhead', Schema, config)).toMatchObject({ maxQueue: 7, delay: 5 });
  });

  test('shared objects and functions arrive as they are', () => {
    const events = new EventBus();
    const onRetry = (): void => {};
    const parsed = parseConfig('Bulkhead', Schema, { events, scheduler: asapScheduler, onRetry });
    expect(parsed.events).toBe(events);
    expect(parsed.scheduler).toBe(asapScheduler);
    expect(parsed.onRetry).toBe(onRetry);
  });
});
