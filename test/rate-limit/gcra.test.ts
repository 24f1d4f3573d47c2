/** The numbers of the algorithm's sources: ITU-T I.371 and the ATM Forum's Traffic Management Specification. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBucket } from '../../src/rate-limit/token-bucket.ts';

/** GCRA(T, τ): a cell every T, and a tolerance of τ. One that is early by more than τ does not conform. */
const bucketOf = (interval: number, tolerance: number): TokenBucket =>
  new TokenBucket({ permits: 1, per: interval }, 1 + tolerance / interval);

/** Which of the arrivals conform. */
function conforming(bucket: TokenBucket, arrivals: readonly number[]): boolean[] {
  return arrivals.map((arrival) => {
    if (bucket.wait(arrival) > 1e-6) return false;
    bucket.take(arrival);
    return true;
  });
}

/** The virtual scheduling algorithm, step by step as the recommendation draws it. */
function virtualScheduling(interval: number, tolerance: number, arrivals: readonly number[]): boolean[] {
  let expected = arrivals[0] ?? 0;
  return arrivals.map((arrival) => {
    if (expected < arrival) expected = arrival;
    else if (expected > arrival + tolerance) return false;
    expected += interval;
    return true;
  });
}

/** The continuous-state leaky bucket, which the recommendation calls equivalent. */
function leakyBucket(interval: number, tolerance: number, arrivals: readonly number[]): boolean[] {
  let content = 0;
  let last = arrivals[0] ?? 0;
  return arrivals.map((arrival) => {
    const left = content - (arrival - last);
    if (left > tolerance) return false;
    content = Math.max(0, left) + interval;
    last = arrival;
    return true;
  });
}

describe('cells that follow each other at the rate of the link', () => {
  // T = 4.5 cells and the tolerances of the specification's figures; at most 1 + ⌊τ / (T - 1)⌋ cells conform in a row.
  test.each([
    [0.5, 1],
    [1.5, 1],
    [3.5, 2],
    [7, 3],
  ])('with a tolerance of %d, %d conform', (tolerance, most) => {
    expect(most).toBe(1 + Math.floor(tolerance / (4.5 - 1)));
    const row = conforming(
      bucketOf(4.5, tolerance),
      Array.from({ length: most + 1 }, (_, cell) => cell),
    );
    expect(row).toStrictEqual([...Array.from({ length: most }, () => true), false]);
  });
});

test('GCRA(10, 2): early by 2 conforms, early by 5 does not, and does not count', () => {
  expect(conforming(bucketOf(10, 2), [0, 10, 18, 28, 38])).toStrictEqual([true, true, true, true, true]);
  expect(conforming(bucketOf(10, 2), [0, 10, 15, 25, 35])).toStrictEqual([true, true, false, true, true]);
});

test('decides as both forms of the recommendation do, whatever arrives', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 200 }),
      fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 80 }),
      (interval, tolerance, gaps) => {
        let now = 0;
        const arrivals = gaps.map((gap) => {
          now += gap;
          return now;
        });
        const decided = conforming(bucketOf(interval, tolerance), arrivals);
        expect(decided).toStrictEqual(virtualScheduling(interval, tolerance, arrivals));
        expect(decided).toStrictEqual(leakyBucket(interval, tolerance, arrivals));
      },
    ),
    { numRuns: 1_000 },
  );
});

describe('a bucket of tokens', () => {
  const bucket = (): TokenBucket => new TokenBucket({ permits: 60_000, per: 60_000 }, 100);

  test('goes into debt, and pays it first', () => {
    const tokens = bucket();
    tokens.take(0, 250);
    expect([tokens.level(0), tokens.wait(0, 1), tokens.level(150), tokens.level(151)]).toStrictEqual([
      -150, 151, 0, 1,
    ]);
  });

  test('holds at most what it was told it holds, and goes on from there', () => {
    const tokens = bucket();
    tokens.atMost(30, 50);
    expect([tokens.level(50), tokens.level(60), tokens.level(200)]).toStrictEqual([30, 40, 100]);
    tokens.atMost(200, 200);
    expect(tokens.level(200)).toBe(100);
    tokens.atMost(-20, 200);
    expect(tokens.level(200)).toBe(-20);
  });

  test('keeps what is in it when its pace changes, as far as there is room', () => {
    const tokens = bucket();
    tokens.take(0, 60);
    tokens.retune(10, { permits: 30_000, per: 60_000 }, 50);
    expect([tokens.level(10), tokens.perMinute, tokens.burst]).toStrictEqual([50, 30_000, 50]);
    tokens.take(10, 40);
    tokens.retune(10, { permits: 120_000, per: 60_000 }, 200);
    expect([tokens.level(10), tokens.level(20), tokens.level(1_000)]).toStrictEqual([10, 30, 200]);
    tokens.take(1_000, 300);
    tokens.retune(1_000, { permits: 60_000, per: 60_000 }, 100);
    expect([tokens.level(1_000), tokens.wait(1_000, 1)]).toStrictEqual([-100, 101]);
  });
});
