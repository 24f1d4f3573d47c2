import type { Load } from '../core/waiting-line.ts';
import type { RateLimitDimension } from './tokens.ts';

type Sums = Readonly<Record<RateLimitDimension, number>>;

/** When a request was sent, as far as it matters for what its answer says: all that had been sent by then. */
export interface Departure extends Sums {
  readonly order: number;
}

const NOTHING_YET: Departure = { order: 0, requests: 0, tokens: 0, 'input-tokens': 0, 'output-tokens': 0 };

/** What has been admitted and sent: a service that says what is left does not know yet of all of it. */
export class Traffic {
  #admitted = NOTHING_YET;
  #sent = NOTHING_YET;
  /** The latest departure of which an answer has spoken. */
  #heard = 0;

  admit(load: Load): void {
    this.#admitted = after(this.#admitted, load, 1);
  }

  /** It was admitted, and will not be sent. */
  withdraw(load: Load): void {
    this.#admitted = after(this.#admitted, load, -1);
  }

  send(load: Load): Departure {
    this.#sent = after(this.#sent, load, 1);
    return this.#sent;
  }

  /** Whether nothing newer has been heard than what an answer to this departure says. */
  isNews({ order }: Departure): boolean {
    if (order < this.#heard) return false;
    this.#heard = order;
    return true;
  }

  /** What was admitted, and not sent before this departure: the answer to it may leave that out. */
  unseenBy(departure: Departure, dimension: RateLimitDimension): number {
    return this.#admitted[dimension] - departure[dimension];
  }
}

function after(sums: Departure, load: Load, sign: 1 | -1): Departure {
  const [requests = 0, tokens = 0, input = 0, output = 0] = load;
  return {
    order: sums.order + 1,
    requests: sums.requests + sign * requests,
    tokens: sums.tokens + sign * tokens,
    'input-tokens': sums['input-tokens'] + sign * input,
    'output-tokens': sums['output-tokens'] + sign * output,
  };
}
