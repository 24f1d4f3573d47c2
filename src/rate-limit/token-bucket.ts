import { isDue } from '../core/clock.ts';

/** So many permits come back in so many milliseconds. */
export interface Pace {
  readonly permits: number;
  readonly per: number;
}

/**
 * Permits that come back at a steady rate, and are kept up to a burst. More may be taken than is there: that is a debt,
 * which is paid before anybody else gets one.
 *
 * Nothing is ever refilled: by virtual scheduling - the generic cell rate algorithm of ITU-T Recommendation I.371 and
 * the ATM Forum's Traffic Management Specification - it is computed when the next permit is there. The permits are counted
 * from the last moment at which the bucket was full instead of adding up intervals, so that no rounding adds up either.
 */
export class TokenBucket {
  #pace: Pace;
  #burst: number;
  #fullAt = Number.NEGATIVE_INFINITY;
  /** Permits that have left since then. */
  #taken = 0;

  constructor(pace: Pace, burst: number) {
    this.#pace = pace;
    this.#burst = burst;
  }

  get burst(): number {
    return this.#burst;
  }

  get perMinute(): number {
    return (this.#pace.permits * 60_000) / this.#pace.per;
  }

  /** Milliseconds until so many permits are there together; not positive: they are. */
  wait(now: number, permits = 1): number {
    this.#overflow(now);
    return this.refill(this.#taken + permits - this.#burst) - (now - this.#fullAt);
  }

  /** Whole permits that are there; negative is a debt. */
  level(now: number): number {
    this.#overflow(now);
    const { permits, per } = this.#pace;
    const whole = Math.floor(this.#burst - this.#taken + ((now - this.#fullAt) * permits) / per);
    return isDue(this.wait(now, whole + 1), 0) ? Math.min(whole + 1, this.#burst) : whole;
  }

  /** Less than none come back unused. From a full bucket they flow over. */
  take(now: number, permits = 1): void {
    this.#overflow(now);
    this.#taken += permits;
  }

  /** There were no more than so many permits at a moment that has passed. */
  atMost(level: number, moment: number): void {
    if (this.level(moment) <= level) return;
    this.#fullAt = moment;
    this.#taken = this.#burst - level;
  }

  /** From now on another pace and another burst. What is there stays, as far as there is room for it. */
  retune(now: number, pace: Pace, burst: number): void {
    const missing = this.wait(now, this.#burst) / this.refill(1);
    const level = Math.min(burst, this.#burst - Math.max(0, missing));
    this.#pace = pace;
    this.#burst = burst;
    this.#fullAt = now;
    this.#taken = burst - level;
  }

  /** How long it takes until so many permits have come back, in milliseconds. */
  refill(permits: number): number {
    return (permits * this.#pace.per) / this.#pace.permits;
  }

  #overflow(now: number): void {
    // Over by a rounding error is not over: counting anew from there would add the errors up.
    if (isDue(now - this.#fullAt, this.refill(this.#taken))) return;
    this.#fullAt = now;
    this.#taken = 0;
  }
}
