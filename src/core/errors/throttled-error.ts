import { brand } from './brand.ts';
import { ResilienceError } from './resilience-error.ts';

/** An adaptive throttle turned the request away: the other side is overloaded. */
export class ThrottledError extends ResilienceError {
  static {
    brand(this, 'ThrottledError');
  }
  /** Name of the throttle. */
  readonly throttle: string;
  /** How likely it was, in (0, 1]. */
  readonly probability: number;

  constructor(throttle: string, probability: number) {
    const share = Math.round(probability * 100);
    super(
      `Throttle "${throttle}": the other side refuses too much, so ${share} % of all requests are turned away here, and this one was not made.`,
    );
    this.throttle = throttle;
    this.probability = probability;
  }
}
