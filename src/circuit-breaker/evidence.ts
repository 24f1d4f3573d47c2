import type { SteadyClock } from '../core/steady-clock.ts';
import type { CircuitBreakerOptions } from './config.ts';
import { CountWindow } from './count-window.ts';
import type { OutcomeWindow, Portable, Totals } from './outcome-window.ts';
import type { EvidenceSnapshot } from './snapshot.ts';
import { TimeWindow } from './time-window.ts';

export type TripReason = 'failure-threshold' | 'failure-rate' | 'slow-rate';

/** What a circuit has seen while calls pass, and whether that is enough to open it. */
export interface Evidence extends Portable {
  /** @returns why the circuit should open now. A success may be the outcome that completes the evidence. */
  record(failed: boolean, slow: boolean): TripReason | undefined;
  totals(): Totals;
  /** Calls below which a rate says nothing. */
  readonly minimumCalls: number;
}

/** The evidence that a config asks for. */
export function evidenceFor(
  { failureThreshold, window, slowCall }: CircuitBreakerOptions,
  clock: SteadyClock,
): Evidence {
  if (window === undefined) return new FailureRun(failureThreshold ?? 5);
  const { failureRate } = window;
  const slowRate = slowCall?.rate ?? Number.POSITIVE_INFINITY;
  if (window.type === 'count') {
    const { size, minimumCalls = size } = window;
    return new FailureRate(new CountWindow(size), { failureRate, slowRate, minimumCalls });
  }
  const { duration, buckets, minimumCalls } = window;
  return new FailureRate(new TimeWindow(duration, buckets, () => clock.now()), {
    failureRate,
    slowRate,
    minimumCalls,
  });
}

/** Opens after so many failures in a row. */
class FailureRun implements Evidence {
  readonly minimumCalls = 1;
  readonly #threshold: number;
  #length = 0;
  #calls = 0;
  #failures = 0;

  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  record(failed: boolean): TripReason | undefined {
    this.#calls++;
    if (!failed) {
      this.#length = 0;
      return undefined;
    }
    this.#failures++;
    this.#length++;
    return this.#length >= this.#threshold ? 'failure-threshold' : undefined;
  }

  totals(): Totals {
    return { calls: this.#calls, failures: this.#failures, slow: 0 };
  }

  snapshot(): EvidenceSnapshot {
    return { type: 'consecutive', failures: this.#length };
  }

  restore(snapshot: EvidenceSnapshot): void {
    if (snapshot.type === 'consecutive') this.#length = this.#calls = this.#failures = snapshot.failures;
  }
}

interface RateLimits {
  readonly failureRate: number;
  /** More than 1: slowness is not watched. */
  readonly slowRate: number;
  readonly minimumCalls: number;
}

/** Opens when the share of failures, or of slow calls, in a window reaches its limit. */
class FailureRate implements Evidence {
  readonly #window: OutcomeWindow;
  readonly #limits: RateLimits;

  constructor(window: OutcomeWindow, limits: RateLimits) {
    this.#window = window;
    this.#limits = limits;
  }

  get minimumCalls(): number {
    return this.#limits.minimumCalls;
  }

  record(failed: boolean, slow: boolean): TripReason | undefined {
    const { calls, failures, slow: slowCalls } = this.#window.record(failed, slow);
    const { failureRate, slowRate, minimumCalls } = this.#limits;
    if (calls < minimumCalls) return undefined;
    if (failures / calls >= failureRate) return 'failure-rate';
    return slowCalls / calls >= slowRate ? 'slow-rate' : undefined;
  }

  totals(): Totals {
    return { ...this.#window.totals() };
  }

  snapshot(): EvidenceSnapshot {
    return this.#window.snapshot();
  }

  restore(snapshot: EvidenceSnapshot): void {
    this.#window.restore(snapshot);
  }
}
