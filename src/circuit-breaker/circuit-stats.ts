import type { CircuitState } from './circuit-state.ts';
import type { Totals } from './outcome-window.ts';

export interface LastFailure {
  /** Milliseconds since the epoch; frames in virtual time. */
  readonly at: number;
  readonly error: unknown;
}

/**
 * A circuit breaker in numbers. The counts are those of its window, or of all calls since it was closed; while open, what
 * was seen when it opened; while half-open, the probes. Neutral and refused calls, and those in flight, are not in them.
 */
export interface CircuitStats {
  readonly state: CircuitState;
  readonly successCount: number;
  readonly failureCount: number;
  /** Calls slower than `slowCall.threshold`, however they ended. */
  readonly slowCount: number;
  /** Leases that are out, of whatever generation. */
  readonly activeCount: number;
  /** Attempts refused since the breaker was made or reset. */
  readonly rejectedCount: number;
  /** In [0, 1], like the other rates; `undefined` below the minimum of calls. */
  readonly failureRate: number | undefined;
  readonly successRate: number | undefined;
  readonly slowRate: number | undefined;
  readonly lastFailure: LastFailure | undefined;
  /** When the circuit opened, in milliseconds since the epoch; `undefined` while calls pass. */
  readonly openedAt: number | undefined;
  /** Milliseconds until the circuit lets a probe through; `undefined` unless it is open for a time. */
  readonly retryAfter: number | undefined;
}

type Counts = Pick<
  CircuitStats,
  'successCount' | 'failureCount' | 'slowCount' | 'failureRate' | 'successRate' | 'slowRate'
>;

export function countsOf({ calls, failures, slow }: Totals, minimumCalls: number): Counts {
  const rate = (part: number): number | undefined => (calls < minimumCalls ? undefined : part / calls);
  return {
    successCount: calls - failures,
    failureCount: failures,
    slowCount: slow,
    failureRate: rate(failures),
    successRate: rate(calls - failures),
    slowRate: rate(slow),
  };
}
