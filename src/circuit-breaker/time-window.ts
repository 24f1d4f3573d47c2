import { NOTHING, type OutcomeWindow, type Totals } from './outcome-window.ts';
import type { EvidenceSnapshot } from './snapshot.ts';

interface Bucket {
  calls: number;
  failures: number;
  slow: number;
}

/**
 * The outcomes of the last `duration` milliseconds in a ring of buckets with running totals. The oldest bucket falls out
 * as a whole, so an outcome counts for at least `duration` less one bucket, and never for longer than `duration`.
 */
export class TimeWindow implements OutcomeWindow {
  readonly #buckets: readonly Bucket[];
  readonly #bucketDuration: number;
  readonly #now: () => number;
  readonly #totals: Bucket = empty();
  /** The number of the current bucket, from the origin of the clock that is there when it is first needed. */
  #current = Number.NEGATIVE_INFINITY;

  constructor(duration: number, buckets: number, now: () => number) {
    this.#buckets = Array.from({ length: buckets }, empty);
    this.#bucketDuration = duration / buckets;
    this.#now = now;
  }

  record(failed: boolean, slow: boolean): Totals {
    this.#expire();
    this.#add(this.#current, 1, failed ? 1 : 0, slow ? 1 : 0);
    return this.#totals;
  }

  totals(): Totals {
    this.#expire();
    return this.#totals;
  }

  /** Ages instead of times: two processes share no clock. Empty buckets are left out. */
  snapshot(): EvidenceSnapshot {
    this.#expire();
    const count = this.#buckets.length;
    const aged = Array.from({ length: count }, (_, index) => {
      const age = count - 1 - index;
      return { age: age * this.#bucketDuration, ...this.#bucket(this.#current - age) };
    });
    return { type: 'time', buckets: aged.filter(({ calls }) => calls > 0) };
  }

  restore(snapshot: EvidenceSnapshot): void {
    if (snapshot.type !== 'time') return;
    this.#expire();
    for (const { age, calls, failures, slow } of snapshot.buckets) {
      // An age is a whole number of buckets, but for what multiplying has lost.
      const bucketsAgo = Math.floor(age / this.#bucketDuration + 1e-9);
      if (bucketsAgo < this.#buckets.length) this.#add(this.#current - bucketsAgo, calls, failures, slow);
    }
  }

  #add(number: number, calls: number, failures: number, slow: number): void {
    for (const sum of [this.#bucket(number), this.#totals]) {
      sum.calls += calls;
      sum.failures += failures;
      sum.slow += slow;
    }
  }

  /** At most one round, however long the silence was. */
  #expire(): void {
    const current = this.#numberAt(this.#now());
    const oldest = Math.max(this.#current + 1, current - this.#buckets.length + 1);
    for (let number = oldest; number <= current; number++) this.#clear(this.#bucket(number));
    if (current > this.#current) this.#current = current;
  }

  #clear(bucket: Bucket): void {
    this.#totals.calls -= bucket.calls;
    this.#totals.failures -= bucket.failures;
    this.#totals.slow -= bucket.slow;
    Object.assign(bucket, NOTHING);
  }

  #numberAt(time: number): number {
    return Math.floor(time / this.#bucketDuration);
  }

  #bucket(number: number): Bucket {
    const count = this.#buckets.length;
    // Clocks of one's own choice may start below zero.
    return this.#buckets[((number % count) + count) % count] as Bucket;
  }
}

function empty(): Bucket {
  return { ...NOTHING };
}
