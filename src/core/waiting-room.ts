import { isDue } from './clock.ts';
import type { Applicant } from './lease.ts';
import type { SteadyClock } from './steady-clock.ts';
import { type Newcomer, WaitingLine, type WaitingPlace } from './waiting-line.ts';

/**
 * Why somebody may not wait, or no longer. `queue-full`: nobody more may. `queue-timeout`: it would take too long, or has.
 * `deadline`: longer than the caller has patience. `evicted`: somebody of higher priority needed the place in line.
 */
export type Rejection = 'queue-full' | 'queue-timeout' | 'deadline' | 'evicted';

/** On what terms somebody waits. */
export type Terms = Omit<Newcomer, 'applicant' | 'since'>;

export interface WaitingRoomConfig {
  readonly maxQueue: number;
  readonly queueTimeout: number;
  readonly clock: SteadyClock;
}

/** A line of so many, in which nobody waits too long: the bounds that all policies have whose leases may run out. */
export class WaitingRoom<A extends Pick<Applicant, 'refused'> = Applicant> extends WaitingLine<A> {
  readonly maxQueue: number;
  readonly #queueTimeout: number;
  readonly #clock: SteadyClock;
  readonly #rejected: (reason: Rejection, terms: Terms) => Error;
  #rejectedCount = 0;

  /** @param rejected announces a refusal, and makes its error. */
  constructor(
    { maxQueue, queueTimeout, clock }: WaitingRoomConfig,
    onLeave: () => void,
    rejected: (reason: Rejection, terms: Terms) => Error,
  ) {
    super(onLeave);
    this.maxQueue = maxQueue;
    this.#queueTimeout = queueTimeout;
    this.#clock = clock;
    this.#rejected = rejected;
  }

  /** How many have been refused so far. */
  get rejectedCount(): number {
    return this.#rejectedCount;
  }

  /**
   * A place for the newcomer, or the error that refuses: nobody has to go for it, or it would wait too long.
   *
   * @param wait milliseconds that it would wait, where that is known.
   * @param joined runs when it stands in line, and before whoever had to go hears of that.
   */
  enter(
    applicant: A,
    { priority, patience, load }: Terms,
    wait: number | undefined,
    joined: (place: WaitingPlace<A>) => void,
  ): WaitingPlace<A> | Error {
    const terms = { priority, patience: Math.min(patience, this.#queueTimeout), load };
    const isFull = this.size >= this.maxQueue;
    const evicted = isFull ? this.outranked(priority) : undefined;
    if (isFull && evicted === undefined) return this.#reject('queue-full', terms);
    if (wait !== undefined && !isDue(wait, terms.patience)) return this.#reject(this.#tooLong(terms), terms);
    if (evicted !== undefined) this.remove(evicted);
    const since = this.#clock.now();
    const place = this.join({ applicant, since, priority, patience: terms.patience, load });
    joined(place);
    evicted?.applicant.refused(() => this.#reject('evicted', evicted));
    return place;
  }

  /**
   * Sends away, one after the other, those whose patience ends first, as long as they are hopeless.
   *
   * @param left runs for each of them, before it hears of it.
   */
  sendAway(isHopeless: (due: number) => boolean, left: () => void): void {
    for (let place = this.mostUrgent; place && isHopeless(place.due); place = this.mostUrgent) {
      const { applicant } = place;
      const reason = this.#tooLong(place);
      const terms: Terms = place;
      this.remove(place);
      left();
      applicant.refused(() => this.#reject(reason, terms));
    }
  }

  #tooLong({ patience }: Terms): Rejection {
    return patience < this.#queueTimeout ? 'deadline' : 'queue-timeout';
  }

  #reject(reason: Rejection, terms: Terms): Error {
    this.#rejectedCount++;
    return this.#rejected(reason, terms);
  }
}

/** Whether somebody had to go because of others, or of a time of their own: not because the line is what it is. */
export const isShed = (reason: Rejection): reason is 'deadline' | 'evicted' =>
  reason === 'deadline' || reason === 'evicted';
