import { Lease, type Outcome } from '../core/lease.ts';
import type { Circuit } from './circuit.ts';
import type { Phase } from './circuit-state.ts';

/** One call: to which generation of the circuit it belongs, and how long it takes if anybody wants to know. */
export class CircuitLease extends Lease {
  phase: Phase | undefined;
  /** When the call began, if that matters. Before that it cannot be slow. */
  begun: number | undefined;
  /** How long it took until its first value, if that is what counts. */
  took: number | undefined;
  readonly #circuit: Circuit;

  constructor(circuit: Circuit) {
    super();
    this.#circuit = circuit;
  }

  override start(): Error | undefined {
    return this.#circuit.begin(this);
  }

  override firstValue(): void {
    this.#circuit.firstValue(this);
  }

  protected override onSettled(outcome: Outcome, error?: unknown): void {
    this.#circuit.settle(this, outcome, error);
  }
}
