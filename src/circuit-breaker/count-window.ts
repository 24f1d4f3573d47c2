import type { OutcomeWindow, Totals } from './outcome-window.ts';
import type { EvidenceSnapshot } from './snapshot.ts';

const FAILED = 1;
const SLOW = 2;

/** The last `size` outcomes: a ring of one byte each, with running totals. */
export class CountWindow implements OutcomeWindow {
  readonly #ring: Uint8Array;
  readonly #totals = { calls: 0, failures: 0, slow: 0 };
  #next = 0;

  constructor(size: number) {
    this.#ring = new Uint8Array(size);
  }

  record(failed: boolean, slow: boolean): Totals {
    const ring = this.#ring;
    const totals = this.#totals;
    if (totals.calls < ring.length) totals.calls++;
    else {
      const oldest = ring[this.#next] as number;
      if (oldest & FAILED) totals.failures--;
      if (oldest & SLOW) totals.slow--;
    }
    ring[this.#next] = (failed ? FAILED : 0) | (slow ? SLOW : 0);
    this.#next = this.#next + 1 === ring.length ? 0 : this.#next + 1;
    if (failed) totals.failures++;
    if (slow) totals.slow++;
    return totals;
  }

  totals(): Totals {
    return this.#totals;
  }

  snapshot(): EvidenceSnapshot {
    const { calls } = this.#totals;
    const ring = this.#ring;
    const oldest = this.#next + ring.length - calls;
    const outcomes = Array.from({ length: calls }, (_, index) => ring[(oldest + index) % ring.length]);
    return { type: 'count', outcomes: outcomes.join('') };
  }

  restore(snapshot: EvidenceSnapshot): void {
    if (snapshot.type !== 'count') return;
    for (const digit of snapshot.outcomes) {
      const outcome = Number(digit);
      this.record((outcome & FAILED) !== 0, (outcome & SLOW) !== 0);
    }
  }
}
