import { defer, map, mergeWith, type Observable, of } from 'rxjs';
import { parseConfig } from '../core/config.ts';
import type { CircuitOpenError } from '../core/errors.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { labelledField } from '../core/label.ts';
import { type AdmissionPolicy, Lease } from '../core/lease.ts';
import { OrderedSubject } from '../core/ordered-subject.ts';
import { type CallScope, currentScope } from '../core/scope.ts';
import { steadyClockOf } from '../core/steady-clock.ts';
import { Circuit } from './circuit.ts';
import type { CircuitState, CircuitTransition } from './circuit-state.ts';
import type { CircuitStats } from './circuit-stats.ts';
import { type CircuitBreakerConfig, CircuitBreakerConfigSchema } from './config.ts';
import { type CircuitSnapshot, CircuitSnapshotSchema } from './snapshot.ts';

/** A change of the state, and the call whose outcome has made it. */
interface Change {
  readonly transition: CircuitTransition;
  readonly scope: CallScope | undefined;
}

/**
 * Stops calling what keeps failing, and finds out by a few probes when it is well again.
 *
 * ```
 *            failureThreshold              recoveryTimeout
 *   closed ------------------->   open   --------------->  half-open
 *     ^                             ^                       |     |
 *     |                             +---- a probe fails ----+     |
 *     +-------------------- successThreshold ---------------------+
 * ```
 *
 * One stream is one call: it counts when it ends, as a success, as a failure, or, when it was cancelled, not at all. The
 * result of a call that began before the last change of state changes nothing any more.
 *
 * After Nygard, "Release It!"; the generations are those of gobreaker, windows and slow calls those of resilience4j.
 *
 * @example
 * ```ts
 * const breaker = new CircuitBreaker({ name: 'payments', failureThreshold: 2, recoveryTimeout: 30_000 });
 * breaker.onStateChange(({ from, to, reason }) => console.log(`${from} -> ${to} (${reason})`));
 * const pay = throwError(() => new Error('503')).pipe(circuitBreaker(breaker), retry(2));
 * pay.subscribe({ error: ({ name, circuit }) => console.log(name, circuit) });
 * // closed -> open (failure-threshold)
 * // CircuitOpenError payments
 * ```
 */
export class CircuitBreaker implements AdmissionPolicy {
  readonly name: string;
  readonly #events: EventBus;
  readonly #circuit: Circuit;
  readonly #changes$ = new OrderedSubject<Change>();

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: CircuitBreakerConfig = {}) {
    const options = parseConfig('CircuitBreaker', CircuitBreakerConfigSchema, config);
    this.name = options.name ?? 'circuit-breaker';
    this.#events = options.events ?? getEventBus();
    this.#circuit = new Circuit(this.name, options, steadyClockOf(options.scheduler), {
      changed: (transition) => this.#changes$.next({ transition, scope: currentScope() }),
      rejected: (retryAfter) => this.#events.publish('circuit_rejected', this.name, { retryAfter }),
    });
    // The bus is the first listener, not a second channel: so it keeps the order of all the others.
    this.#changes$.subscribe((change) => this.#announce(change));
    labelledField('CircuitBreaker.transitions$', this.name, this.transitions$);
    labelledField('CircuitBreaker.state$', this.name, this.state$);
  }

  /**
   * A breaker that goes on where the one of the snapshot stopped, in another process or after a restart. An open circuit
   * stays open for what was left of its recovery time; calls that were in flight are not known here.
   *
   * @throws {ConfigurationError} when the snapshot is none, or an option is refused.
   */
  static restore(snapshot: CircuitSnapshot, config: CircuitBreakerConfig = {}): CircuitBreaker {
    const memory = parseConfig('CircuitBreaker.restore', CircuitSnapshotSchema, snapshot);
    const breaker = new CircuitBreaker({ ...config, name: config.name ?? memory.name });
    breaker.#circuit.restore(memory);
    return breaker;
  }

  /** What the circuit does with the next call. */
  get state(): CircuitState {
    return this.#circuit.state;
  }

  /** The circuit in numbers, as of now. */
  get stats(): CircuitStats {
    return this.#circuit.stats();
  }

  /** Every change of the state, after it has happened. A listener may change it again; all hear of it in one order. */
  readonly transitions$: Observable<CircuitTransition> = this.#changes$.pipe(
    map(({ transition }) => transition),
  );

  /** The state now and after every change. */
  readonly state$: Observable<CircuitState> = this.transitions$.pipe(
    map(({ to }) => to),
    // Merged, not put in front: whoever changes the state on hearing of the current one must hear of the change.
    mergeWith(defer(() => of(this.#changes$.current?.transition.to ?? this.state))),
  );

  /** @returns stops listening. */
  onStateChange(listener: (transition: CircuitTransition) => void): () => void {
    const subscription = this.transitions$.subscribe(listener);
    return () => subscription.unsubscribe();
  }

  /** Closes the circuit and clears all counts. Calls in flight no longer matter to it. */
  reset(): void {
    this.#circuit.reset();
  }

  /** Refuses every call until told otherwise. */
  forceOpen(): void {
    this.#circuit.pin('forced-open');
  }

  /** Lets every call pass and counts nothing until told otherwise. */
  disable(): void {
    this.#circuit.pin('disabled');
  }

  /** Lets every call pass and counts it, but never opens, until told otherwise: to try a config on real traffic. */
  metricsOnly(): void {
    this.#circuit.pin('metrics-only');
  }

  /** What {@link CircuitBreaker.restore} needs, safe as JSON. */
  snapshot(): CircuitSnapshot {
    return { name: this.name, ...this.#circuit.snapshot() };
  }

  /**
   * A lease for code without a stream. Given back without an outcome it is neutral, as after an exception that says
   * nothing of the other side.
   *
   * ```ts
   * using lease = breaker.acquire();
   * try {
   *   const reply = await send(message);
   *   lease.success();
   *   return reply;
   * } catch (error) {
   *   lease.failure(error);
   *   throw error;
   * }
   * ```
   *
   * @throws {CircuitOpenError} when the circuit lets no call pass.
   */
  acquire(): Lease {
    const lease = this.admit();
    if (!(lease instanceof Lease)) throw lease;
    lease.start();
    return lease;
  }

  /** @internal */
  admit(): Lease | CircuitOpenError {
    return this.#circuit.admit();
  }

  #announce({ transition: { from, to, retryAfter, error }, scope }: Change): void {
    const events = this.#events;
    if (to === 'half-open') events.publish('circuit_half_open', this.name, { from, to }, scope);
    else if (to === 'forced-open') events.publish('circuit_opened', this.name, { from, to }, scope);
    else if (to === 'open')
      events.publish('circuit_opened', this.name, { from, to, retryAfter, error }, scope);
    else events.publish('circuit_closed', this.name, { from, to }, scope);
  }
}
