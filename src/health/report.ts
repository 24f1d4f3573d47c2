import type { ErrorSummary, HealthStatus } from '../core/event-parts.ts';

/** What one check found. */
export interface CheckReport {
  readonly status: HealthStatus;
  readonly critical: boolean;
  /** Milliseconds that the check took. */
  readonly duration: number;
  /** Milliseconds since it answered: more than 0 when the answer was used again (`maxAge`), or others took longer. */
  readonly age: number;
  /** When it answered, in milliseconds since the epoch; frames in virtual time. */
  readonly checkedAt: number;
  /** What went wrong. */
  readonly error?: ErrorSummary;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What all checks found together. */
export interface HealthReport {
  readonly status: HealthStatus;
  /** Whether to send work here: `status` is not `'unhealthy'`. */
  readonly ok: boolean;
  /** When the last of them had answered, in milliseconds since the epoch; frames in virtual time. */
  readonly timestamp: number;
  /** By name, in the order in which they were registered. */
  readonly checks: Readonly<Record<string, CheckReport>>;
}

interface Judged {
  /** `undefined` while nothing is known. */
  readonly status: HealthStatus | undefined;
  readonly critical: boolean;
}

/** A critical check that is unhealthy makes the whole unhealthy; everything else that is not well makes it degraded. */
export function overallOf(checks: Iterable<Judged>): HealthStatus {
  let overall: HealthStatus = 'healthy';
  for (const { status = 'healthy', critical } of checks) {
    if (status === 'unhealthy' && critical) return 'unhealthy';
    if (status !== 'healthy') overall = 'degraded';
  }
  return overall;
}
