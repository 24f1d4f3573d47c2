import type { SchedulerLike } from 'rxjs';
import { type Clock, clockOf } from './clock.ts';

/** The clock of a policy that is shared. @see clockOf */
export const steadyClockOf = (scheduler: SchedulerLike | undefined): SteadyClock =>
  new SteadyClock(clockOf(scheduler));

/**
 * The clock of what outlives the time in which it was made. Virtual time begins at 0, and so real readings that come before
 * it, or another virtual time, are later than those that follow. Here no reading is: where the clock goes back no time has
 * passed, but for what makes it a whole millisecond, so that sums of frames stay exact. Where it leaps ahead, time has passed.
 */
export class SteadyClock implements Pick<Clock, 'now' | 'schedule'> {
  readonly #clock: Pick<Clock, 'now' | 'schedule'>;
  #latest = Number.NEGATIVE_INFINITY;
  /** How far the clock has gone back so far, all in all. */
  #lost = 0;

  constructor(clock: Pick<Clock, 'now' | 'schedule'>) {
    this.#clock = clock;
  }

  now(): number {
    const reading = this.#clock.now();
    if (reading < this.#latest) this.#lost += Math.ceil(this.#latest - reading);
    this.#latest = reading;
    return reading + this.#lost;
  }

  schedule: Clock['schedule'] = (delay, task, options) => this.#clock.schedule(delay, task, options);
}
