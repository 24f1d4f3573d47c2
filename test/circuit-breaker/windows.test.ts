import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountWindow } from '../../src/circuit-breaker/count-window.ts';
import type { OutcomeWindow, Totals } from '../../src/circuit-breaker/outcome-window.ts';
import { TimeWindow } from '../../src/circuit-breaker/time-window.ts';

interface Outcome {
  readonly failed: boolean;
  readonly slow: boolean;
}

const outcome = fc.record({ failed: fc.boolean(), slow: fc.boolean() });

const sum = (outcomes: readonly Outcome[]): Totals => ({
  calls: outcomes.length,
  failures: outcomes.filter(({ failed }) => failed).length,
  slow: outcomes.filter(({ slow }) => slow).length,
});

describe('a count window', () => {
  it('holds what a list of the last outcomes holds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(outcome, { maxLength: 60 }), (size, outcomes) => {
        const window = new CountWindow(size);
        for (const [index, { failed, slow }] of outcomes.entries()) {
          expect(window.record(failed, slow)).toStrictEqual(sum(outcomes.slice(0, index + 1).slice(-size)));
        }
        expect(window.totals()).toStrictEqual(sum(outcomes.slice(-size)));
      }),
    );
  });

  it('goes on in another one, of whatever size, with the newest outcomes', () => {
    const size = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(
        size,
        size,
        fc.array(outcome, { maxLength: 30 }),
        outcome,
        (before, after, outcomes, next) => {
          const first = new CountWindow(before);
          for (const { failed, slow } of outcomes) first.record(failed, slow);
          const second = new CountWindow(after);
          second.restore(first.snapshot());
          second.record(next.failed, next.slow);
          const kept = [...outcomes.slice(-before), next];
          expect(second.totals()).toStrictEqual(sum(kept.slice(-after)));
        },
      ),
    );
  });
});

describe('a time window', () => {
  const setting = fc.record({
    bucketDuration: fc.integer({ min: 1, max: 50 }),
    buckets: fc.integer({ min: 1, max: 8 }),
  });
  const steps = fc.array(
    fc.record({
      wait: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 3_600_000 })),
      outcome,
    }),
    { maxLength: 60 },
  );

  /** Which of the outcomes are in one of the last buckets. */
  const young = (
    history: readonly (Outcome & { at: number })[],
    now: number,
    { bucketDuration, buckets }: { bucketDuration: number; buckets: number },
  ): Totals =>
    sum(
      history.filter(
        ({ at }) => Math.floor(at / bucketDuration) > Math.floor(now / bucketDuration) - buckets,
      ),
    );

  it('holds what a list of the outcomes in the last buckets holds, whatever the silences', () => {
    fc.assert(
      fc.property(setting, fc.integer({ min: -100, max: 100 }), steps, (cut, origin, moves) => {
        let now = origin;
        const window: OutcomeWindow = new TimeWindow(
          cut.bucketDuration * cut.buckets,
          cut.buckets,
          () => now,
        );
        const history: (Outcome & { at: number })[] = [];
        for (const { wait, outcome: next } of moves) {
          now += wait;
          expect(window.totals()).toStrictEqual(young(history, now, cut));
          history.push({ ...next, at: now });
          expect(window.record(next.failed, next.slow)).toStrictEqual(young(history, now, cut));
        }
      }),
    );
  });

  it('keeps an outcome for at least its duration less one bucket and at most its duration', () => {
    fc.assert(
      fc.property(setting, fc.nat(1_000), ({ bucketDuration, buckets }, begin) => {
        let now = begin;
        const duration = bucketDuration * buckets;
        const window = new TimeWindow(duration, buckets, () => now);
        window.record(true, false);
        now = begin + duration - bucketDuration;
        expect(window.totals().calls).toBe(1);
        now = begin + duration;
        expect(window.totals().calls).toBe(0);
      }),
    );
  });

  it('begins with the clock that is there when it is first needed', () => {
    let now = 1_000_000;
    const window = new TimeWindow(100, 10, () => now);
    now = 0;
    window.record(true, false);
    now = 500;
    expect(window.record(false, false)).toStrictEqual({ calls: 1, failures: 0, slow: 0 });
  });

  it('a clock that goes back loses nothing', () => {
    let now = 1_000;
    const window = new TimeWindow(100, 10, () => now);
    window.record(true, false);
    now = 500;
    expect(window.record(false, false)).toStrictEqual({ calls: 2, failures: 1, slow: 0 });
    now = 1_000;
    expect(window.totals()).toStrictEqual({ calls: 2, failures: 1, slow: 0 });
  });

  it('goes on in a process with another clock: ages stay', () => {
    fc.assert(
      fc.property(setting, steps, fc.nat(100_000), fc.nat(500), (cut, moves, elsewhere, later) => {
        let here = 0;
        const duration = cut.bucketDuration * cut.buckets;
        const first = new TimeWindow(duration, cut.buckets, () => here);
        for (const { wait, outcome: next } of moves) {
          here += wait;
          first.record(next.failed, next.slow);
        }
        let there = elsewhere * cut.bucketDuration;
        const second = new TimeWindow(duration, cut.buckets, () => there);
        second.restore(JSON.parse(JSON.stringify(first.snapshot())));
        // Both at the same distance from the beginning of their buckets.
        there += here % cut.bucketDuration;
        here += later;
        there += later;
        expect(second.totals()).toStrictEqual(first.totals());
      }),
    );
  });

  describe('on its way to another process', () => {
    /** Three buckets of 10 ms: a failure in the oldest, nothing in the next, a slow call in the newest. */
    const seen = (): TimeWindow => {
      let now = 5;
      const window = new TimeWindow(30, 3, () => now);
      window.record(true, false);
      now = 25;
      window.record(false, true);
      return window;
    };

    it('is a list of the buckets that hold something, with their ages', () => {
      expect(seen().snapshot()).toStrictEqual({
        type: 'time',
        buckets: [
          { age: 20, calls: 1, failures: 1, slow: 0 },
          { age: 0, calls: 1, failures: 0, slow: 1 },
        ],
      });
    });

    it('an outcome falls out when its time has come there', () => {
      let now = 1_000;
      const window = new TimeWindow(30, 3, () => now);
      window.restore(seen().snapshot());
      expect(window.totals()).toStrictEqual({ calls: 2, failures: 1, slow: 1 });
      now = 1_010;
      expect(window.totals()).toStrictEqual({ calls: 1, failures: 0, slow: 1 });
      now = 1_030;
      expect(window.totals()).toStrictEqual({ calls: 0, failures: 0, slow: 0 });
    });

    it('what is too old for a shorter window is left behind', () => {
      const window = new TimeWindow(20, 2, () => 1_000);
      window.restore(seen().snapshot());
      expect(window.totals()).toStrictEqual({ calls: 1, failures: 0, slow: 1 });
    });
  });
});
