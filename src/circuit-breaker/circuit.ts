import { isDue, type Timer, timestamp } from '../core/clock.ts';
import { summarize } from '../core/error-summary.ts';
import { CircuitOpenError, ConfigurationError } from '../core/errors.ts';
import type { Lease, Outcome } from '../core/lease.ts';
import type { SteadyClock } from '../core/steady-clock.ts';
import { reportUnhandled } from '../core/unhandled.ts';
import { withoutStack } from '../core/without-stack.ts';
import { CircuitLease } from './circuit-lease.ts';
import { recall, remember, revive } from './circuit-memory.ts';
import {
  type CircuitState,
  type CircuitTransition,
  type HalfOpen,
  type Open,
  type Passing,
  type Phase,
  type TransitionReason,
  timeLeft,
} from './circuit-state.ts';
import { type CircuitStats, type LastFailure, phaseStats } from './circuit-stats.ts';
import { classifier } from './classification.ts';
import type { CircuitBreakerOptions, Classification } from './config.ts';
import { evidenceFor } from './evidence.ts';
import type { Totals } from './outcome-window.ts';
import { probesFor } from './probes.ts';
import type { CircuitSnapshot } from './snapshot.ts';

/** Who hears what the circuit has decided. Must not throw. */
export interface CircuitListener {
  changed(transition: CircuitTransition): void;
  rejected(retryAfter: number | undefined): void;
}

/** Stands in for a `recoveryTimeout` function that failed: the circuit must open for some time all the same. */
const DEFAULT_RECOVERY_TIME = 60_000;

/** The state machine: who may call, what the outcomes mean, and when the state changes. */
export class Circuit {
  readonly #name: string;
  readonly #options: CircuitBreakerOptions;
  readonly #clock: SteadyClock;
  readonly #listener: CircuitListener;
  readonly #classify: (error: unknown) => Classification;
  #phase: Phase;
  /** The pending automatic transition; every change of the phase cancels it. */
  #timer: Timer | undefined;
  #activeCount = 0;
  #rejectedCount = 0;
  #lastFailure: LastFailure | undefined;

  constructor(name: string, options: CircuitBreakerOptions, clock: SteadyClock, listener: CircuitListener) {
    this.#name = name;
    this.#options = options;
    this.#clock = clock;
    this.#listener = listener;
    this.#classify = classifier(options);
    this.#phase = this.#passing('closed');
  }

  get state(): CircuitState {
    return this.#phase.state;
  }

  admit(): Lease | CircuitOpenError {
    const lease = new CircuitLease(this);
    const refusal = this.#enter(lease);
    if (refusal !== undefined) return refusal;
    this.#activeCount++;
    return lease;
  }

