import { defer, mergeWith, type Observable, of } from 'rxjs';
import { isDue, type Timer } from './clock.ts';
import { BulkheadRejectedError } from './errors.ts';
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
import type { SteadyClock } from './steady-clock.ts';
import { isShed, type Rejection, type Terms, WaitingRoom, type WaitingRoomConfig } from './waiting-room.ts';
import { withoutStack } from './without-stack.ts';

export interface PlacesState {
  /** Leases that are out. */
  readonly activeCount: number;
  /** Attempts that wait for one. */
  readonly queueSize: number;
}

export interface PlacesConfig extends WaitingRoomConfig {
  readonly name: string;
  readonly places: number;
  readonly events: EventBus;
}

/**
 * So many leases at a time, and a line for those who come later. How many, and whether that changes, is the business of
 * those who extend it.
 */
export abstract class Places implements AdmissionPolicy {
  readonly name: string;
  readonly #clock: SteadyClock;
  readonly #events: EventBus;
  readonly #line: WaitingRoom;
  readonly #changes$ = new OrderedSubject<PlacesState>();
  /** How long the last leases were held; of those that took the last place, for before that nobody waits. */
  readonly #serviceTime = new MovingMean();
  #places: number;
  #activeCount = 0;
  /** When the last place was taken. */
  #filledAt: number | undefined;
  #handingOut = false;
  #timer: Timer | undefined;

  constructor({ name, places, events, ...room }: PlacesConfig) {
    this.name = name;
    this.#places = places;
    this.#clock = room.clock;
    this.#events = events;
    this.#line = new WaitingRoom(
      room,
      () => this.#changed(),
      (reason, terms) => this.#rejection(reason, terms),
    );
  }

  /** Leases that may be out at a time. */
  protected get places(): number {
    return this.#places;
  }

  /** Attempts that may wait at a time. */
  get maxQueue(): number {
    return this.#line.maxQueue;
  }

  /** Leases that are out. */
  get activeCount(): number {
    return this.#activeCount;
  }

  /** Attempts that wait for a lease. */
  get queueSize(): number {
    return this.#line.size;
  }

  /** Attempts refused so far: by a full queue, because the wait would have been or was too long, or for a higher priority. */
  get rejectedCount(): number {
    return this.#line.rejectedCount;
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
   * @throws {BulkheadRejectedError} when the queue is full, the wait too long, or the place in line needed for a higher
   * `priority`.
   */
  acquire(options: AbortSignal | AcquireOptions = {}): Promise<Lease> {
    return acquire(this, options);
  }

  /** @internal */
  admit(applicant: Applicant, { priority = 0, patience = Infinity }: Demand = {}): Lease | Place | Error {
    if (this.#activeCount < this.#places && this.#line.isFree(priority)) return this.#lease();
    // It is an estimate: by that nobody is refused who has not said how long is too long.
    const wait = patience === Infinity ? undefined : this.#expectedWait(priority);
    return this.#line.enter(applicant, { priority, patience, load: ONE }, wait, (place) => {
      if (place === this.#line.mostUrgent) this.#watch();
      this.#changed();
      this.#events.publish('bulkhead_queued', this.name, this.#state());
    });
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

  protected makeLease(since: number | undefined, release: Release): Lease {
    return new PlaceLease(since, release);
  }

  #lease(): Lease {
    this.#activeCount++;
    this.#changed();
    this.#filledAt = this.#activeCount < this.#places ? undefined : this.#clock.now();
    return this.makeLease(this.#filledAt, this.#release);
  }

  readonly #release: Release = (since) => {
    if (since !== undefined) this.#serviceTime.add(this.#clock.now() - since);
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

  /**
   * As long as it takes those ahead, and the newcomer's own turn to come: a place comes free every nth part of a service time.
   * Of the first such part some is over already, since the last place was taken.
   */
  #expectedWait(priority: number): number | undefined {
    const { value } = this.#serviceTime;
    if (value === undefined) return undefined;
    const ahead = this.#line.ahead(priority, ONE)[0] as number;
    const interval = value / this.#places;
    const now = this.#clock.now();
    return ahead * interval + Math.max(0, interval - (now - (this.#filledAt ?? now)));
  }

  /** One timer for the whole line. */
  #watch(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const next = this.#line.mostUrgent;
    if (next === undefined) return;
    const left = Math.max(0, next.due - this.#clock.now());
    this.#timer = this.#clock.schedule(left, () => this.#sendOverdueAway());
  }

  #sendOverdueAway(): void {
    const now = this.#clock.now();
    this.#line.sendAway(
      (due) => isDue(due, now),
      () => this.#changed(),
    );
    this.#watch();
  }

  #rejection(reason: Rejection, { priority, patience }: Terms): BulkheadRejectedError {
    const retryAfter = this.#expectedWait(priority);
    const state = this.#state();
    if (isShed(reason)) this.#events.publish('load_shed', this.name, { reason, priority, retryAfter });
    else this.#events.publish('bulkhead_rejected', this.name, { reason, ...state });
    const explanation = {
      'queue-full': `is full: ${state.activeCount} active, ${state.queueSize} waiting (maxQueue).`,
      'queue-timeout': `gave no place within ${patience} ms (queueTimeout).`,
      deadline: `has no place within ${patience} ms (patience).`,
      evicted: 'gave the place in line to a higher priority.',
    };
    return withoutStack(() => new BulkheadRejectedError(this.name, reason, explanation[reason], retryAfter));
  }

  #changed(): void {
    if (this.#line.size === 0) this.#watch();
    if (this.#changes$.observed) this.#changes$.next(this.#state());
  }

  #state(): PlacesState {
    return { activeCount: this.#activeCount, queueSize: this.#line.size };
  }
}

/** Gives a place back. @param since when it was taken, where that matters. */
export type Release = (since: number | undefined) => void;

/** The right to one of the places. */
export class PlaceLease extends Lease {
  readonly #since: number | undefined;
  readonly #release: Release;

  constructor(since: number | undefined, release: Release) {
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
