import { isDue } from '../core/clock.ts';

/**
 * Permits that come back at a steady rate, and are kept up to a burst.
 *
 * Nothing is ever refilled: by virtual scheduling - the generic cell rate algorithm of ITU-T Recommendation I.371 and
 * the ATM Forum's Traffic Management Specification - it is computed when the next permit is there. The permits are counted
 * from the last moment at which the bucket was full instead of adding up intervals, so that no rounding adds up either.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #fullAt = Number.NEGATIVE_INFINITY;
  /** Permits that have left since then. */
  #taken = 0;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Milliseconds until there is a permit for whoever has so many others `ahead`; not positive: there is one. */
  wait(now: number, ahead = 0): number {
    this.#overflow(now);
    return this.#refill(this.#taken + ahead + 1 - this.#burst) - (now - this.#fullAt);
  }

  /** Permits that are there. */
  available(now: number): number {
    this.#overflow(now);
    const whole = Math.floor(this.#burst - this.#taken + ((now - this.#fullAt) * this.#perSecond) / 1_000);
    return Math.max(0, isDue(this.wait(now, whole), 0) ? whole + 1 : whole);
  }

  take(now: number): void {
    this.#overflow(now);
    this.#taken++;
  }

  /** A permit comes back unused. From a full bucket it flows over. */
  giveBack(now: number): void {
    this.#overflow(now);
    this.#taken--;
  }

  /** How long it takes until so many permits have come back, in milliseconds. */
  #refill(permits: number): number {
    return (permits * 1_000) / this.#perSecond;
  }

  #overflow(now: number): void {
    // Over by a rounding error is not over: counting anew from there would add the errors up.
    if (isDue(now - this.#fullAt, this.#refill(this.#taken))) return;
    this.#fullAt = now;
    this.#taken = 0;
  }
}
