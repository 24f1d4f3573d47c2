import { Due, DueQueue } from './due-queue.ts';
import type { Applicant, Place } from './lease.ts';

/** Who joins a line, and on what terms. */
export interface Newcomer<A = Applicant> {
  readonly applicant: A;
  /** The higher goes first. */
  readonly priority: number;
  readonly since: number;
  /** How long it waits at most, in milliseconds. */
  readonly patience: number;
  /** What it asks for, in as many dimensions as the policy has; the line keeps the sums. */
  readonly load: Load;
}

export type Load = readonly number[];

/**
 * The highest priority first, and among equals first come, first served. Joining, leaving from anywhere and calling the
 * next take O(log n) at most, and no longer in a long line than in a short one where all wait equally long; each different
 * priority that somebody waits with adds a step.
 */
export class WaitingLine<A = Applicant> {
  /** One for every priority that waits, the highest first. */
  readonly #lanes: Lane<A>[] = [];
  readonly #dues = new DueQueue<WaitingPlace<A>>();
  #size = 0;
  #joined = 0;
  readonly #onLeave: () => void;

  /** @param onLeave runs after somebody has left the line of their own accord. */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  get size(): number {
    return this.#size;
  }

  /** Who is next. */
  get first(): WaitingPlace<A> | undefined {
    return this.#lanes[0]?.first;
  }

  /** Who has to go when somebody of this priority comes and nobody more may wait: the last of the lowest, if it is lower. */
  outranked(priority: number): WaitingPlace<A> | undefined {
    const lowest = this.#lanes.at(-1);
    return lowest !== undefined && lowest.priority < priority ? lowest.last : undefined;
  }

  /** Whose patience ends first. */
  get mostUrgent(): WaitingPlace<A> | undefined {
    return this.#dues.first;
  }

  /** Whether a newcomer of this priority would be the next. */
  isFree(priority: number): boolean {
    const highest = this.#lanes[0];
    return highest === undefined || highest.priority < priority;
  }

  /** What those ask for together who would be served before a newcomer of this priority, who asks for `load`. */
  ahead(priority: number, load: Load): Load {
    if (this.isFree(priority)) return load.map(() => 0);
    return load.map((_, dimension) =>
      this.#lanes.reduce(
        (sum, lane) => (lane.priority < priority ? sum : sum + (lane.load[dimension] as number)),
        0,
      ),
    );
  }

  join(newcomer: Newcomer<A>): WaitingPlace<A> {
    const lane = this.#laneOf(newcomer);
    const place = new WaitingPlace(this, lane, newcomer, this.#joined++);
    if (lane.last === undefined) lane.first = place;
    else lane.last.next = place;
    lane.last = place;
    lane.add(place.load, 1);
    if (place.due !== Number.POSITIVE_INFINITY) this.#dues.add(place);
    this.#size++;
    return place;
  }

  /** Takes the first out of the line. */
  shift(): A | undefined {
    const place = this.first;
    if (place === undefined) return undefined;
    this.remove(place);
    return place.applicant;
  }

  remove(place: WaitingPlace<A>): void {
    if (!place.waiting) return;
    place.waiting = false;
    const { lane } = place;
    if (place.previous === undefined) lane.first = place.next;
    else place.previous.next = place.next;
    if (place.next === undefined) lane.last = place.previous;
    else place.next.previous = place.previous;
    // Whoever keeps a place that was left must not keep the whole line.
    place.previous = undefined;
    place.next = undefined;
    lane.add(place.load, -1);
    if (lane.first === undefined) this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    this.#dues.remove(place);
    this.#size--;
  }

  abandon(place: WaitingPlace<A>): void {
    if (!place.waiting) return;
    this.remove(place);
    this.#onLeave();
  }

  #laneOf({ priority, load }: Newcomer<A>): Lane<A> {
    const lanes = this.#lanes;
    let index = 0;
    while (index < lanes.length && (lanes[index] as Lane<A>).priority > priority) index++;
    const found = lanes[index];
    if (found?.priority === priority) return found;
    const lane = new Lane<A>(
      priority,
      load.map(() => 0),
    );
    lanes.splice(index, 0, lane);
    return lane;
  }
}

/** All who wait with one priority. */
class Lane<A> {
  first: WaitingPlace<A> | undefined;
  last: WaitingPlace<A> | undefined;

  constructor(
    readonly priority: number,
    /** What they ask for together. */
    readonly load: number[],
  ) {}

  add(load: Load, sign: 1 | -1): void {
    for (let dimension = 0; dimension < load.length; dimension++)
      this.load[dimension] = (this.load[dimension] as number) + sign * (load[dimension] as number);
  }
}

export class WaitingPlace<A = Applicant> extends Due implements Place {
  waiting = true;
  next: WaitingPlace<A> | undefined;
  previous: WaitingPlace<A> | undefined;
  readonly applicant: A;
  readonly load: Load;
  readonly patience: number;

  constructor(
    private readonly line: WaitingLine<A>,
    readonly lane: Lane<A>,
    { applicant, load, since, patience }: Newcomer<A>,
    order: number,
  ) {
    super(since + patience, order);
    this.applicant = applicant;
    this.load = load;
    this.patience = patience;
    this.previous = lane.last;
  }

  get priority(): number {
    return this.lane.priority;
  }

  leave(): void {
    this.line.abandon(this);
  }
}
