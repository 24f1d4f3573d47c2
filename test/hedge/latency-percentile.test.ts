import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LatencyPercentile, type LatencyPercentileConfig } from '../../src/hedge/index.ts';
import { LatencySketch } from '../../src/hedge/latency-sketch.ts';
import { seededRandom } from '../../src/testing/random.ts';

const QUANTILES = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

/** The exact quantile, as the source of the sketch takes it. */
const exact = (sorted: readonly number[], quantile: number): number =>
  sorted[Math.floor(quantile * (sorted.length - 1))] as number;

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
