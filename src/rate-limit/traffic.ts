import type { Load } from '../core/waiting-line.ts';
import { DIMENSIONS, type RateLimitDimension } from './tokens.ts';

/** When a request was sent, as far as it matters for what its answer says. */
export interface Departure {
  readonly order: number;
  /** All that had been sent by then. */
  readonly sent: Load;
}

/** What has been admitted and sent: a service that says what is left does not know yet of all of it. */
export class Traffic {
  readonly #admitted = [0, 0, 0, 0];
  readonly #sent = [0, 0, 0, 0];
  #departures = 0;
  /** The latest departure of which an answer has spoken. */
  #heard = 0;

  admit(load: Load): void {
    add(this.#admitted, load, 1);
  }

  /** It was admitted, and will not be sent. */
  withdraw(load: Load): void {
    add(this.#admitted, load, -1);
  }

  send(load: Load): Departure {
    add(this.#sent, load, 1);
    return { order: ++this.#departures, sent: [...this.#sent] };
  }

  /** Whether nothing newer has been heard than what an answer to this departure says. */
  isNews({ order }: Departure): boolean {
    if (order < this.#heard) return false;
    this.#heard = order;
    return true;
  }

  /** What was admitted, and not sent before this departure: the answer to it may leave that out. */
  unseenBy({ sent }: Departure, name: RateLimitDimension): number {
    const dimension = DIMENSIONS.indexOf(name);
    return (this.#admitted[dimension] as number) - (sent[dimension] as number);
  }
}

function add(sums: number[], load: Load, sign: 1 | -1): void {
  for (let dimension = 0; dimension < sums.length; dimension++)
    sums[dimension] = (sums[dimension] as number) + sign * (load[dimension] as number);
}
