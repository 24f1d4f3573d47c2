import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../src/rate-limit/token-bucket.ts';

const bucketOf = (permits: number, burst: number, per = 1_000): TokenBucket =>
  new TokenBucket({ permits, per }, burst);

/** Takes whatever is there, and counts it. */
function drain(bucket: TokenBucket, now: number): number {
  let taken = 0;
  for (; bucket.level(now) > 0; taken++) bucket.take(now);
  return taken;
}

describe('a token bucket', () => {
  it('is full at the start, whatever the clock says', () => {
    expect(bucketOf(10, 4).level(0)).toBe(4);
    expect(bucketOf(10, 4).level(1.7e12)).toBe(4);
  });

  it('keeps no more than the burst after an hour of silence', () => {
    const bucket = bucketOf(10, 4);
    drain(bucket, 0);
    expect(bucket.level(3_600_000)).toBe(4);
    expect(bucket.wait(3_600_000, 5)).toBe(100);
  });

  it('holds a permit from the moment at which it is due, whatever rounding makes of that', () => {
    const bucket = bucketOf(7, 100);
    bucket.take(0, 100);
    for (let permits = 1; permits < 100; permits++) {
      const due = bucket.wait(0, permits);
      expect([bucket.level(due - 0.001), bucket.level(due)]).toStrictEqual([permits - 1, permits]);
    }
  });

  it('of which it is known already that there is no more goes on with what is on its way', () => {
    const bucket = bucketOf(1, 2);
    bucket.take(0, 2);
    bucket.atMost(0, 500);
    expect(bucket.wait(500)).toBe(500);
  });

  it('is exact after a million permits, each taken the moment it is there, whose interval is no whole number', () => {
    for (const perSecond of [3, 7, 30]) {
      const bucket = bucketOf(perSecond, 1);
      bucket.take(0);
      let now = 0;
      for (let permit = 0; permit < 1e6; permit++) {
        now += bucket.wait(now);
        bucket.take(now);
      }
      expect(Math.abs(now - 1e9 / perSecond)).toBeLessThan(1e-5);
    }
  });

  it('whoever asks every millisecond for a million permits gets one an interval', () => {
    const bucket = bucketOf(300, 2);
    let taken = 0;
    let now = 0;
    for (; taken < 100_000; now++) taken += drain(bucket, now);
    // 2 at once, then 300 a second: the last of 99 998 falls due at 333 326.67 ms.
    expect(now - 1).toBe(Math.ceil((99_998 * 1_000) / 300));
  });

  it('agrees with a naive bucket that is refilled in exact fractions, permits given back included', () => {
    const steps = fc.array(fc.record({ gap: fc.nat(1_500), ask: fc.nat(5), giveBack: fc.nat(2) }), {
      minLength: 1,
      maxLength: 60,
    });
    const rates = fc.constantFrom([1, 5], [1, 1], [3, 1], [7, 2], [10, 1], [300, 1], [7, 3]);
    fc.assert(
      fc.property(
        rates,
        fc.integer({ min: 1, max: 6 }),
        steps,
        ([numerator = 1, denominator = 1], burst, script) => {
          const bucket = bucketOf(numerator, burst, 1_000 * denominator);
          // One permit in units that make every refill of whole milliseconds a whole number.
          const permit = 1_000n * BigInt(denominator);
          const full = BigInt(burst) * permit;
          let level = full;
          let now = 0;
          const cap = (value: bigint): bigint => (value > full ? full : value);
          for (const { gap, ask, giveBack } of script) {
            now += gap;
            level = cap(level + BigInt(gap * numerator));
            for (let request = 0; request < ask; request++) {
              expect(bucket.level(now)).toBe(Number(level / permit));
              if (bucket.level(now) === 0) {
                const missing = Number(permit - level) / numerator;
                expect(bucket.wait(now)).toBeCloseTo(missing, 5);
                continue;
              }
              bucket.take(now);
              level -= permit;
            }
            for (let unused = 0; unused < giveBack; unused++) {
              bucket.take(now, -1);
              level = cap(level + permit);
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
