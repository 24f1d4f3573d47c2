import { type Clock, isDue, type Timer } from '../core/clock.ts';

/** Does things later, one after the other, whatever their delays. One timer serves all; what has no delay needs none. */
export class DelayLine {
  readonly #clock: Clock;
  #waiting: { readonly due: number; readonly task: () => void }[] = [];
  #lastDue = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param delay in milliseconds, from now or from the task before, whichever is later. */
  push(task: () => void, delay: number): void {
    const now = this.#clock.now();
    const due = Math.max(now, this.#lastDue) + delay;
    this.#lastDue = due;
    if (this.#waiting.length === 0 && isDue(due, now)) return task();
    this.#waiting.push({ due, task });
    if (this.#timer === undefined) this.#watchFirst();
  }

  /** Forgets all that waits. */
  clear(): void {
    this.#waiting = [];
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #watchFirst(): void {
    const first = this.#waiting[0];
    if (first === undefined) return;
    this.#timer = this.#clock.at(first.due, () => this.#work());
  }

  /** A task may push others, or clear the line. */
  #work(): void {
    const now = this.#clock.now();
    for (
      let first = this.#waiting[0];
      first !== undefined && isDue(first.due, now);
      first = this.#waiting[0]
    ) {
      this.#waiting.shift();
      first.task();
    }
    this.#timer = undefined;
    this.#watchFirst();
  }
}