  /** The waits of the attempt are over: it belongs to the generation in which it begins. */
  begin(lease: CircuitLease): CircuitOpenError | undefined {
    const refusal = lease.phase === this.#phase ? undefined : this.#enter(lease);
    if (this.#options.slowCall !== undefined) lease.begun = this.#clock.now();
    return refusal;
  }

  firstValue(lease: CircuitLease): void {
    if (this.#options.slowCall?.measure === 'first') lease.took ??= this.#durationOf(lease);
  }

  /** @throws what the user's `classify` or `recoveryTimeout` throws; the outcome has been counted nevertheless. */
  settle(lease: CircuitLease, outcome: Outcome, error: unknown): void {
    this.#activeCount--;
    if (lease.phase !== this.#phase || this.#phase.state === 'disabled') return;
    let verdict = outcome;
    try {
      if (outcome === 'failure') verdict = this.#classify(error);
    } finally {
      this.#conclude(lease, verdict, error);
    }
  }

  /** Closes and forgets. */
  reset(): void {
    this.#rejectedCount = 0;
    this.#lastFailure = undefined;
    this.#become(this.#passing('closed'), 'manual');
  }

  /** Goes to a state that only a person sets. To be in it already is enough. */
  pin(state: 'forced-open' | 'disabled' | 'metrics-only'): void {
    if (this.#phase.state === state) return;
    if (state === 'metrics-only') this.#become(this.#passing(state), 'manual');
    else if (state === 'disabled') this.#become({ state }, 'manual');
    else this.#become({ state, openedAt: timestamp() }, 'manual');
  }

  stats(): CircuitStats {
    return {
      ...phaseStats(this.#phase, this.#clock.now()),
      activeCount: this.#activeCount,
      rejectedCount: this.#rejectedCount,
      lastFailure: this.#lastFailure,
    };
  }

  snapshot(): Omit<CircuitSnapshot, 'name'> {
    const failure = this.#lastFailure;
    return {
      ...remember(this.#phase, this.#clock.now()),
      rejectedCount: this.#rejectedCount,
      ...(failure && { lastFailure: { at: failure.at, error: summarize(failure.error) } }),
    };
  }

  /** Goes on where another one stopped. Nobody hears of it: nothing has happened. */
  restore(snapshot: CircuitSnapshot): void {
    this.#rejectedCount = snapshot.rejectedCount;
    this.#lastFailure = snapshot.lastFailure && revive(snapshot.lastFailure);
    this.#install(recall(snapshot, this.#options, this.#clock));
  }

  #enter(lease: CircuitLease): CircuitOpenError | undefined {
    const phase = this.#phase;
    switch (phase.state) {
      case 'closed':
      case 'disabled':
      case 'metrics-only':
        break;
      case 'forced-open':
        return this.#refuse(phase.state);
      case 'open': {
        const left = this.#timeLeft(phase);
        if (!isDue(left, 0)) return this.#refuse(phase.state, left);
        // The timer is late: the event loop was busy.
        this.#halfOpen(phase);
        return this.#enter(lease);
      }
      case 'half-open':
        if (!phase.probes.begin()) return this.#refuse(phase.state);
        if (phase.probes.running === 1) this.#watchProbes(phase);
    }
    lease.phase = phase;
    return undefined;
  }

  /** What went wrong is in the `cause`. */
  #refuse(state: CircuitOpenError['state'], retryAfter?: number): CircuitOpenError {
    this.#rejectedCount++;
    this.#listener.rejected(retryAfter);
    return withoutStack(
      () => new CircuitOpenError(this.#name, retryAfter, { state, cause: this.#lastFailure?.error }),
    );
  }

  #conclude(lease: CircuitLease, verdict: Outcome, error: unknown): void {
    const phase = this.#phase;
    // Asked once more: `classify` is the user's code and may have set the circuit by hand.
    if (lease.phase !== phase) return;
    if (phase.state === 'half-open') this.#freePlace(phase);
    if (verdict === 'neutral') return;
    const failed = verdict !== 'success';
    const slow = this.#isSlow(lease);
    if (failed) this.#lastFailure = { at: timestamp(), error };
    if (phase.state === 'half-open') {
      const reason = phase.probes.record(failed, slow);
      if (reason === 'probes-succeeded') this.#become(this.#passing('closed'), reason);
      else if (reason) this.#open(reason, phase.probes.totals(), phase.reopenings + 1);
    } else if (phase.state === 'closed' || phase.state === 'metrics-only') {
      const reason = phase.evidence.record(failed, slow);
      if (reason && phase.state === 'closed') this.#open(reason, phase.evidence.totals(), 0);
    }
  }

  #isSlow(lease: CircuitLease): boolean {
    const { slowCall } = this.#options;
    return slowCall !== undefined && (lease.took ?? this.#durationOf(lease)) > slowCall.threshold;
  }

  #durationOf({ begun = Number.NaN }: CircuitLease): number {
    return this.#clock.now() - begun;
  }

  /** @throws what the user's `recoveryTimeout` throws; the circuit is open nevertheless. */
  #open(reason: TransitionReason, totals: Totals, reopenings: number): void {
    let recoveryTimeout = DEFAULT_RECOVERY_TIME;
    try {
      recoveryTimeout = this.#recoveryTimeout(reopenings);
    } finally {
      const due = this.#clock.now() + recoveryTimeout;
      this.#become({ state: 'open', openedAt: timestamp(), due, totals, reopenings }, reason);
    }
  }

  #recoveryTimeout(reopenings: number): number {
    const { recoveryTimeout } = this.#options;
    if (typeof recoveryTimeout === 'number') return recoveryTimeout;
    const time = recoveryTimeout(reopenings);
    if (Number.isFinite(time) && time >= 0) return time;
    throw new ConfigurationError(
      `Circuit "${this.#name}": option "recoveryTimeout" must return a duration in milliseconds, got ${String(time)} for reopening ${reopenings}`,
    );
  }

  #halfOpen({ openedAt, reopenings }: Open): void {
    const probes = probesFor(this.#options);
    this.#become({ state: 'half-open', openedAt, reopenings, probes }, 'recovery-time');
  }

  /** While no probe runs, nothing is stuck: the next call may come whenever it likes. */
  #watchProbes({ probes, reopenings }: HalfOpen): void {
    this.#arm(this.#options.halfOpenTimeout, () => {
      try {
        this.#open('half-open-timeout', probes.totals(), reopenings + 1);
      } catch (thrown) {
        // There is no stream that could receive it.
        reportUnhandled(thrown);
      }
    });
  }

  #freePlace({ probes }: HalfOpen): void {
    probes.end();
    if (probes.running === 0) this.#disarm();
  }

  #passing(state: Passing['state']): Passing {
    return { state, evidence: evidenceFor(this.#options, this.#clock) };
  }

  /** All is in place before anybody hears of it: listeners may change the state again. */
  #become(phase: Phase, reason: TransitionReason): void {
    const from = this.#phase.state;
    this.#install(phase);
    if (phase.state === from) return;
    const transition = { from, to: phase.state, at: timestamp(), reason };
    if (phase.state !== 'open') this.#listener.changed(transition);
    else
      this.#listener.changed({
        ...transition,
        retryAfter: this.#timeLeft(phase),
        error: this.#lastFailure?.error,
      });
  }

  #install(phase: Phase): void {
    this.#disarm();
    this.#phase = phase;
    if (phase.state !== 'open') return;
    const left = this.#timeLeft(phase);
    // Nothing to wait for: the next call finds the time over.
    if (left > 0) this.#arm(left, () => this.#halfOpen(phase));
  }

  #arm(delay: number, transition: () => void): void {
    this.#timer = this.#clock.schedule(delay, transition, { background: true });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #timeLeft(phase: Open): number {
    return timeLeft(phase, this.#clock.now());
  }
}
