import { parseConfig } from '../core/config.ts';
import { isLocalRejection, isOverload } from '../core/errors.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { labelledField } from '../core/label.ts';
import type { Lease, Outcome } from '../core/lease.ts';
import { PlaceLease, Places, type Release } from '../core/places.ts';
import { type SteadyClock, steadyClockOf } from '../core/steady-clock.ts';
import type { LimitControl } from './algorithm.ts';
import {
  type AdaptiveConcurrencyConfig,
  AdaptiveConcurrencyConfigSchema,
  algorithmOf,
  type DropVerdict,
} from './config.ts';

const INITIAL_LIMIT = 10;

/**
 * A bulkhead that finds out by itself how many streams a service can serve at a time: as many as it answers without delay.
 *
 * It learns from how long an attempt takes to its first value (a stream without any: to its end), and from refusals. What
 * it learns from is only what started after its last decision, for the rest speaks of another limit; so a hundred refusals
 * of one moment are one reason to give way, not a hundred. A lease lasts as long as its stream; a limit that falls takes
 * nobody's place away. Who finds no place waits in line as before a bulkhead.
 */
export class AdaptiveConcurrency extends Places {
  readonly #control: LimitControl;
  readonly #classify: (error: unknown) => DropVerdict;
  readonly #commitOn: ((value: never) => boolean) | undefined;
  readonly #clock: SteadyClock;
  readonly #events: EventBus;
  /** Attempts are numbered as they start; which of them are heard, and whose drops. */
  #started = 0;
  #decidedAt = 0;
  #loweredAt = 0;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: AdaptiveConcurrencyConfig = {}) {
    const options = parseConfig('AdaptiveConcurrency', AdaptiveConcurrencyConfigSchema, config);
    const {
      minLimit,
      maxLimit,
      initialLimit = Math.min(maxLimit, Math.max(minLimit, INITIAL_LIMIT)),
    } = options;
    const control = algorithmOf(options.algorithm).begin({ initialLimit, minLimit, maxLimit });
    const clock = steadyClockOf(options.scheduler);
    const events = options.events ?? getEventBus();
    super({
      name: options.name ?? 'adaptive-concurrency',
      places: Math.floor(control.limit),
      maxQueue: options.maxQueue,
      queueTimeout: options.queueTimeout,
      clock,
      events,
    });
    this.#control = control;
    this.#classify = options.classify ?? verdictOf;
    this.#commitOn = options.commitOn;
    this.#clock = clock;
    this.#events = events;
    labelledField('AdaptiveConcurrency.state$', this.name, this.state$);
  }

  /** Leases that may be out at a time, as of now. */
  get limit(): number {
    return this.places;
  }

  protected override makeLease(since: number | undefined, release: Release): Lease {
    return new AdaptiveLease(since, release, this, this.#commitOn);
  }

  /** @internal */
  start(lease: AdaptiveLease): void {
    lease.number = ++this.#started;
    lease.begun = this.#clock.now();
    lease.inFlight = this.activeCount;
  }

  /** @internal */
  sampled({ number, begun, inFlight }: AdaptiveLease): void {
    if (number <= this.#decidedAt) return;
    const latency = this.#clock.now() - begun;
    this.#decide(() => this.#control.sampled({ latency, inFlight }));
  }

  /** @internal */
  failed({ number }: AdaptiveLease, error: unknown): void {
    if (isLocalRejection(error) || this.#classify(error) !== 'drop') return;
    // It may have seen the limit rise, and then it speaks of a lower one: but it must not have seen it fall.
    if (number > this.#loweredAt) this.#decide(() => this.#control.dropped());
  }

  #decide(hear: () => string | undefined): void {
    const before = this.#control.limit;
    const reason = hear();
    if (reason === undefined) return;
    const { limit } = this.#control;
    this.#decidedAt = this.#started;
    if (limit < before) this.#loweredAt = this.#started;
    const [from, to] = [this.places, Math.floor(limit)];
    if (to === from) return;
    this.resize(to, () => this.#events.publish('concurrency_limit_changed', this.name, { from, to, reason }));
  }
}

class AdaptiveLease extends PlaceLease {
  /** How many had started when it had, and how many were in flight then. */
  number = 0;
  inFlight = 0;
  begun = Number.NaN;
  declare readonly value?: (value: unknown) => void;
  readonly #limiter: AdaptiveConcurrency;
  #committed = false;

  constructor(
    since: number | undefined,
    release: Release,
    limiter: AdaptiveConcurrency,
    commitOn: ((value: never) => boolean) | undefined,
  ) {
    super(since, release);
    this.#limiter = limiter;
    if (commitOn === undefined) return;
    this.value = (value) => {
      if (!this.#committed && commitOn(value as never)) this.#commit();
    };
  }

  override start(): undefined {
    this.#limiter.start(this);
  }

  override firstValue(): void {
    if (this.value === undefined) this.#commit();
  }

  /** The limit is set before the place is given back: it decides whether somebody else may have it. */
  protected override onSettled(outcome: Outcome, error?: unknown): void {
    try {
      if (outcome === 'success' && !this.#committed) this.#commit();
      if (outcome === 'failure') this.#limiter.failed(this, error);
    } finally {
      super.onSettled(outcome, error);
    }
  }

  #commit(): void {
    this.#committed = true;
    this.#limiter.sampled(this);
  }
}

const verdictOf = (error: unknown): DropVerdict => (isOverload(error) ? 'drop' : 'neutral');
