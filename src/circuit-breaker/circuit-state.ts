import type { EventData } from '../core/events.ts';
import type { Evidence, TripReason } from './evidence.ts';
import type { Totals } from './outcome-window.ts';
import type { Probes, Verdict } from './probes.ts';

/**
 * `closed`: calls pass. `open`: calls are refused for a time. `half-open`: a few probes pass. By hand: `forced-open`
 * refuses until told otherwise, `disabled` lets all pass and counts nothing, `metrics-only` counts and never opens.
 */
export type CircuitState = EventData<'circuit_closed'>['to'];

export type TransitionReason = TripReason | Verdict | 'recovery-time' | 'half-open-timeout' | 'manual';

export interface CircuitTransition {
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** Milliseconds since the epoch; frames in virtual time. */
  readonly at: number;
  readonly reason: TransitionReason;
  /** Milliseconds until the circuit lets a probe through, if it opened for a time. */
  readonly retryAfter?: number;
  /** The last failure before the circuit opened. */
  readonly error?: unknown;
}

/**
 * What a circuit is doing and what it needs for that. The object itself is the generation: a lease belongs to the phase
 * in which it was given, and to no later one of the same state.
 */
export type Phase = Passing | Open | HalfOpen | Pinned;

export interface Passing {
  readonly state: 'closed' | 'metrics-only';
  readonly evidence: Evidence;
}

/** Since when, and how often the circuit has opened again since it was last closed. */
interface Opened {
  readonly openedAt: number;
  readonly reopenings: number;
}

export interface Open extends Opened {
  readonly state: 'open';
  /** When the first probe may pass. */
  readonly due: number;
  /** What was seen when it opened. */
  readonly totals: Totals;
}

export interface HalfOpen extends Opened {
  readonly state: 'half-open';
  readonly probes: Probes;
}

export interface Pinned {
  readonly state: 'forced-open' | 'disabled';
  readonly openedAt?: number;
}

/** Milliseconds until an open circuit lets a probe through. */
export const timeLeft = ({ due }: Open, now: number): number => Math.max(0, due - now);
