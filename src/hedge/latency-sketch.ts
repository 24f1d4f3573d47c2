/** How far an estimate may be from the truth, as a part of it. */
const ACCURACY = 0.01;
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);

/** From a hundredth of a millisecond to a day; what is beyond counts as one of these. */
const FIRST_KEY = keyOf(0.01);
const LAST_KEY = keyOf(86_400_000);

/** The bucket that a time belongs to: each is 2 % wider than the one before. */
function keyOf(latency: number): number {
  return Math.ceil(Math.log(latency) / LOG_GAMMA);
}

/**
 * The quantiles of the latest times, each within 1 % of the exact one, in fixed memory: 13 kB for a thousand times.
 * Recording is O(1), asking costs one look at no more than 1 150 counters.
 *
 * Source: DDSketch by Charles Masson, Jee E. Rim and Homin K. Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch
 * with Relative-Error Guarantees", PVLDB 12(12), 2019. A ring of the buckets in which the latest times lie makes it forget
 * all others, exactly.
 */
export class LatencySketch {
  readonly #counts = new Uint32Array(LAST_KEY - FIRST_KEY + 1);
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

  /** @param latency in milliseconds. */
  record(latency: number): void {
    const at = this.#recorded % this.#latest.length;
    if (this.#recorded >= this.#latest.length) this.#change(this.#latest[at] as number, -1);
    const bucket = Math.min(Math.max(keyOf(latency), FIRST_KEY), LAST_KEY) - FIRST_KEY;
    this.#latest[at] = bucket;
    this.#change(bucket, 1);
    this.#recorded++;
  }

  /** The time that a part `quantile` of all times does not exceed. Something must have been recorded. */
  at(quantile: number): number {
    const rank = Math.floor(quantile * (this.count - 1));
    let longer = 0;
    let bucket = this.#counts.length;
    // From the top, for it is the long times that are asked for.
    while (this.count - longer > rank) longer += this.#counts[--bucket] as number;
    return (2 * GAMMA ** (bucket + FIRST_KEY)) / (GAMMA + 1);
  }

  #change(bucket: number, by: number): void {
    this.#counts[bucket] = (this.#counts[bucket] as number) + by;
  }
}
