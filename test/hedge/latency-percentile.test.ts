import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LatencyPercentile, type LatencyPercentileConfig } from '../../src/hedge/index.ts';
import { LatencySketch } from '../../src/hedge/latency-sketch.ts';
import { seededRandom } from '../../src/testing/random.ts';

const QUANTILES = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

/** The exact quantile, by the nearest rank. */
const exact = (sorted: readonly number[], quantile: number): number =>
  sorted[Math.max(0, Math.ceil(quantile * sorted.length - 1e-9) - 1)] as number;

function sketchOf(values: Iterable<number>, size = 1_000): LatencySketch {
  const sketch = new LatencySketch(size);
  for (const value of values) sketch.record(value);
  return sketch;
}

/** The largest relative error over all quantiles. */
function errorOf(sketch: LatencySketch, values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const errors = QUANTILES.map((quantile) => {
    const truth = exact(sorted, quantile);
    return Math.abs(sketch.at(quantile) - truth) / truth;
  });
  return Math.max(...errors);
}

describe('the sketch keeps the promise of its source: every quantile within 1 %', () => {
  // The positive data sets, the sizes and the quantiles of the tests of DataDog/sketches-py.
  const random = seededRandom(7);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const DATA: Record<string, (index: number, size: number) => number> = {
    'uniform, forward': (index) => index + 1,
    'uniform, backward': (index, size) => size - index,
    'uniform, zooming in': (index, size) => (index % 2 === 0 ? index / 2 + 1 : size - (index - 1) / 2),
    constant: () => 42,
    exponential: () => -Math.log(1 - random()) / 0.01,
    lognormal: () => Math.exp(normal()) * 100,
    'normal, far from 0': () => 37.4 + normal(),
    bimodal: () => (random() < 0.5 ? 17.3 : 1_000) + random(),
    trimodal: () => [5, 50, 500][Math.floor(random() * 3)]! + random(),
    mixed: () => (random() < 0.9 ? Math.exp(normal() * 0.5) * 30 : 30 / (1 - random())),
    'whole numbers': () => 1 + Math.round(Math.abs(normal() * 4.3)),
    pareto: () => 10 / (1 - random()),
  };
  test.each(Object.entries(DATA))('%s', (_, value) => {
    for (const size of [3, 5, 10, 100, 1_000]) {
      const values = Array.from({ length: size }, (__, index) => value(index, size));
      expect(errorOf(sketchOf(values), values)).toBeLessThanOrEqual(0.01 + 1e-9);
    }
  });
});

test('it knows the latest times alone, exactly', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.02, max: 80_000_000, noNaN: true }), { minLength: 1, maxLength: 80 }),
      fc.integer({ min: 1, max: 30 }),
      (values, size) => {
        const sketch = sketchOf(values, size);
        const latest = values.slice(-size);
        expect(sketch.count).toBe(latest.length);
        expect(errorOf(sketch, latest)).toBeLessThanOrEqual(0.01 + 1e-9);
      },
    ),
    { numRuns: 300 },
  );
});

describe('what was cut short counts for as long as it has lasted', () => {
  const survivalOf = (entries: readonly (readonly [latency: number, cutShort: boolean])[]) => {
    const sketch = new LatencySketch(100);
    for (const [latency, cutShort] of entries) sketch.record(latency, cutShort);
    return (quantile: number) => Math.round(sketch.at(quantile));
  };

  test("the example of Kaplan and Meier's own paper", () => {
    // Section 2: eight items are observed; deaths at 0.8, 3.1, 5.4 and 9.2, losses at 1.0, 2.7, 7.0 and 12.1. The estimate
    // of survival falls to 7/8, then to 7/8 x 4/5 = 0.70, 0.525, and 0.2625.
    const at = survivalOf([
      [800, false],
      [1_000, true],
      [2_700, true],
      [3_100, false],
      [5_400, false],
      [7_000, true],
      [9_200, false],
      [12_100, true],
    ]);
    const within = (quantile: number, time: number): void => {
      expect(Math.abs(at(quantile) - time) / time).toBeLessThanOrEqual(0.011);
    };
    within(0.12, 800);
    within(0.13, 3_100);
    within(0.29, 3_100);
    within(0.31, 5_400);
    within(0.47, 5_400);
    within(0.48, 9_200);
    within(0.73, 9_200);
    // Nobody knows what comes then, but that it is longer than all that was seen.
    within(0.74, 12_100);
  });

  test('where nothing was, it is the nearest rank', () => {
    const at = survivalOf([1, 2, 3, 4].map((second) => [second * 1_000, false]));
    expect(
      [0, 0.25, 0.26, 0.5, 0.75, 0.76, 1].map((quantile) => Math.round(at(quantile) / 1_000)),
    ).toStrictEqual([1, 1, 2, 2, 3, 4, 4]);
  });

  test('times that are cut short by chance do not bend the estimate', () => {
    const random = seededRandom(5);
    const sketch = new LatencySketch(20_000);
    for (let sample = 0; sample < 20_000; sample++) {
      const latency = -Math.log(1 - random()) * 1_000;
      const patience = -Math.log(1 - random()) * 3_000;
      sketch.record(Math.min(latency, patience), patience < latency);
    }
    // The quantiles of the exponential distribution.
    for (const quantile of [0.5, 0.9, 0.95]) {
      const truth = -Math.log(1 - quantile) * 1_000;
      expect(Math.abs(sketch.at(quantile) - truth) / truth).toBeLessThan(0.04);
    }
  });

  test('also what was cut short before any time had passed', () => {
    const at = survivalOf([
      [0, true],
      [0, true],
      [100, false],
    ]);
    expect(at(0.1)).toBe(at(1));
  });

  test('they are forgotten like all others', () => {
    const sketch = new LatencySketch(3);
    for (let cut = 0; cut < 5; cut++) sketch.record(9_000, true);
    for (const latency of [100, 200, 300]) sketch.record(latency);
    expect([sketch.count, Math.round(sketch.at(1) / 100)]).toStrictEqual([3, 3]);
  });
});

