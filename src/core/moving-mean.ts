/** How much a new sample counts. That of TCP for its smoothed round-trip time (RFC 6298). */
const WEIGHT = 1 / 8;

/** A mean that follows what changes: every sample counts an eighth, so the last sixteen make nine tenths of it. */
export class MovingMean {
  #value: number | undefined;

  /** `undefined` before the first sample. */
  get value(): number | undefined {
    return this.#value;
  }

  add(sample: number): void {
    this.#value = this.#value === undefined ? sample : this.#value + WEIGHT * (sample - this.#value);
  }
}
