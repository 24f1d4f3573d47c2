import {
  defer,
  endWith,
  finalize,
  firstValueFrom,
  ignoreElements,
  map,
  merge,
  Observable,
  repeat,
  shareReplay,
} from 'rxjs';
import * as z from 'zod/mini';
import type { CircuitBreaker, CircuitRegistry } from '../circuit-breaker/index.ts';
import { type Clock, clockOf, timestamp } from '../core/clock.ts';
import { functionOption, limit, notEmpty, parseConfig } from '../core/config.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import type { HealthStatus } from '../core/event-parts.ts';
import type { EventData } from '../core/events.ts';
import { labelledStream } from '../core/label.ts';
import { within } from '../core/scope.ts';
import type { HealthAnswer, HealthCheck } from './check.ts';
import { circuitCheck } from './circuit-check.ts';
import {
  type DerivedCheckOptions,
  DerivedCheckOptionsSchema,
  type HealthCheckerConfig,
  HealthCheckerConfigSchema,
  type HealthCheckOptions,
  HealthCheckOptionsSchema,
} from './config.ts';
import { RegisteredCheck } from './registered-check.ts';
import { type CheckReport, type HealthReport, overallOf } from './report.ts';

/** Something that has a name and knows how it is doing, such as a `ResilientProvider`. */
export interface HealthSource {
  readonly name: string;
  isHealthy(): ReturnType<HealthCheck>;
}

/**
 * Knows how this process and what it depends on are doing.
 *
 * All checks run at the same time, each within its own `timeout`, and none twice at the same time, however many ask. A
 * critical check that is unhealthy makes the whole unhealthy; everything else that is not well makes it degraded; without
 * checks all is well.
 *
 * *HealthChecker: What is not critical does not make the whole unhealthy*
 * ```text
 * const health = new HealthChecker();
 * health.register('database', () => check$, { critical: false });
 * health.watch(10).pipe(map(({ status }) => status))
 *
 * attempt 1   --(u!)
 * attempt 2               --(h!)
 * result      --d-----------h!
 * ```
 *
 * Every change of a status, of a check or of the whole, is the event `health_changed`. The whole is judged when all that
 * were asked have answered, not in the middle.
 *
 * @example
 * ```ts
 * const health = new HealthChecker();
 * health.register('database', () => pool.query('select 1').then(() => true));
 * health.register('cache', ({ signal }) => ping(cache, signal), { critical: false, timeout: 500 });
 * health.registerCircuits(getCircuitRegistry());
 * const { status, checks } = await health.checkAll();
 * console.log(status, checks.cache?.error?.message);
 * // degraded Timeout "cache": the stream gave no first value within 500 ms (first).
 * ```
 * @see {@link healthFetchHandler} and {@link healthNodeHandler} for probes over HTTP
 */
