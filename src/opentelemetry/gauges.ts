import type { BatchObservableCallback, Meter } from '@opentelemetry/api';
import type { Instruments } from './instruments.ts';
import type { Reactions } from './reactions.ts';
import { closed, type Names, WORDS } from './vocabulary.ts';

/** A circuit breaker, or what shows itself like one. */
export interface ObservedCircuit {
  readonly name: string;
  readonly state: string;
}

/** A bulkhead or an adaptive limit, or what shows itself like one. */
export interface ObservedPlaces {
  readonly name: string;
  readonly activeCount: number;
  readonly queueSize: number;
  readonly maxQueue?: number;
  readonly maxConcurrent?: number;
  readonly limit?: number;
}

/** A rate limiter, or what shows itself like one. */
export interface ObservedLimiter {
  readonly name: string;
  readonly queueSize: number;
  readonly maxQueue?: number;
  readonly state: {
    readonly balances: Readonly<Partial<Record<string, number>>>;
    readonly paused: boolean;
  };
}

/** An adaptive throttle, or what shows itself like one. */
export interface ObservedThrottle {
  readonly name: string;
  readonly probability: number;
}

export type Observed = ObservedCircuit | ObservedPlaces | ObservedLimiter | ObservedThrottle;

/** Whether there is something to see. */
export function isObserved(value: unknown): value is Observed {
  if (typeof value !== 'object' || value === null || typeof (value as Observed).name !== 'string')
    return false;
  return 'state' in value || 'activeCount' in value || 'probability' in value;
}

/** What the bus has told last of everything that has a name, as far as the cap allows. */
class LastTold<Value> extends Map<string, Value> {
  readonly #cap: number;

  constructor(cap: number) {
    super();
    this.#cap = cap;
  }

  override set(name: string, value: Value): this {
    return this.size < this.#cap || this.has(name) ? super.set(name, value) : this;
  }
}

export interface GaugeDetails {
  readonly meter: Meter;
  readonly metric: Instruments;
  readonly names: Names;
  /** What is asked for its state whenever somebody collects. */
  readonly observed: () => Iterable<Observed>;
  readonly openCalls: () => number;
}

/**
 * What is the case now, as against what has happened. Circuits, health checks and what changes by itself are known from the
 * bus once they have changed; places, permits and lines change with every call, so who wants to see them says where to look.
 *
 * @returns what to do about events, and how to stop.
 */
export function gaugesOf({ meter, metric, names, observed, openCalls }: GaugeDetails): {
  readonly reactions: Reactions;
  stop(): void;
} {
  const circuits = new LastTold<string>(names.cap);
  const checks = new LastTold<string>(names.cap);
  const limits = new LastTold<number>(names.cap);
  const pauses = new LastTold<boolean>(names.cap);
  const rates = new LastTold<ReadonlyMap<string, number>>(names.cap);

  const gauges = [
    metric.circuitState,
    metric.healthStatus,
    metric.active,
    metric.limit,
    metric.balance,
    metric.probability,
    metric.rate,
    metric.paused,
    metric.queueSize,
    metric.queueLimit,
    metric.openCalls,
  ];
  const named = (name: string): { source: string } => ({ source: names.sources.of(name) });
  const report: BatchObservableCallback = (result) => {
    // What is seen is newer than what was told.
    const seen = {
      circuits: new Map(circuits),
      limits: new Map(limits),
      pauses: new Map(pauses),
    };
    for (const policy of observed()) {
      const { name } = policy;
      const labels = named(name);
      if ('activeCount' in policy) {
        const { activeCount, maxConcurrent, limit = maxConcurrent } = policy;
        result.observe(metric.active, activeCount, labels);
        if (limit !== undefined) seen.limits.set(name, limit);
      }
      if ('state' in policy && typeof policy.state === 'string') seen.circuits.set(name, policy.state);
      if ('state' in policy && typeof policy.state === 'object') {
        const { paused, balances } = policy.state;
        seen.pauses.set(name, paused);
        for (const [dimension, balance = 0] of Object.entries(balances))
          result.observe(metric.balance, balance, { ...labels, dimension: closed('dimension', dimension) });
      }
      if ('probability' in policy) result.observe(metric.probability, policy.probability, labels);
      if ('queueSize' in policy) result.observe(metric.queueSize, policy.queueSize, labels);
      if ('maxQueue' in policy && policy.maxQueue !== undefined)
        result.observe(metric.queueLimit, policy.maxQueue, labels);
    }
    for (const [name, is] of seen.circuits)
      for (const state of WORDS.circuit)
        result.observe(metric.circuitState, Number(state === is), { ...named(name), state });
    for (const [name, is] of checks)
      for (const status of WORDS.health)
        result.observe(metric.healthStatus, Number(status === is), { check: names.sources.of(name), status });
    for (const [name, limit] of seen.limits) result.observe(metric.limit, limit, named(name));
    for (const [name, paused] of seen.pauses) result.observe(metric.paused, Number(paused), named(name));
    for (const [name, perDimension] of rates)
      for (const [dimension, rate] of perDimension)
        result.observe(metric.rate, rate, { ...named(name), dimension });
    result.observe(metric.openCalls, openCalls());
  };
  meter.addBatchObservableCallback(report, gauges);

  return {
    reactions: {
      circuit_opened: ({ source, data }) => circuits.set(source, data.to),
      circuit_half_open: ({ source, data }) => circuits.set(source, data.to),
      circuit_closed: ({ source, data }) => circuits.set(source, data.to),
      registry_changed({ data }) {
        // Not forgotten: the SDK goes on to tell of what is not reported any more.
        if (data.change !== 'added' && circuits.has(data.name)) circuits.set(data.name, data.change);
      },
      health_changed: ({ source, data }) => checks.set(data.check ?? source, data.to),
      limiter_paused: ({ source }) => pauses.set(source, true),
      limiter_resumed: ({ source }) => pauses.set(source, false),
      limiter_adjusted({ source, data: { dimension, to } }) {
        rates.set(source, new Map(rates.get(source)).set(closed('dimension', dimension), to));
      },
      concurrency_limit_changed: ({ source, data }) => limits.set(source, data.to),
    },
    stop: () => meter.removeBatchObservableCallback(report, gauges),
  };
}
