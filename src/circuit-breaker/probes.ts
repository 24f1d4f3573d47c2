import type { CircuitBreakerOptions } from './config.ts';
import type { Totals } from './outcome-window.ts';

interface ProbeLimits {
  /** Places: how many probes may run at a time. */
  readonly places: number;
  /** How many outcomes decide. */
  readonly sample: number;
  /** Share of failures in the sample that reopens. */
  readonly failureRate: number;
  /** Share of slow calls in the sample that reopens; more than 1: slowness is not watched. */
  readonly slowRate: number;
}

export type Verdict = 'probe-failed' | 'probes-slow' | 'probes-succeeded';

/**
 * The probes that a config asks for. Without a sample, so many must succeed and one failure is too much: that is the rate
 * of one failure in the sample.
 */
export function probesFor(options: CircuitBreakerOptions): Probes {
  const { successThreshold = 2, halfOpenSample } = options;
  return new Probes({
    places: options.halfOpenMaxCalls,
    sample: halfOpenSample?.calls ?? successThreshold,
    failureRate: halfOpenSample?.failureRate ?? 1 / successThreshold,
    slowRate: options.slowCall?.rate ?? Number.POSITIVE_INFINITY,
  });
}

/** The half-open question: a few calls at a time, until their outcomes say whether the other side is well. */
export class Probes {
  readonly #limits: ProbeLimits;
  #running = 0;
  #calls = 0;
  #failures = 0;
  #slow = 0;

  constructor(limits: ProbeLimits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#running;
  }

  /** @returns false when all places are taken. */
  begin(): boolean {
    if (this.#running >= this.#limits.places) return false;
    this.#running++;
    return true;
  }

  /** Frees the place of a probe. */
  end(): void {
    this.#running--;
  }

  /** @returns the verdict as soon as the rest of the sample cannot change it any more. */
  record(failed: boolean, slow: boolean): Verdict | undefined {
    this.#calls++;
    if (failed) this.#failures++;
    if (slow) this.#slow++;
    const { sample, failureRate, slowRate } = this.#limits;
    if (this.#failures / sample >= failureRate) return 'probe-failed';
    if (this.#slow / sample >= slowRate) return 'probes-slow';
    const remaining = sample - this.#calls;
    const settled =
      (this.#failures + remaining) / sample < failureRate && (this.#slow + remaining) / sample < slowRate;
    return settled ? 'probes-succeeded' : undefined;
  }

  totals(): Totals {
    return { calls: this.#calls, failures: this.#failures, slow: this.#slow };
  }
}