test('what is beyond its range counts as the end of the range', () => {
  expect(sketchOf([0]).at(0.5)).toBeCloseTo(0.01, 3);
  expect(sketchOf([Number.POSITIVE_INFINITY]).at(0.5) / 86_400_000).toBeCloseTo(1, 1);
});

describe('LatencyPercentile', () => {
  const percentileOf = (
    values: readonly number[],
    config: LatencyPercentileConfig = {},
  ): LatencyPercentile => {
    const percentile = new LatencyPercentile(config);
    for (const value of values) percentile.record(value);
    return percentile;
  };
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  test('is the 95th by default, of what it has been told', () => {
    const percentile = percentileOf(hundred);
    expect(percentile.count).toBe(100);
    expect(Math.abs(percentile.delay - 95)).toBeLessThanOrEqual(0.95);
    expect(percentileOf(hundred, { percentile: 0.5 }).delay).toBeCloseTo(50, 0);
  });

  test('says nothing before it knows enough, or what it is told to', () => {
    expect(percentileOf(hundred.slice(0, 19)).delay).toBe(Number.POSITIVE_INFINITY);
    expect(percentileOf(hundred.slice(0, 20)).delay).toBeCloseTo(19, 0);
    expect(percentileOf([], { initialDelay: 500 }).delay).toBe(500);
    expect(percentileOf([7], { minimumSamples: 1, initialDelay: 500 }).delay).toBeCloseTo(7, 0);
  });

  test('may wait for as many as it looks at, and leave itself no room', () => {
    const percentile = percentileOf([7, 7], { samples: 3, minimumSamples: 3, minDelay: 5, maxDelay: 5 });
    expect(percentile.delay).toBe(Number.POSITIVE_INFINITY);
    percentile.record(7);
    expect(percentile.delay).toBe(5);
  });

  test('stays within its bounds', () => {
    expect(percentileOf(hundred.map(() => 0)).delay).toBe(1);
    expect(percentileOf(hundred, { minDelay: 200 }).delay).toBe(200);
    expect(percentileOf(hundred, { maxDelay: 30 }).delay).toBe(30);
    expect(percentileOf(hundred, { percentile: 0.5, minDelay: 10, maxDelay: 90 }).delay).toBeCloseTo(50, 0);
  });

  test('follows a service that becomes slower, and then faster', () => {
    const percentile = percentileOf(hundred, { samples: 100 });
    for (let slow = 0; slow < 6; slow++) percentile.record(1_000);
    expect(percentile.delay).toBeGreaterThan(900);
    for (const fast of hundred) percentile.record(fast / 10);
    expect(percentile.delay).toBeLessThan(10);
  });

  test.each<[LatencyPercentileConfig, string]>([
    [{ percentile: 0 }, 'option "percentile" must be greater than 0 and less than 1, got 0'],
    [{ percentile: 95 }, 'option "percentile" must be greater than 0 and less than 1, got 95'],
    [{ samples: 0 }, 'option "samples" must be a whole number of at least 1, got 0'],
    [{ samples: 10 }, 'option "minimumSamples" must not be more than samples'],
    [{ initialDelay: -1 }, 'option "initialDelay" must be a duration in milliseconds, and not negative'],
    [{ minDelay: -1 }, 'option "minDelay" must not be negative, got -1'],
    [{ minDelay: 20, maxDelay: 10 }, 'option "minDelay" must not be longer than maxDelay, got 20'],
    [{ maxDelay: 0 }, 'option "maxDelay" must be a duration in milliseconds greater than 0'],
  ])('%j is refused', (config, message) => {
    expect(() => new LatencyPercentile(config)).toThrow(`LatencyPercentile: ${message}`);
  });
});
