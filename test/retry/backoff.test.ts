import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../src/core/errors.ts';
import {
  type Backoff,
  decorrelatedJitterBackoff,
  exponentialBackoff,
  fixedBackoff,
  fullJitterBackoff,
  jitteredBackoff,
  linearBackoff,
} from '../../src/retry/index.ts';

/** The first delays of a strategy, each told the one before. */
function delays(backoff: Backoff, count: number, random = () => 0.5): number[] {
  const given: number[] = [];
  for (let attempt = 1; attempt <= count; attempt++) {
    given.push(backoff.delay(attempt, given.at(-1) ?? 0, random));
  }
  return given;
}

describe('the delays', () => {
  test('exponential: 1, 2, 4, 8, 16 seconds, up to a minute', () => {
    expect(delays(exponentialBackoff(), 8)).toStrictEqual([1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000));
  });

  test('linear: 1, 2, 3 seconds', () => {
    expect(delays(linearBackoff(), 3)).toStrictEqual([1_000, 2_000, 3_000]);
    expect(delays(linearBackoff({ initial: 0, increment: 5, maxDelay: 12 }), 5)).toStrictEqual([
      0, 5, 10, 12, 12,
    ]);
  });

  test('fixed: always the same, one second by default', () => {
    expect(delays(fixedBackoff(), 3)).toStrictEqual([1_000, 1_000, 1_000]);
    expect(delays(fixedBackoff(0), 2)).toStrictEqual([0, 0]);
  });

  test('jittered strays by the factor to either side', () => {
    const backoff = jitteredBackoff(fixedBackoff(1_000), { factor: 0.2 });
    expect(backoff.delay(1, 0, () => 0)).toBeCloseTo(800);
    expect(backoff.delay(1, 0, () => 0.5)).toBe(1_000);
    expect(backoff.delay(1, 0, () => 0.999_999)).toBeCloseTo(1_200, 2);
  });

  test('jittered keeps the cap of the strategy that it spreads', () => {
    const backoff = jitteredBackoff(exponentialBackoff({ base: 100, maxDelay: 400 }), { factor: 0.5 });
    expect(delays(backoff, 4, () => 0.99)).toStrictEqual([149, 298, 400, 400]);
  });

  test('jittered does not hide an endless delay of the function that it spreads', () => {
    expect(
      delays(
        jitteredBackoff(() => Infinity),
        1,
      ),
    ).toStrictEqual([Infinity]);
  });

  test('jittered spreads a strategy that is named, and a function', () => {
    expect(delays(jitteredBackoff('linear', { factor: 0 }), 2)).toStrictEqual([1_000, 2_000]);
    expect(
      delays(
        jitteredBackoff((attempt) => attempt * 7),
        2,
      ),
    ).toStrictEqual([7, 14]);
  });

  test('full jitter is anything between nothing and the exponential delay', () => {
    expect(delays(fullJitterBackoff({ base: 100 }), 3, () => 0)).toStrictEqual([0, 0, 0]);
    expect(delays(fullJitterBackoff({ base: 100 }), 3, () => 0.5)).toStrictEqual([50, 100, 200]);
  });

  test('decorrelated jitter grows from the delay before, not from the attempt', () => {
    const backoff = decorrelatedJitterBackoff({ base: 100, maxDelay: 1_000 });
    expect(delays(backoff, 3, () => 0)).toStrictEqual([100, 100, 100]);
    expect(delays(backoff, 4, () => 0.5)).toStrictEqual([200, 350, 575, 912.5]);
    expect(backoff.delay(1, 900, () => 0.9)).toBe(1_000);
  });
});

const milliseconds = fc.double({ min: 0, max: 1e7, noNaN: true });
const capped = fc
  .tuple(milliseconds, milliseconds)
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const multiplier = fc.double({ min: 1, max: 1e3, noNaN: true });
const exponential = fc
  .tuple(capped, multiplier)
  .map(([[base, maxDelay], multiplier]) => ({ base, multiplier, maxDelay }));
