/** A config is accepted, or refused at once by an error that names what is wrong; nothing else may come of it. */
import fc from 'fast-check';
import { NEVER, type OperatorFunction } from 'rxjs';
import { describe, expect, test } from 'vitest';
import * as library from '../../src/index.ts';
import { DANGEROUS, numbers } from './json.ts';

type Make = (config: never) => unknown;

const { getCircuitRegistry: _, ...exported } = library;
const operators = [
  'circuitBreaker',
  'bulkhead',
  'rateLimit',
  'retryWithBackoff',
  'timeout',
  'resilience',
] as const;
const backoffs = [
  'exponentialBackoff',
  'linearBackoff',
  'fixedBackoff',
  'jitteredBackoff',
  'fullJitterBackoff',
  'decorrelatedJitterBackoff',
] as const;
const classes = ['CircuitBreaker', 'Bulkhead', 'RateLimiter'] as const;

const makers: readonly (readonly [string, Make])[] = [
  ...[...operators, ...backoffs].map((name) => [name, exported[name] as Make] as const),
  ...classes.map((name) => [name, (config: never) => new exported[name](config)] as const),
];

const OPTIONS = [
  ...new Set(
    Object.entries(library)
      .filter(([name]) => name.endsWith('ConfigSchema'))
      .flatMap(([, schema]) => Object.keys((schema as { shape?: object }).shape ?? {})),
  ),
];

const values = fc.oneof(
  numbers,
  fc.constantFrom<unknown>(
    null,
    undefined,
    true,
    '',
    'exponential',
    [],
    {},
    () => 0,
    Symbol('s'),
    new Date(0),
    10n,
  ),
  fc.string(),
  fc.constantFrom(Number.NaN, Infinity, -Infinity),
  fc.integer({ min: 0, max: 100 }),
);
const configs = fc.oneof(
  values,
  fc.dictionary(
    fc.constantFrom(...OPTIONS, ...DANGEROUS),
    fc.oneof(values, fc.dictionary(fc.constantFrom(...OPTIONS), values)),
    {
      maxKeys: 4,
      noNullPrototype: true,
    },
  ),
);

test('the options of all configs are known here', () => {
  expect(OPTIONS).toEqual(
    expect.arrayContaining(['failureThreshold', 'maxRetries', 'queueTimeout', 'first']),
  );
});

describe.each(makers)('%s', (_name, make) => {
  test('accepts a config, or refuses it with a ConfigurationError of one readable line', () => {
    fc.assert(
      fc.property(configs, (config) => {
        let made: unknown;
        try {
          made = make(config as never);
        } catch (error) {
          expect(library.isConfigurationError(error)).toBe(true);
          const { message } = error as Error;
          expect(message.length).toBeLessThan(2_000);
          expect(message).not.toContain('\n');
          return;
        }
        // What was accepted can be used: nothing throws at subscribe.
        if (typeof made === 'function')
          (made as OperatorFunction<never, never>)(NEVER)
            .subscribe({ error: () => {} })
            .unsubscribe();
      }),
      { numRuns: 200 },
    );
    expect(Object.keys(Object.prototype)).toStrictEqual([]);
  });
});
