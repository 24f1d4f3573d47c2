/** What has a time at which it is over. */
export abstract class Due {
  /** Where it stands among those that came out of turn; -1 elsewhere. The queue's business, as all that is here. */
  position = -1;
  inRow = false;
  earlier: this | undefined;
  later: this | undefined;

  /** @param order of two that are due together, the lower is the first. */
  constructor(
    readonly due: number,
    readonly order: number,
  ) {}
}

/**
 * Finds the entry that is due first. Whoever is due later than all before stands in a row, where adding and removing are
 * O(1): with one patience for all that is everybody. Who comes out of turn stands in a binary heap, in O(log n).
 */
export class DueQueue<T extends Due> {
  #first: T | undefined;
  #last: T | undefined;
  readonly #heap: T[] = [];

  get first(): T | undefined {
    const [row, heap] = [this.#first, this.#heap[0]];
    if (row === undefined || heap === undefined) return row ?? heap;
    return isBefore(heap, row) ? heap : row;
  }

  add(entry: T): void {
    const last = this.#last;
    if (last !== undefined && last.due > entry.due) return this.#rise(entry, this.#heap.length);
    entry.inRow = true;
    entry.earlier = last;
    if (last === undefined) this.#first = entry;
    else last.later = entry;
    this.#last = entry;
  }

  remove(entry: T): void {
    if (entry.inRow) this.#removeFromRow(entry);
    else if (entry.position !== -1) this.#removeFromHeap(entry);
  }

  #removeFromRow(entry: T): void {
    const { earlier, later } = entry;
    if (earlier === undefined) this.#first = later;
    else earlier.later = later;
    if (later === undefined) this.#last = earlier;
    else later.earlier = earlier;
    // Whoever keeps an entry that was removed must not keep the whole row.
    entry.earlier = undefined;
    entry.later = undefined;
    entry.inRow = false;
  }

  #removeFromHeap(entry: T): void {
    const { position } = entry;
    entry.position = -1;
    const last = this.#heap.pop() as T;
    if (last === entry) return;
    // Whoever takes the gap may belong higher or lower.
    this.#rise(last, position);
    this.#sink(last, last.position);
  }

  #rise(entry: T, from: number): void {
    let position = from;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#heap[above] as T;
      if (isBefore(parent, entry)) break;
      this.#put(parent, position);
      position = above;
    }
    this.#put(entry, position);
  }

  #sink(entry: T, from: number): void {
    const { length } = this.#heap;
    let position = from;
    for (let below = 2 * position + 1; below < length; below = 2 * position + 1) {
      const sibling = below + 1;
      if (sibling < length && isBefore(this.#heap[sibling] as T, this.#heap[below] as T)) below = sibling;
      const child = this.#heap[below] as T;
      if (isBefore(entry, child)) break;
      this.#put(child, position);
      position = below;
    }
    this.#put(entry, position);
  }

  #put(entry: T, position: number): void {
    this.#heap[position] = entry;
    entry.position = position;
  }
}

const isBefore = (one: Due, other: Due): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order);
