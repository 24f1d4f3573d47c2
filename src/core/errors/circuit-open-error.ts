import { brand } from './brand.ts';
import { type ErrorDetails, ResilienceError } from './resilience-error.ts';

/** The circuit is open (or all its half-open places are taken): the attempt was not made. */
export class CircuitOpenError extends ResilienceError {
  static {
    brand(this, 'CircuitOpenError');
  }
  /** Name of the circuit breaker. */
  readonly circuit: string;
  /** Milliseconds until the circuit lets a probe through; `undefined` when only a person or a probe can tell. */
  readonly retryAfter: number | undefined;

  constructor(
    circuit: string,
    retryAfter: number | undefined,
    details: ErrorDetails & { reason?: string } = {},
  ) {
    const advice = retryAfter === undefined ? '' : ` Try again in ${Math.ceil(retryAfter)} ms.`;
    super(`Circuit "${circuit}" ${details.reason ?? 'is open'}: the attempt was not made.${advice}`, details);
    this.circuit = circuit;
    this.retryAfter = retryAfter;
  }
}