const linear = fc
  .tuple(capped, milliseconds)
  .map(([[initial, maxDelay], increment]) => ({ initial, increment, maxDelay }));
const factor = fc.double({ min: 0, max: 1, noNaN: true });
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const strategies: Record<string, fc.Arbitrary<Backoff>> = {
  exponential: exponential.map(exponentialBackoff),
  linear: linear.map(linearBackoff),
  jittered: fc
    .tuple(exponential, factor)
    .map(([config, factor]) => jitteredBackoff(exponentialBackoff(config), { factor })),
  'full jitter': exponential.map(fullJitterBackoff),
  'decorrelated jitter': capped.map(([base, maxDelay]) => decorrelatedJitterBackoff({ base, maxDelay })),
};

describe('finite, not negative and at most the cap for every attempt up to 100 000', () => {
  test.each(Object.entries(strategies))('%s', (_name, strategy) => {
    const attempts = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(strategy, attempts, chance, chance, (backoff, attempt, luck, earlierLuck) => {
        const cap = backoff.maxDelay as number;
        const delay = backoff.delay(attempt, earlierLuck * cap, () => luck);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(cap);
      }),
      { numRuns: 500 },
    );
  });

  test('the default strategy, every single attempt', () => {
    const backoff = exponentialBackoff();
    const wrong = delays(backoff, 100_000).filter((delay) => !(delay >= 1_000 && delay <= 60_000));
    expect(wrong).toStrictEqual([]);
  });

  test('a base of 0 stays 0 where the power overflows', () => {
    expect(exponentialBackoff({ base: 0 }).delay(100_000, 0, () => 0)).toBe(0);
  });
});

test('a cap may be as short as the first delay', () => {
  expect(delays(exponentialBackoff({ base: 5, maxDelay: 5 }), 2)).toStrictEqual([5, 5]);
});

describe('bad configuration is refused by name and value', () => {
  test.each<[string, () => Backoff]>([
    [
      'exponentialBackoff: option "base" must not be negative, got -1',
      () => exponentialBackoff({ base: -1 }),
    ],
    [
      'exponentialBackoff: option "multiplier" must be at least 1, got 0',
      () => exponentialBackoff({ multiplier: 0 }),
    ],
    [
      'exponentialBackoff: option "maxDelay" must not be shorter than base (defaults: maxDelay 60000, base 1000), got 10',
      () => exponentialBackoff({ maxDelay: 10 }),
    ],
    [
      'fullJitterBackoff: option "base" must be a finite duration',
      () => fullJitterBackoff({ base: Number.NaN }),
    ],
    [
      'linearBackoff: option "increment" must not be negative, got -5',
      () => linearBackoff({ increment: -5 }),
    ],
    [
      'linearBackoff: option "maxDelay" must not be shorter than initial',
      () => linearBackoff({ initial: 90_000 }),
    ],
    [
      'decorrelatedJitterBackoff: option "maxDelay" must be a finite duration',
      () => decorrelatedJitterBackoff({ maxDelay: Number.POSITIVE_INFINITY }),
    ],
    ['fixedBackoff: option "delay" must not be negative, got -1', () => fixedBackoff(-1)],
    [
      'jitteredBackoff: option "factor" must be at least 0 and at most 1, got 2',
      () => jitteredBackoff('fixed', { factor: 2 }),
    ],
    [
      'jitteredBackoff: option "factor" must be at least 0 and at most 1, got -0.1',
      () => jitteredBackoff('fixed', { factor: -0.1 }),
    ],
    ['jitteredBackoff: option "base" must be one of exponential, ', () => jitteredBackoff('slow' as 'fixed')],
    ['jitteredBackoff: option "base" must be one of', () => jitteredBackoff(null as never)],
    ['jitteredBackoff: option "base" must be one of', () => jitteredBackoff(['fixed'] as never)],
    ['jitteredBackoff: option "base" must be one of', () => jitteredBackoff({ delay: 5 } as never)],
  ])('%s', (message, make) => {
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(message);
  });
});
