import { defer, mergeWith, type Observable, of } from 'rxjs';
import * as z from 'zod/mini';
import { type Clock, clockOf, isDue, type Timer } from '../core/clock.ts';
import { commonOptions, count, limit, parseConfig } from '../core/config.ts';
import { BulkheadRejectedError, type BulkheadRejection } from '../core/errors.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { labelledField } from '../core/label.ts';
import {
  type AcquireOptions,
  type AdmissionPolicy,
  type Applicant,
  acquire,
  type Demand,
  Lease,
  type Place,
} from '../core/lease.ts';
import { MovingMean } from '../core/moving-mean.ts';
import { OrderedSubject } from '../core/ordered-subject.ts';
import { WaitingLine, type WaitingPlace } from '../core/waiting-line.ts';

/** The options of a {@link Bulkhead}, with their defaults. */
export const BulkheadConfigSchema = z.strictObject({
  ...commonOptions,
  /** How many streams may be open at once. @default 10 */
  maxConcurrent: z._default(count(1), 10),
  /** How many may wait for a place. 0 refuses at once. @default 50 */
  maxQueue: z._default(count(0), 50),
  /** How long one may wait, in milliseconds; `Infinity` means for ever. @default 5_000 */
  queueTimeout: z._default(limit(), 5_000),
});
export type BulkheadConfig = z.input<typeof BulkheadConfigSchema>;

export interface BulkheadState {
  /** Leases that are out. */
  readonly activeCount: number;
  /** Attempts that wait for one. */
  readonly queueSize: number;
}

/**
 * At most `maxConcurrent` leases at a time; who comes later waits in line, first come, first served.
 *
 * A lease lasts as long as its stream, not only until it has opened. A newcomer never overtakes the line.
 */
