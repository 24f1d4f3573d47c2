/** How far an estimate may be from the truth, as a part of it. */
const ACCURACY = 0.01;
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);

/** From a hundredth of a millisecond to a day; what is beyond counts as one of these. */
const FIRST_KEY = keyOf(0.01);
const LAST_KEY = keyOf(86_400_000);
const BUCKETS = LAST_KEY - FIRST_KEY + 1;

/** The bucket that a time belongs to: each is 2 % wider than the one before. */
function keyOf(latency: number): number {
  return Math.ceil(Math.log(latency) / LOG_GAMMA);
}

/**
 * The quantiles of the latest times, each within 1 % of the exact one, in fixed memory: two bytes for each of the times, and
 * eight for each of some 1 150 buckets. Recording is O(1), asking is a look at the buckets.
 *
 * Of a time that was cut short it is only known that it would have been longer. Such a time is no measurement: it counts
 * among those that have lasted for as long as it did, and for nothing after that.
 *
 * Sources: the buckets are those of DDSketch, by Charles Masson, Jee E. Rim and Homin K. Lee, "DDSketch: A Fast and
 * Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", PVLDB 12(12), 2019; a ring of the latest times makes it
 * forget all others. What was cut short is treated as by E. L. Kaplan and Paul Meier, "Nonparametric Estimation from
 * Incomplete Observations", Journal of the American Statistical Association 53(282), 1958.
 */
export class LatencySketch {
  readonly #measured = new Uint32Array(BUCKETS);
  readonly #cutShort = new Uint32Array(BUCKETS);
  /** Buckets of the latest times, beyond the last bucket of those that were cut short. */
  readonly #latest: Uint16Array;
  #recorded = 0;

  /** @param size how many times it remembers. */
  constructor(size: number) {
    this.#latest = new Uint16Array(size);
  }

  /** How many times it knows of. */
  get count(): number {
    return Math.min(this.#recorded, this.#latest.length);
  }

  /** @param latency in milliseconds. @param cutShort whether it would have been longer. */
  record(latency: number, cutShort = false): void {
    const at = this.#recorded % this.#latest.length;
    if (this.#recorded >= this.#latest.length) this.#change(this.#latest[at] as number, -1);
    const bucket = Math.min(Math.max(keyOf(latency), FIRST_KEY), LAST_KEY) - FIRST_KEY;
    const entry = cutShort ? BUCKETS + bucket : bucket;
    this.#latest[at] = entry;
    this.#change(entry, 1);
    this.#recorded++;
  }

  /** The time that a part `quantile` of all times does not exceed. Something must have been recorded. */
  at(quantile: number): number {
    let lasting = this.count;
    let survival = 1;
    let longest = 0;
    // A product of fractions is not exact.
    const wanted = 1 - quantile + 1e-9;
    for (let bucket = 0; lasting > 0 && (survival === 1 || survival > wanted); bucket++) {
      const measured = this.#measured[bucket] as number;
      survival *= 1 - measured / lasting;
      lasting -= measured + (this.#cutShort[bucket] as number);
      longest = bucket;
    }
    return (2 * GAMMA ** (longest + FIRST_KEY)) / (GAMMA + 1);
  }

  #change(entry: number, by: number): void {
    const counts = entry < BUCKETS ? this.#measured : this.#cutShort;
    const bucket = entry % BUCKETS;
    counts[bucket] = (counts[bucket] as number) + by;
  }
}
