import { defer, mergeWith, type Observable, of } from 'rxjs';
import { type Clock, isDue, type Timer } from './clock.ts';
import { BulkheadRejectedError, type BulkheadRejection } from './errors.ts';
import type { EventBus } from './event-bus.ts';
import {
  type AcquireOptions,
  type AdmissionPolicy,
  type Applicant,
  acquire,
  type Demand,
  Lease,
  type Outcome,
  type Place,
} from './lease.ts';
import { MovingMean } from './moving-mean.ts';
import { OrderedSubject } from './ordered-subject.ts';
import { WaitingLine, type WaitingPlace } from './waiting-line.ts';

export interface PlacesState {
  /** Leases that are out. */
  readonly activeCount: number;
  /** Attempts that wait for one. */
  readonly queueSize: number;
}

export interface PlacesConfig {
  readonly name: string;
  readonly places: number;
  readonly maxQueue: number;
  readonly queueTimeout: number;
  readonly clock: Clock;
  readonly events: EventBus;
}

/**
 * So many leases at a time, and a line for those who come later. How many, and whether that changes, is the business of
 * those who extend it.
 */
export abstract class Places implements AdmissionPolicy {
  readonly name: string;
  readonly #maxQueue: number;
  readonly #queueTimeout: number;
  readonly #clock: Clock;
  readonly #events: EventBus;
  readonly #line = new WaitingLine(() => this.#changed());
  readonly #changes$ = new OrderedSubject<PlacesState>();
  /** How long the last leases were held. */
  readonly #serviceTime = new MovingMean();
  #places: number;
  #activeCount = 0;
  #rejectedCount = 0;
  #handingOut = false;
  #timer: Timer | undefined;

  constructor({ name, places, maxQueue, queueTimeout, clock, events }: PlacesConfig) {
    this.name = name;
    this.#places = places;
    this.#maxQueue = maxQueue;
    this.#queueTimeout = queueTimeout;
    this.#clock = clock;
    this.#events = events;
  }

  /** Leases that may be out at a time. */
  protected get places(): number {
    return this.#places;
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
  readonly state$: Observable<PlacesState> = this.#changes$.pipe(
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
    if (this.#activeCount < this.#places && this.#line.isFree(priority)) return this.#lease();
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

  /**
   * From now on there are so many places. Who has one keeps it.
   *
   * @param announce runs when there are, and before those that are new are given away.
   */
  protected resize(places: number, announce: () => void): void {
    this.#places = places;
    announce();
    this.#handOut();
  }

  protected makeLease(since: number, release: (since: number) => void): Lease {
    return new PlaceLease(since, release);
  }

  #lease(): Lease {
    this.#activeCount++;
    this.#changed();
    return this.makeLease(this.#clock.now(), this.#release);
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
    while (this.#activeCount < this.#places && this.#line.size > 0) {
      const applicant = this.#line.shift() as Applicant;
      applicant.granted(this.#lease());
    }
    this.#handingOut = false;
  }

  /** As long as it takes those ahead, and the newcomer's own turn to come: a place comes free every nth part of a service time. */
  #expectedWait(priority: number): number | undefined {
    const ahead = this.#line.ahead(priority, ONE)[0] as number;
    const { value } = this.#serviceTime;
    return value === undefined ? undefined : ((ahead + 1) * value) / this.#places;
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

  #state(): PlacesState {
    return { activeCount: this.#activeCount, queueSize: this.#line.size };
  }
}

/** The right to one of the places. */
export class PlaceLease extends Lease {
  readonly #since: number;
  readonly #release: (since: number) => void;

  constructor(since: number, release: (since: number) => void) {
    super();
    this.#since = since;
    this.#release = release;
  }

  protected override onSettled(_outcome: Outcome, _error?: unknown): void {
    this.#release(this.#since);
  }
}

/** A place. */
const ONE = [1];
