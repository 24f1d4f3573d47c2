/** Collects samples until there are enough to be told from chance. */
export class SampleWindow {
  readonly #size: number;
  #samples: number[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** @returns the median, with the sample that makes the window full; the next one begins anew. */
  add(sample: number): number | undefined {
    if (this.#samples.push(sample) < this.#size) return undefined;
    const sorted = this.#samples.sort((one, other) => one - other);
    this.clear();
    return sorted[(sorted.length - 1) >> 1];
  }

  clear(): void {
    this.#samples = [];
  }
}
