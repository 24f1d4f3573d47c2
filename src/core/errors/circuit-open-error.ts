import { brand } from './brand.ts';
import { type ErrorDetails, ResilienceError } from './resilience-error.ts';

const REASONS = {
  open: 'is open',
  'half-open': 'is half-open and all its places are taken',
  'forced-open': 'was opened by hand',
} as const;

/** The circuit is open (or all its half-open places are taken): the attempt was not made. */
export class CircuitOpenError extends ResilienceError {
  static {
    brand(this, 'CircuitOpenError');
  }
  /** Name of the circuit breaker. */
  readonly circuit: string;
  /** In which state it refused: `'half-open'` passes when a probe ends, `'forced-open'` when a person says so. */
  readonly state: keyof typeof REASONS;
  /** Milliseconds until the circuit lets a probe through; `undefined` when only a person or a probe can tell. */
  readonly retryAfter: number | undefined;

  constructor(
    circuit: string,
    retryAfter: number | undefined,
    { state = 'open', cause }: ErrorDetails & { state?: keyof typeof REASONS } = {},
  ) {
    super(`Circuit "${circuit}" ${REASONS[state]}: the attempt was not made.${advice(state, retryAfter)}`, {
      cause,
    });
    this.circuit = circuit;
    this.state = state;
    this.retryAfter = retryAfter;
  }
}

function advice(state: keyof typeof REASONS, retryAfter: number | undefined): string {
  if (state === 'forced-open') return ' It stays open until reset() is called.';
  return retryAfter === undefined ? '' : ` Try again in ${Math.ceil(retryAfter)} ms.`;
}
