import { defer, mergeWith, type Observable, of } from 'rxjs';
import * as z from 'zod/mini';
import { type Clock, clockOf, isDue, type Timer } from '../core/clock.ts';
import { commonOptions, count, limit, parseConfig } from '../core/config.ts';
import { BulkheadRejectedError } from '../core/errors.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { type AdmissionPolicy, type Applicant, acquire, Lease, type Place } from '../core/lease.ts';
import { OrderedSubject } from '../core/ordered-subject.ts';
import { WaitingLine } from '../core/waiting-line.ts';

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
   * A lease for code without a stream; an abort of `signal` leaves the line. The place is held until the lease is settled.
   *
   * ```ts
   * using lease = await bulkhead.acquire();
   * await send(message);
   * ```
   *
   * @throws {BulkheadRejectedError} when the queue is full or the wait too long.
   */
  acquire(signal?: AbortSignal): Promise<Lease> {
    return acquire(this, signal);
  }

  /** @internal */
  admit(applicant: Applicant): Lease | Place | Error {
    if (this.#activeCount < this.#maxConcurrent && this.#line.size === 0) return this.#lease();
    if (this.#line.size >= this.#maxQueue) {
      return this.#reject(
        'queue-full',
        `is full: ${this.#activeCount} active, ${this.#line.size} waiting (maxQueue).`,
      );
    }
    const place = this.#line.join(applicant, this.#clock.now());
    if (this.#line.size === 1) this.#watchFirst();
    this.#changed();
    this.#events.publish('bulkhead_queued', this.name, this.#state());
    return place;
  }

  #lease(): Lease {
    this.#activeCount++;
    this.#changed();
    return new BulkheadLease(this.#release);
  }

  readonly #release = (): void => {
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

  /** One timer for the whole line: all wait equally long, so the first in line is the first to give up. */
  #watchFirst(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const first = this.#line.first;
    if (first === undefined) return;
    const due = first.since + this.#queueTimeout;
    this.#timer = this.#clock.schedule(due - this.#clock.now(), () => this.#sendOverdueAway());
  }

  #sendOverdueAway(): void {
    const now = this.#clock.now();
    while (this.#line.first !== undefined && isDue(this.#line.first.since + this.#queueTimeout, now)) {
      const applicant = this.#line.shift() as Applicant;
      this.#changed();
      applicant.refused(() =>
        this.#reject('queue-timeout', `gave no place within ${this.#queueTimeout} ms (queueTimeout).`),
      );
    }
    this.#watchFirst();
  }

  #reject(reason: BulkheadRejectedError['reason'], explanation: string): BulkheadRejectedError {
    this.#rejectedCount++;
    this.#events.publish('bulkhead_rejected', this.name, { reason, ...this.#state() });
    return new BulkheadRejectedError(this.name, reason, explanation);
  }

  #changed(): void {
    if (this.#line.size === 0) this.#watchFirst();
    if (this.#changes$.observed) this.#changes$.next(this.#state());
  }

  #state(): BulkheadState {
    return { activeCount: this.#activeCount, queueSize: this.#line.size };
  }
}

class BulkheadLease extends Lease {
  readonly #release: () => void;

  constructor(release: () => void) {
    super();
    this.#release = release;
  }

  protected override onSettled(): void {
    this.#release();
  }
}
