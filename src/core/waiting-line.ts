import type { Applicant, Place } from './lease.ts';

/** First come, first served. Joining, leaving from anywhere and calling the next are O(1). */
export class WaitingLine {
  #first: WaitingPlace | undefined;
  #last: WaitingPlace | undefined;
  #size = 0;
  readonly #onLeave: () => void;

  /** @param onLeave runs after somebody has left the line of their own accord. */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  get size(): number {
    return this.#size;
  }

  get first(): WaitingPlace | undefined {
    return this.#first;
  }

  join(applicant: Applicant, since: number): WaitingPlace {
    const place = new WaitingPlace(this, applicant, since, this.#last);
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#size++;
    return place;
  }

  /** Takes the first out of the line. */
  shift(): Applicant | undefined {
    const place = this.#first;
    if (place === undefined) return undefined;
    this.remove(place);
    return place.applicant;
  }

  remove(place: WaitingPlace): void {
    if (!place.waiting) return;
    place.waiting = false;
    if (place.previous === undefined) this.#first = place.next;
    else place.previous.next = place.next;
    if (place.next === undefined) this.#last = place.previous;
    else place.next.previous = place.previous;
    // Whoever keeps a place that was left must not keep the whole line.
    place.previous = undefined;
    place.next = undefined;
    this.#size--;
  }

  abandon(place: WaitingPlace): void {
    if (!place.waiting) return;
    this.remove(place);
    this.#onLeave();
  }
}

export class WaitingPlace implements Place {
  waiting = true;
  next: WaitingPlace | undefined;

  constructor(
    private readonly line: WaitingLine,
    readonly applicant: Applicant,
    readonly since: number,
    public previous: WaitingPlace | undefined,
  ) {}

  leave(): void {
    this.line.abandon(this);
  }
}
