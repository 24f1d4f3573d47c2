import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aimd } from '../../src/adaptive-concurrency/aimd.ts';
import type { LimitBounds, LimitControl } from '../../src/adaptive-concurrency/algorithm.ts';
import { gradient } from '../../src/adaptive-concurrency/gradient.ts';
import { SampleWindow } from '../../src/adaptive-concurrency/sample-window.ts';

const bounds = (of: Partial<LimitBounds> = {}): LimitBounds => ({
  initialLimit: 20,
  minLimit: 1,
  maxLimit: 200,
  ...of,
});

/** Feeds so many samples of one kind. */
function feed(control: LimitControl, samples: number, latency: number, inFlight = control.limit): void {
  for (let sample = 0; sample < samples; sample++) control.sampled({ latency, inFlight });
}

describe('aimd', () => {
  /** The tests of Netflix' AIMDLimit: a lower bound of 20 and an upper one of 200 unless they say otherwise. */
  describe('the numbers of its source', () => {
    const netflix = (of: Partial<LimitBounds> = {}) => aimd().begin(bounds({ minLimit: 20, ...of }));

    it('begins with the initial limit', () => {
      expect(aimd().begin(bounds({ initialLimit: 10 })).limit).toBe(10);
    });

    it('20 and a success with 10 in flight are 21', () => {
      const control = netflix({ initialLimit: 20 });
      expect(control.sampled({ latency: 1, inFlight: 10 })).toBe('growth');
      expect(control.limit).toBe(21);
    });

    it('30 and a drop are 27', () => {
      const control = netflix({ initialLimit: 30 });
      expect(control.dropped()).toBe('drop');
      expect(control.limit).toBe(27);
    });

    it('21 of at most 21 and a success stay 21', () => {
      const control = netflix({ initialLimit: 21, maxLimit: 21, minLimit: 0 });
      control.sampled({ latency: 1, inFlight: 10 });
      expect(control.limit).toBe(21);
    });
  });

  it('does not grow when less than half is in use', () => {
    const control = aimd().begin(bounds({ initialLimit: 21 }));
    expect(control.sampled({ latency: 1, inFlight: 10 })).toBeUndefined();
    expect(control.limit).toBe(21);
    control.sampled({ latency: 1, inFlight: 11 });
    expect(control.limit).toBe(22);
  });

  it('takes what is slower than maxLatency for a drop', () => {
    const control = aimd({ maxLatency: 5_000, backoffRatio: 0.5 }).begin(bounds());
    expect(control.sampled({ latency: 5_000, inFlight: 20 })).toBe('growth');
    expect(control.sampled({ latency: 5_001, inFlight: 20 })).toBe('drop');
    expect(control.limit).toBe(10);
  });

  it('never falls below its floor', () => {
    const control = aimd().begin(bounds({ initialLimit: 2 }));
    for (let drop = 0; drop < 50; drop++) control.dropped();
    expect(control.limit).toBe(1);
  });
});