export class Bulkhead implements AdmissionPolicy {
  readonly name: string;
  readonly #maxConcurrent: number;
  readonly #maxQueue: number;
  readonly #queueTimeout: number;
  readonly #clock: Clock;
  readonly #events: EventBus;
  readonly #line = new WaitingLine(() => this.#changed());
  readonly #changes$ = new OrderedSubject<BulkheadState>();
  /** How long the last leases were held. */
  readonly #serviceTime = new MovingMean();
  #activeCount = 0;
  #rejectedCount = 0;
  #handingOut = false;
  #timer: Timer | undefined;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: BulkheadConfig = {}) {
    const options = parseConfig('Bulkhead', BulkheadConfigSchema, config);
    this.name = options.name ?? 'bulkhead';
    this.#maxConcurrent = options.maxConcurrent;
    this.#maxQueue = options.maxQueue;
    this.#queueTimeout = options.queueTimeout;
    this.#clock = clockOf(options.scheduler);
    this.#events = options.events ?? getEventBus();
    labelledField('Bulkhead.state$', this.name, this.state$);
  }

  /** Leases that may be out at a time. */
  get maxConcurrent(): number {
    return this.#maxConcurrent;
  }

  /** Attempts that may wait at a time. */
  get maxQueue(): number {
    return this.#maxQueue;
  }

  /** Leases that are out. */
  get activeCount(): number {
    return this.#activeCount;
  }

  /** Attempts that wait for a lease. */
  get queueSize(): number {
    return this.#line.size;
  }

  /** Attempts refused so far, by a full queue or by the time they waited. */
  get rejectedCount(): number {
    return this.#rejectedCount;
  }

  /** The state now and after every change, also after those that a listener makes while it hears of the first. */
  readonly state$: Observable<BulkheadState> = this.#changes$.pipe(
    mergeWith(defer(() => of(this.#changes$.current ?? this.#state()))),
  );

  /**
   * A lease for code without a stream; an abort of the signal leaves the line. The place is held until the lease is settled.
   *
   * ```ts
   * using lease = await bulkhead.acquire({ priority: 1, signal });
   * await send(message);
   * ```
   *
   * @param options a signal, or all that is asked for.
   * @throws {BulkheadRejectedError} when the queue is full or the wait too long.
   */
  acquire(options: AbortSignal | AcquireOptions = {}): Promise<Lease> {
    return acquire(this, options);
  }

  /** @internal */
  admit(applicant: Applicant, { priority = 0, patience = Infinity }: Demand = {}): Lease | Place | Error {
    if (this.#activeCount < this.#maxConcurrent && this.#line.isFree(priority)) return this.#lease();
    const expected = this.#expectedWait(priority);
    const isFull = this.#line.size >= this.#maxQueue;
    const evicted = isFull ? this.#line.outranked(priority) : undefined;
    if (isFull && evicted === undefined) {
      const explanation = `is full: ${this.#activeCount} active, ${this.#line.size} waiting (maxQueue).`;
      return this.#reject('queue-full', explanation, expected);
    }
    const longest = Math.min(patience, this.#queueTimeout);
    if (expected !== undefined && !isDue(expected, patience))
      return this.#shed('deadline', priority, `has no place within ${patience} ms (patience).`, expected);

    if (evicted !== undefined) this.#line.remove(evicted);
    const since = this.#clock.now();
    const place = this.#line.join({ applicant, priority, since, patience: longest, load: ONE });
    if (place === this.#line.mostUrgent) this.#watch();
    this.#changed();
    this.#events.publish('bulkhead_queued', this.name, this.#state());
    if (evicted !== undefined) {
      const wait = this.#expectedWait(evicted.priority);
      const explanation = 'gave the place in line to a higher priority.';
      evicted.applicant.refused(() => this.#shed('evicted', evicted.priority, explanation, wait));
    }
    return place;
  }

  #lease(): Lease {
    this.#activeCount++;
    this.#changed();
    return new BulkheadLease(this.#clock.now(), this.#release);
  }

  readonly #release = (since: number): void => {
    this.#serviceTime.add(this.#clock.now() - since);
    this.#activeCount--;
    this.#changed();
    this.#handOut();
  };

  /** A loop, not a recursion: a stream may end while its lease is being handed to it, and so may all the others. */
  #handOut(): void {
    if (this.#handingOut) return;
    this.#handingOut = true;
    while (this.#activeCount < this.#maxConcurrent && this.#line.size > 0) {
      const applicant = this.#line.shift() as Applicant;
      applicant.granted(this.#lease());
    }
    this.#handingOut = false;
  }

  /** As long as it takes those ahead, and the newcomer's own turn to come: a place comes free every nth part of a service time. */
  #expectedWait(priority: number): number | undefined {
    const ahead = this.#line.ahead(priority, ONE)[0] as number;
    const { value } = this.#serviceTime;
    return value === undefined ? undefined : ((ahead + 1) * value) / this.#maxConcurrent;
  }

  /** One timer for the whole line. */
  #watch(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const next = this.#line.mostUrgent;
    if (next === undefined) return;
    this.#timer = this.#clock.schedule(next.due - this.#clock.now(), () => this.#sendOverdueAway());
  }

  #sendOverdueAway(): void {
    const now = this.#clock.now();
    for (let place = this.#line.mostUrgent; place && isDue(place.due, now); place = this.#line.mostUrgent) {
      this.#line.remove(place);
      this.#changed();
      place.applicant.refused(() => this.#overdue(place));
    }
    this.#watch();
  }

  #overdue({ patience, priority }: WaitingPlace): BulkheadRejectedError {
    const explanation = `gave no place within ${patience} ms`;
    const expected = this.#expectedWait(priority);
    return patience < this.#queueTimeout
      ? this.#shed('deadline', priority, `${explanation} (patience).`, expected)
      : this.#reject('queue-timeout', `${explanation} (queueTimeout).`, expected);
  }

  #shed(
    reason: BulkheadRejection,
    priority: number,
    explanation: string,
    retryAfter: number | undefined,
  ): BulkheadRejectedError {
    this.#rejectedCount++;
    this.#events.publish('load_shed', this.name, { reason, priority, retryAfter });
    return new BulkheadRejectedError(this.name, reason, explanation, retryAfter);
  }

  #reject(
    reason: 'queue-full' | 'queue-timeout',
    explanation: string,
    retryAfter: number | undefined,
  ): BulkheadRejectedError {
    this.#rejectedCount++;
    this.#events.publish('bulkhead_rejected', this.name, { reason, ...this.#state() });
    return new BulkheadRejectedError(this.name, reason, explanation, retryAfter);
  }

  #changed(): void {
    if (this.#line.size === 0) this.#watch();
    if (this.#changes$.observed) this.#changes$.next(this.#state());
  }

  #state(): BulkheadState {
    return { activeCount: this.#activeCount, queueSize: this.#line.size };
  }
}

class BulkheadLease extends Lease {
  readonly #since: number;
  readonly #release: (since: number) => void;

  constructor(since: number, release: (since: number) => void) {
    super();
    this.#since = since;
    this.#release = release;
  }

  protected override onSettled(): void {
    this.#release(this.#since);
  }
}

/** A place. */
const ONE = [1];
