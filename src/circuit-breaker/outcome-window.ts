import type { EvidenceSnapshot } from './snapshot.ts';

/** How many calls ended, and how. Neutral ones are not among them. */
export interface Totals {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

export const NOTHING: Totals = { calls: 0, failures: 0, slow: 0 };

/** What can be carried into another process. */
export interface Portable {
  snapshot(): EvidenceSnapshot;
  /** Takes over what another one has seen, if it is of the same type. */
  restore(snapshot: EvidenceSnapshot): void;
}

/** Recent outcomes; older ones fall out. Recording is O(1). */
export interface OutcomeWindow extends Portable {
  /** @returns what the window holds, this outcome included; the same object every time. */
  record(failed: boolean, slow: boolean): Totals;
  totals(): Totals;
}
