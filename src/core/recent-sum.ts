/** The oldest falls out by so much of the window at a time. */
const SLICES = 10;

/**
 * What was added in the last `window` milliseconds, in a ring of ten slices. The oldest slice falls out as a whole, so an
 * amount counts for at least nine tenths of the window, and never for longer than it. Adding and asking are O(1).
 */
export class RecentSum {
  readonly #now: () => number;
  readonly #sliceDuration: number;
  readonly #slices = new Float64Array(SLICES);
  readonly #begun: number;
  /** Number of the slice that the clock is in. */
  #slice = 0;
  #sum = 0;

  /** @param now never goes back. */
  constructor(window: number, now: () => number) {
    this.#now = now;
    this.#sliceDuration = window / SLICES;
    this.#begun = now();
  }

  get value(): number {
    this.#expire();
    return this.#sum;
  }

  add(amount: number): void {
    this.#expire();
    const at = this.#slice % SLICES;
    this.#slices[at] = (this.#slices[at] as number) + amount;
    this.#sum += amount;
  }

  /** At most one round, however long the silence was. */
  #expire(): void {
    const slice = Math.floor((this.#now() - this.#begun) / this.#sliceDuration);
    for (let passed = Math.min(slice - this.#slice, SLICES); passed > 0; passed--) {
      const oldest = (this.#slice + passed) % SLICES;
      this.#sum -= this.#slices[oldest] as number;
      this.#slices[oldest] = 0;
    }
    this.#slice = slice;
  }
}
