import type { Observable } from 'rxjs';
import * as z from 'zod/mini';
import { commonOptions, count, parseConfig } from '../core/config.ts';
import { ConfigurationError } from '../core/errors.ts';
import { getEventBus } from '../core/event-bus.ts';
import { labelledField } from '../core/label.ts';
import { OrderedSubject } from '../core/ordered-subject.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import {
  type CircuitBreakerConfig,
  CircuitBreakerConfigSchema,
  type CircuitBreakerOptions,
} from './config.ts';

const { name, events } = commonOptions;

export const CircuitRegistryConfigSchema = z.strictObject({
  name,
  events,
  /** How many circuits are kept at most. @default 10_000 */
  capacity: z._default(count(1), 10_000),
});
export type CircuitRegistryConfig = z.input<typeof CircuitRegistryConfigSchema>;

/** A circuit came, was removed by hand, or had to make room. */
export interface CircuitRegistryChange {
  readonly type: 'added' | 'removed' | 'evicted';
  readonly breaker: CircuitBreaker;
}

interface Entry {
  readonly breaker: CircuitBreaker;
  readonly options: CircuitBreakerOptions;
}

/**
 * Circuit breakers by name, so that all who call one service share one circuit.
 *
 * At its capacity the registry forgets the idle circuit that was asked for the longest time ago: one that is closed and
 * has no call in flight, so nothing is lost but its counts. When none is idle, a new name is refused: names without
 * bound (of users, of requests) would otherwise fill the memory just when everything fails.
 */
export class CircuitRegistry {
  readonly name: string;
  readonly #capacity: number;
  /** In the order in which they were last asked for. */
  readonly #entries = new Map<string, Entry>();
  readonly #changes$ = new OrderedSubject<CircuitRegistryChange>();

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: CircuitRegistryConfig = {}) {
    const options = parseConfig('CircuitRegistry', CircuitRegistryConfigSchema, config);
    this.name = options.name ?? 'circuit-registry';
    this.#capacity = options.capacity;
    const events = options.events ?? getEventBus();
    // The bus is the first listener, not a second channel: so it keeps the order of all the others.
    this.#changes$.subscribe(({ type, breaker }) =>
      events.publish('registry_changed', this.name, { change: type, name: breaker.name }),
    );
    labelledField('CircuitRegistry.changes$', this.name, this.changes$);
  }

  /** What comes and goes, after it has. */
  readonly changes$: Observable<CircuitRegistryChange> = this.#changes$.asObservable();

  /**
   * The circuit of that name, made from `config` if there is none.
   *
   * An option that is given must agree with the circuit that is there: two callers who think differently of one circuit
   * are a mistake that only one of them would notice. Options that are left out ask for nothing, and functions, the bus and
   * the scheduler are not compared: two of them that do the same are still two.
   *
   * @throws {ConfigurationError} naming the option that is refused or differs, or when there is no room.
   */
  getOrCreate(name: string, config: Omit<CircuitBreakerConfig, 'name'> = {}): CircuitBreaker {
    const known = this.#touch(name);
    const options = parseConfig('CircuitRegistry.getOrCreate', CircuitBreakerConfigSchema, {
      ...config,
      name,
    });
    if (known !== undefined) {
      for (const option of Object.keys(config) as (keyof typeof config)[])
        if (config[option] !== undefined) agree(name, option, known.options, options);
      return known.breaker;
    }
    const evicted = this.#entries.size < this.#capacity ? undefined : this.#makeRoom(name);
    const breaker = new CircuitBreaker({ ...config, name });
    this.#entries.set(name, { breaker, options });
    const added: CircuitRegistryChange = { type: 'added', breaker };
    // Only now, and together: who hears of it may ask for the same name, or remove it.
    if (evicted) this.#changes$.next({ type: 'evicted', breaker: evicted }, added);
    else this.#changes$.next(added);
    return breaker;
  }

  /** The breaker of that name, if there is one. */
  get(name: string): CircuitBreaker | undefined {
    return this.#touch(name)?.breaker;
  }

  /** All breakers, the one that nobody has asked for longest first. */
  list(): CircuitBreaker[] {
    return [...this.#entries.values()].map(({ breaker }) => breaker);
  }

  /** @returns false when there is no circuit of that name. */
  reset(name: string): boolean {
    const breaker = this.get(name);
    breaker?.reset();
    return breaker !== undefined;
  }

  /** Closes and clears every circuit. */
  resetAll(): void {
    for (const breaker of this.list()) breaker.reset();
  }

  /**
   * Forgets a circuit; whoever still holds it may go on using it.
   *
   * @returns false when there is no circuit of that name.
   */
  remove(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#entries.delete(name);
    this.#changes$.next({ type: 'removed', breaker: entry.breaker });
    return true;
  }

  #touch(name: string): Entry | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry;
  }

  /** @returns the circuit that had to go. */
  #makeRoom(newcomer: string): CircuitBreaker {
    for (const [name, { breaker }] of this.#entries) {
      const { state, activeCount } = breaker.stats;
      if (state === 'closed' && activeCount === 0) {
        this.#entries.delete(name);
        return breaker;
      }
    }
    throw new ConfigurationError(
      `CircuitRegistry: no room for "${newcomer}": option "capacity" is ${this.#capacity}, and every circuit is busy or not closed. Use fewer names, remove some, or raise it.`,
    );
  }
}

function agree<Option extends keyof CircuitBreakerOptions>(
  name: string,
  option: Option,
  known: CircuitBreakerOptions,
  wanted: CircuitBreakerOptions,
): void {
  if (option === 'events' || option === 'scheduler') return;
  const [is, asked] = [JSON.stringify(known[option]), JSON.stringify(wanted[option])];
  if (is === asked) return;
  throw new ConfigurationError(
    `CircuitRegistry: option "${option}" of circuit "${name}" is ${is ?? 'not set or a function'}, got ${asked ?? 'a function'}`,
  );
}

const sharedRegistry = new CircuitRegistry();

/** The registry of this process. */
export function getCircuitRegistry(): CircuitRegistry {
  return sharedRegistry;
}