export class HealthChecker {
  readonly name: string;
  readonly #timeout: number;
  readonly #maxAge: number;
  readonly #clock: Clock;
  readonly #events: EventBus;
  readonly #checks = new Map<string, RegisteredCheck>();
  readonly #watched = new Map<number, Observable<HealthReport>>();
  #overall: HealthStatus = 'healthy';

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: HealthCheckerConfig = {}) {
    const options = parseConfig('HealthChecker', HealthCheckerConfigSchema, config);
    this.name = options.name ?? 'health';
    this.#timeout = options.timeout;
    this.#maxAge = options.maxAge;
    this.#clock = clockOf(options.scheduler);
    this.#events = options.events ?? getEventBus();
  }

  /** What was known when all who were asked had answered the last time. What has never answered is not in it. */
  get overall(): HealthStatus {
    return this.#overall;
  }

  /**
   * Adds a check, which runs when somebody asks. One of the same name makes way for it, with all that it has found.
   *
   * @returns unregisters this check, and no later one of the same name.
   * @throws {ConfigurationError} naming the option and the value.
   */
  register<const Answer extends HealthAnswer>(
    name: string,
    check: HealthCheck<Answer>,
    options: HealthCheckOptions = {},
  ): () => void {
    parseConfig('HealthChecker.register', RegistrationSchema, { name, check });
    const {
      timeout = this.#timeout,
      maxAge = this.#maxAge,
      ...kind
    } = parseConfig(`HealthChecker.register "${name}"`, HealthCheckOptionsSchema, options);
    const registered = new RegisteredCheck({
      ...kind,
      name,
      check,
      timeout,
      maxAge,
      clock: this.#clock,
      changed: (from, to, error) => this.#announce({ check: name, from, to, error }),
    });
    this.unregister(name);
    this.#checks.set(name, registered);
    return () => {
      if (this.#checks.get(name) === registered) this.unregister(name);
    };
  }

  /**
   * Forgets a check and what it has found; if it runs, it is ended.
   *
   * @returns false when there is no check of that name.
   */
  unregister(name: string): boolean {
    const check = this.#checks.get(name);
    if (check === undefined) return false;
    this.#checks.delete(name);
    check.withdraw();
    this.#judge();
    return true;
  }

  /**
   * A check for each circuit of the registry, `circuit:` and its name, while it is there: see {@link circuitCheck}.
   *
   * @returns unregisters all of them.
   */
  registerCircuits(registry: CircuitRegistry, options: DerivedCheckOptions = {}): () => void {
    const kind = parseConfig('HealthChecker.registerCircuits', DerivedCheckOptionsSchema, options);
    const unregister = new Map<CircuitBreaker, () => void>();
    const add = (breaker: CircuitBreaker): void => {
      if (unregister.has(breaker)) return;
      unregister.set(breaker, this.register(`circuit:${breaker.name}`, circuitCheck(breaker), kind));
    };
    const remove = (breaker: CircuitBreaker): void => {
      unregister.get(breaker)?.();
      unregister.delete(breaker);
    };
    const changes = registry.changes$.subscribe(({ type, breaker }) => {
      if (type === 'added') add(breaker);
      else remove(breaker);
    });
    registry.list().forEach(add);
    return () => {
      changes.unsubscribe();
      [...unregister.keys()].forEach(remove);
    };
  }

  /**
   * A check that asks a provider whether it is worth asking, `provider:` and its name.
   *
   * @returns unregisters it.
   */
  registerProvider(provider: HealthSource, options: DerivedCheckOptions = {}): () => void {
    const of = 'HealthChecker.registerProvider';
    parseConfig(of, HealthSourceSchema, provider);
    const kind = parseConfig(of, DerivedCheckOptionsSchema, options);
    return this.register(`provider:${provider.name}`, () => provider.isHealthy(), kind);
  }

  /** Runs every check, those that answered less than their `maxAge` ago aside. Never rejects. */
  checkAll(): Promise<HealthReport> {
    return firstValueFrom(this.#round(() => true));
  }

  /**
   * Whether this process must be restarted. Only checks with the option `liveness` have a say, and none of those that are
   * derived from circuits or providers: the failure of another service is no reason to end this one.
   */
  liveness(): Promise<HealthReport> {
    return firstValueFrom(this.#round(({ liveness }) => liveness));
  }

  /** Whether this process should be given work: what `checkAll()` says. */
  readiness(): Promise<HealthReport> {
    return this.checkAll();
  }

  /**
   * A report at once, and then again and again, `interval` after the one before; so a round never overlaps the next. All who
   * watch at the same interval share the rounds, and whoever comes later begins with the last report. While nobody listens
   * nothing runs: the last who leaves ends the checks that are under way.
   *
   * @param interval milliseconds between two rounds.
   * @throws {ConfigurationError} at once, unless the interval is greater than 0.
   */
  watch(interval: number): Observable<HealthReport> {
    parseConfig('HealthChecker.watch', WatchSchema, { interval });
    const reports$ = defer(() => this.#watched.get(interval) ?? this.#watch(interval));
    return labelledStream('HealthChecker.watch', this.name, reports$);
  }

  #watch(interval: number): Observable<HealthReport> {
    const reports$ = this.#round(() => true).pipe(
      repeat({ delay: () => this.#pause(interval) }),
      finalize(() => this.#watched.delete(interval)),
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    this.#watched.set(interval, reports$);
    return reports$;
  }

  #pause(duration: number): Observable<void> {
    return new Observable((subscriber) => {
      const timer = this.#clock.schedule(duration, () => subscriber.next());
      return () => timer.cancel();
    });
  }

  /** All who have a say are asked at once; the report comes when the last of them has answered. */
  #round(hasSay: (check: RegisteredCheck) => boolean): Observable<HealthReport> {
    return defer(() => {
      const asked = [...this.#checks.values()].filter(hasSay);
      return merge(...asked.map(({ answered$ }) => answered$)).pipe(
        ignoreElements(),
        endWith(asked),
        map((checks) => this.#report(checks)),
      );
    });
  }

  #report(asked: readonly RegisteredCheck[]): HealthReport {
    this.#judge();
    const reports = new Map<string, CheckReport>();
    for (const check of asked) {
      const report = check.report();
      if (report !== undefined && this.#checks.get(check.name) === check) reports.set(check.name, report);
    }
    const status = overallOf(reports.values());
    const checks = Object.fromEntries(reports);
    return { status, ok: status !== 'unhealthy', timestamp: timestamp(), checks };
  }

  #judge(): void {
    const from = this.#overall;
    const to = overallOf(this.#checks.values());
    if (from === to) return;
    this.#overall = to;
    this.#announce({ from, to });
  }

  /** Whoever happens to ask, what is found is no part of their call. */
  #announce(change: Omit<EventData<'health_changed'>, 'error'> & { error?: unknown }): void {
    within(undefined, () => this.#events.publish('health_changed', this.name, change));
  }
}

const RegistrationSchema = z.object({
  name: z.string('must be a string').check(notEmpty('must not be empty')),
  check: functionOption<HealthCheck>(),
});

const HealthSourceSchema = z.object({
  name: z.string('must be a string').check(notEmpty('must not be empty')),
  isHealthy: functionOption<HealthSource['isHealthy']>(),
});

const WatchSchema = z.object({ interval: limit() });
