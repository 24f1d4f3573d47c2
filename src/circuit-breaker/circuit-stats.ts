import { type CircuitState, type Phase, timeLeft } from './circuit-state.ts';
import { NOTHING, type Totals } from './outcome-window.ts';

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

/** What the phase alone knows. */
export function phaseStats(
  phase: Phase,
  now: number,
): Omit<CircuitStats, 'activeCount' | 'rejectedCount' | 'lastFailure'> {
  const [{ calls, failures, slow }, minimumCalls] = seenIn(phase);
  const rate = (part: number): number | undefined => (calls < minimumCalls ? undefined : part / calls);
  return {
    state: phase.state,
    successCount: calls - failures,
    failureCount: failures,
    slowCount: slow,
    failureRate: rate(failures),
    successRate: rate(calls - failures),
    slowRate: rate(slow),
    openedAt: 'openedAt' in phase ? phase.openedAt : undefined,
    retryAfter: phase.state === 'open' ? timeLeft(phase, now) : undefined,
  };
}

/** What the phase goes by, and how many calls it takes for a rate. The minimum does not gate the probes. */
function seenIn(phase: Phase): [totals: Totals, minimumCalls: number] {
  switch (phase.state) {
    case 'closed':
    case 'metrics-only':
      return [phase.evidence.totals(), phase.evidence.minimumCalls];
    case 'open':
      return [phase.totals, 1];
    case 'half-open':
      return [phase.probes.totals(), 1];
    default:
      return [NOTHING, 1];
  }
}
