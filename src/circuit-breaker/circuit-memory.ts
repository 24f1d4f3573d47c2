import { timestamp } from '../core/clock.ts';
import type { SteadyClock } from '../core/steady-clock.ts';
import { type Phase, timeLeft } from './circuit-state.ts';
import type { LastFailure } from './circuit-stats.ts';
import type { CircuitBreakerOptions } from './config.ts';
import { evidenceFor } from './evidence.ts';
import { NOTHING } from './outcome-window.ts';
import { probesFor } from './probes.ts';
import type { CircuitSnapshot } from './snapshot.ts';

/** What a phase leaves to another process. */
export function remember(
  phase: Phase,
  now: number,
): Omit<CircuitSnapshot, 'name' | 'rejectedCount' | 'lastFailure'> {
  return {
    state: phase.state,
    reopenings: 'reopenings' in phase ? phase.reopenings : 0,
    ...(phase.state === 'open' && { retryAfter: timeLeft(phase, now) }),
    ...('openedAt' in phase && { openedAt: phase.openedAt }),
    ...('evidence' in phase && { evidence: phase.evidence.snapshot() }),
  };
}

/** The phase in which the other one stopped. */
export function recall(
  { state, openedAt = timestamp(), reopenings, retryAfter = 0, evidence: seen }: CircuitSnapshot,
  options: CircuitBreakerOptions,
  clock: SteadyClock,
): Phase {
  switch (state) {
    case 'closed':
    case 'metrics-only': {
      const evidence = evidenceFor(options, clock);
      if (seen) evidence.restore(seen);
      return { state, evidence };
    }
    case 'open':
      return { state, openedAt, reopenings, due: clock.now() + retryAfter, totals: NOTHING };
    case 'half-open':
      return { state, openedAt, reopenings, probes: probesFor(options) };
    case 'forced-open':
      return { state, openedAt };
    case 'disabled':
      return { state };
  }
}

/** An error that reads like the one in the other process. */
export function revive({
  at,
  error: { message, ...rest },
}: NonNullable<CircuitSnapshot['lastFailure']>): LastFailure {
  return { at, error: Object.assign(new Error(message), rest) };
}
