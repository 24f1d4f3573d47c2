/** What has a time at which it is over. */
export interface Due {
  readonly due: number;
  /** Of two that are due together, the lower is the first. */
  readonly order: number;
  /** Where it stands in the heap; -1 outside of it. The heap's business. */
  position: number;
}

/** Finds the entry that is due first. A binary heap: adding and removing are O(log n), at the end of the order O(1). */
export class DueHeap<T extends Due> {
  readonly #entries: T[] = [];

  get first(): T | undefined {
    return this.#entries[0];
  }

  add(entry: T): void {
    this.#entries.push(entry);
    this.#rise(entry, this.#entries.length - 1);
  }

  remove(entry: T): void {
    const { position } = entry;
    if (position === -1) return;
    entry.position = -1;
    const last = this.#entries.pop() as T;
    if (last === entry) return;
    // Whoever takes the gap may belong higher or lower.
    this.#rise(last, position);
    this.#sink(last, last.position);
  }

  #rise(entry: T, from: number): void {
    let position = from;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#entries[above] as T;
      if (isBefore(parent, entry)) break;
      this.#put(parent, position);
      position = above;
    }
    this.#put(entry, position);
  }

  #sink(entry: T, from: number): void {
    const { length } = this.#entries;
    let position = from;
    for (;;) {
      let below = 2 * position + 1;
      if (below >= length) break;
      const sibling = below + 1;
      if (sibling < length && isBefore(this.#entries[sibling] as T, this.#entries[below] as T))
        below = sibling;
      const child = this.#entries[below] as T;
      if (isBefore(entry, child)) break;
      this.#put(child, position);
      position = below;
    }
    this.#put(entry, position);
  }

  #put(entry: T, position: number): void {
    this.#entries[position] = entry;
    entry.position = position;
  }
}

const isBefore = (one: Due, other: Due): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order);
