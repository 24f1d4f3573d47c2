import type { BatchObservableCallback, Meter } from '@opentelemetry/api';
import type { Instruments } from './instruments.ts';
import type { Reactions } from './reactions.ts';
import { closed, type Names, WORDS } from './vocabulary.ts';

/** A circuit breaker, or what shows itself like one. */
export interface ObservedCircuit {
  readonly name: string;
  readonly state: string;
}

/** A bulkhead, or what shows itself like one. */
export interface ObservedBulkhead {
  readonly name: string;
  readonly activeCount: number;
  readonly queueSize: number;
  readonly maxConcurrent?: number;
  readonly maxQueue?: number;
}

/** A rate limiter, or what shows itself like one. */
export interface ObservedLimiter {
  readonly name: string;
  readonly available: number;
  readonly queueSize: number;
  readonly maxQueue?: number;
}

export type Observed = ObservedCircuit | ObservedBulkhead | ObservedLimiter;

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
 * What is the case now, as against what has happened. Circuits and health checks are known from the bus once their state has
 * changed; places, permits and lines change with every call, so who wants to see them says where to look.
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
    metric.concurrencyLimit,
    metric.active,
    metric.capacity,
    metric.permits,
    metric.rate,
    metric.paused,
    metric.queueSize,
    metric.queueLimit,
    metric.openCalls,
  ];
  const report: BatchObservableCallback = (result) => {
    const states = new Map(circuits);
    for (const policy of observed()) {
      const labels = { source: names.sources.of(policy.name) };
      if ('state' in policy) states.set(policy.name, policy.state);
      if ('activeCount' in policy) result.observe(metric.active, policy.activeCount, labels);
      if ('available' in policy) result.observe(metric.permits, policy.available, labels);
      if ('queueSize' in policy) result.observe(metric.queueSize, policy.queueSize, labels);
      const { maxConcurrent, maxQueue } = policy as Partial<ObservedBulkhead>;
      if (maxConcurrent !== undefined) result.observe(metric.capacity, maxConcurrent, labels);
      if (maxQueue !== undefined) result.observe(metric.queueLimit, maxQueue, labels);
    }
    for (const [name, state] of states)
      for (const word of WORDS.circuit)
        result.observe(metric.circuitState, Number(word === state), {
          source: names.sources.of(name),
          state: word,
        });
    for (const [name, status] of checks)
      for (const word of WORDS.health)
        result.observe(metric.healthStatus, Number(word === status), {
          check: names.sources.of(name),
          status: word,
        });
    for (const [name, limit] of limits)
      result.observe(metric.concurrencyLimit, limit, { source: names.sources.of(name) });
    for (const [name, paused] of pauses)
      result.observe(metric.paused, Number(paused), { source: names.sources.of(name) });
    for (const [name, told] of rates)
      for (const [dimension, rate] of told)
        result.observe(metric.rate, rate, { source: names.sources.of(name), dimension });
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