describe('gradient', () => {
  /**
   * The examples of the tests of Envoy's gradient controller: windows of 5, no smoothing. Its looks at rest are of as many
   * as its windows, ours of three times as many.
   */
  describe('the examples of its sources', () => {
    const envoy = (tolerance: number, of: Partial<LimitBounds>) =>
      gradient({ tolerance, window: 5, smoothing: 1 }).begin(bounds({ maxLimit: 1_000, ...of }));

    it('the latency at rest is the median of what is seen: of 1, 2, 3, 4 and 5 ms it is 3', () => {
      const window = new SampleWindow(5);
      expect([4, 1, 5, 3, 2].map((sample) => window.add(sample))).toStrictEqual([
        undefined,
        undefined,
        undefined,
        undefined,
        3,
      ]);
    });

    it('with 5 ms at rest and a buffer of 50 %, windows of 6 ms let it grow', () => {
      const control = envoy(1.5, { initialLimit: 6, minLimit: 3 });
      expect(control.limit).toBe(3);
      feed(control, 15, 5);
      for (let window = 0; window < 10; window++) {
        const before = Math.floor(control.limit);
        feed(control, 5, 6);
        expect(control.limit).toBeGreaterThan(before);
      }
    });

    it('with 5 ms at rest and a buffer of 10 %, windows of 4 ms let it grow, by at most its double, and windows of 6 ms shrink', () => {
      const control = envoy(1.1, { initialLimit: 400, minLimit: 7 });
      feed(control, 15, 5);
      for (let window = 0; window < 10; window++) {
        const before = control.limit;
        feed(control, 5, 4);
        expect(control.limit).toBeGreaterThan(before);
        expect(before / control.limit).toBeGreaterThanOrEqual(0.5);
      }
      for (let window = 0; window < 10; window++) {
        const before = control.limit;
        feed(control, 5, 6);
        expect(control.limit).toBeLessThan(before);
        expect(control.limit).toBeGreaterThanOrEqual(7);
      }
    });

    it('after a look at rest the limit is what it was before', () => {
      const control = envoy(1.25, { initialLimit: 20, maxLimit: 20, minLimit: 3 });
      feed(control, 15, 5);
      expect([control.limit, dip(control, 4)]).toStrictEqual([20, 10]);
      feed(control, 15, 9, 3);
      expect(control.limit).toBe(20);
    });

    it('what is not seen changes nothing', () => {
      const control = envoy(1.25, { initialLimit: 6, minLimit: 3 });
      feed(control, 15, 5);
      const before = control.limit;
      feed(control, 4, 50);
      expect(control.limit).toBe(before);
    });

    it('a latency that is always higher than at rest is looked at again, and then the limit grows', () => {
      const control = envoy(1, { initialLimit: 14, minLimit: 7 });
      feed(control, 15, 5);
      for (let window = 0; window < 5; window++) feed(control, 5, 10);
      feed(control, 30, 10, 1);
      const before = control.limit;
      for (let window = 0; window < 10; window++) feed(control, 5, 10);
      expect(control.limit).toBeGreaterThan(before);
    });

    /** Netflix' SquareRootFunctionTest, and the arithmetic of GradientLimit. */
    it.each([
      [999, 31],
      [2_500, 50],
    ])('from %i it may grow by %i, the root', (initialLimit, root) => {
      const control = gradient({ window: 1, smoothing: 1 }).begin(bounds({ initialLimit, maxLimit: 10_000 }));
      feed(control, 3, 5);
      feed(control, 1, 5, initialLimit);
      expect(Math.floor(control.limit)).toBe(initialLimit + root);
    });

    it.each([
      ['by no more than a half, however slow it has become', 1_000, 100 * 0.5 + 10],
      ['by the gradient', 8, (100 * 1.2 * 5) / 8 + 10],
      ['not while it is within the tolerance', 6, 100 + 10],
      ['not because it is faster than at rest', 4, 100 + 10],
    ])('from 100 and 5 ms at rest it falls %s', (_, latency, expected) => {
      const control = gradient({ window: 1, smoothing: 1 }).begin(bounds({ initialLimit: 100 }));
      feed(control, 3, 5);
      control.sampled({ latency, inFlight: 100 });
      expect(control.limit).toBeCloseTo(expected, 9);
    });

    it('a drop leaves nine tenths', () => {
      const control = gradient({ window: 1 }).begin(bounds({ initialLimit: 100 }));
      feed(control, 3, 5);
      expect(control.dropped()).toBe('drop');
      expect(control.limit).toBe(90);
    });
  });

  /** Lets it take its thirty round trips. @returns the limit while it dips. */
  function dip(control: LimitControl, latency: number): number {
    for (let sample = 0; sample < 100_000; sample++)
      if (control.sampled({ latency, inFlight: control.limit }) === 'measuring') return control.limit;
    throw new Error('it never dips');
  }

  it('begins with half of its limit, and has all of it once it knows the latency at rest', () => {
    const control = gradient({ window: 2 }).begin(bounds({ initialLimit: 10 }));
    expect(control.limit).toBe(5);
    // Those that are too many to be at rest tell nothing.
    feed(control, 100, 9, 6);
    expect(control.limit).toBe(5);
    feed(control, 5, 5, 5);
    expect([control.sampled({ latency: 5, inFlight: 5 }), control.limit]).toStrictEqual(['measured', 10]);
  });

  it('does not grow when no more than half is in use, and learns from it', () => {
    const control = gradient({ window: 1, smoothing: 1 }).begin(bounds({ initialLimit: 16 }));
    feed(control, 3, 100, 1);
    feed(control, 300, 50, 8);
    expect(control.limit).toBe(16);
    // By now 50 ms are known to be normal.
    control.sampled({ latency: 100, inFlight: 16 });
    expect(control.limit).toBeCloseTo(16 * 0.6 + 4, 1);
  });

  it.each([
    ['are the mean where they agree', 60, 80],
    ['may differ by the double', 200, 150],
    ['or by a half', 50, 75],
    ['are the last where it is slower than the double', 201, 201],
    ['or faster than a half', 49, 49],
  ])('two looks at 100 ms at rest and later %s', (_, later, atRest) => {
    const control = gradient({ window: 1, smoothing: 1 }).begin(bounds({ initialLimit: 100 }));
    feed(control, 3, 100, 1);
    feed(control, 3, later, 50);
    control.sampled({ latency: 2 * atRest, inFlight: 100 });
    expect(control.limit).toBeCloseTo(100 * 0.6 + 10, 9);
  });

  it('dips after thirty round trips of its limit, not counting those at rest', () => {
    const control = gradient({ window: 1, smoothing: 1 }).begin(bounds({ initialLimit: 10, maxLimit: 10 }));
    feed(control, 3, 5);
    feed(control, 2, 5, 1);
    feed(control, 299, 5, 10);
    expect(control.limit).toBe(10);
    expect([control.sampled({ latency: 5, inFlight: 10 }), control.limit]).toStrictEqual(['measuring', 5]);
  });

  it('dips when less than half of the limit is left, and stays there if the service is not slow at rest', () => {
    const control = gradient({ window: 1, smoothing: 1 }).begin(bounds({ initialLimit: 64 }));
    feed(control, 3, 5);
    const reasons = [50, 50].map((latency) => control.sampled({ latency, inFlight: 64 }));
    expect(reasons).toStrictEqual(['latency', 'measuring']);
    const dipped = control.limit;
    expect(dipped).toBeLessThan(16);
    feed(control, 3, 5, dipped);
    expect(Math.floor(control.limit / 2)).toBe(dipped);
  });

  it('and not when it is exactly a half', () => {
    const control = gradient({ window: 1, smoothing: 1 }).begin(bounds({ initialLimit: 64, minLimit: 32 }));
    feed(control, 3, 5);
    const reasons = [50, 50, 50].map((latency) => control.sampled({ latency, inFlight: 64 }));
    expect([reasons, control.limit]).toStrictEqual([['latency', 'latency', 'latency'], 32]);
  });

  it('halves again and again while that makes the service faster, and grows back where it does not', () => {
    const control = gradient({ window: 1, smoothing: 1 }).begin(bounds({ initialLimit: 64, maxLimit: 64 }));
    feed(control, 3, 5);
    dip(control, 5);
    expect(control.limit).toBe(32);
    // Even at half of its limit it is much slower: a queue that is still there, or slower for good.
    feed(control, 3, 50, 1);
    expect(control.limit).toBe(16);
    feed(control, 3, 50, 1);
    // Slower for good, so the rest of the dip is over.
    expect(control.limit).toBe(32);
    feed(control, 20, 50, 64);
    expect(control.limit).toBe(64);
  });

  it('looks again when it is twice as fast under load as it was at rest', () => {
    const control = gradient({ window: 1 }).begin(bounds());
    feed(control, 3, 100);
    expect(control.sampled({ latency: 50, inFlight: 20 })).toBe('growth');
    expect(control.sampled({ latency: 49, inFlight: 22 })).toBe('measuring');
  });

  it('knows services that need no time at all', () => {
    const control = gradient({ window: 1 }).begin(bounds());
    feed(control, 3, 0);
    feed(control, 100, 0);
    expect(control.limit).toBeGreaterThan(20);
    control.sampled({ latency: 1, inFlight: control.limit });
    expect(control.limit).toBeGreaterThan(10);
  });

  it('comes up again from a floor that cannot be halved', () => {
    const control = gradient({ window: 1 }).begin(bounds({ initialLimit: 1 }));
    feed(control, 60, 5, 1);
    expect(control.limit).toBeGreaterThanOrEqual(2);
  });
});

it.each([
  ['aimd', aimd()],
  ['gradient', gradient({ window: 3 })],
])('whatever happens, %s stays within its bounds', (_, algorithm) => {
  const step = fc.oneof(
    fc.constant('drop' as const),
    fc.record({
      latency: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true })),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  );
  const limits = fc
    .tuple(fc.integer({ min: 1, max: 50 }), fc.nat(50), fc.nat(50))
    .map(([minLimit, more, most]) => ({
      minLimit,
      initialLimit: minLimit + more,
      maxLimit: minLimit + more + most,
    }));
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 300 }), (within, steps) => {
      const control = algorithm.begin(within);
      for (const it of steps) {
        if (it === 'drop') control.dropped();
        else control.sampled({ latency: it.latency, inFlight: Math.ceil(control.limit * it.share) });
        expect(control.limit).toBeGreaterThanOrEqual(within.minLimit);
        expect(control.limit).toBeLessThanOrEqual(within.maxLimit);
      }
    }),
    { numRuns: 200 },
  );
});
