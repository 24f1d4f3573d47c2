import { brand } from './brand.ts';
import { ResilienceError } from './resilience-error.ts';

/** The rate limit leaves no permit within the time that the caller is ready to wait. */
export class RateLimitExceededError extends ResilienceError {
  static {
    brand(this, 'RateLimitExceededError');
  }
  /** Name of the rate limiter. */
  readonly limiter: string;
  /** Milliseconds until a permit is there. */
  readonly retryAfter: number;

  constructor(limiter: string, retryAfter: number, explanation: string) {
    super(`Rate limiter "${limiter}" ${explanation} A permit is there in ${Math.ceil(retryAfter)} ms.`);
    this.limiter = limiter;
    this.retryAfter = retryAfter;
  }
}
