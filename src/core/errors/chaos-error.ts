import { brand } from './brand.ts';
import { ResilienceError } from './resilience-error.ts';

/** `chaos()` broke the stream on purpose. To every policy it is a failure like any other. */
export class ChaosError extends ResilienceError {
  static {
    brand(this, 'ChaosError');
  }
  /** Name of the chaos. */
  readonly chaos: string;

  constructor(chaos: string) {
    super(`Chaos "${chaos}" broke the stream on purpose.`);
    this.chaos = chaos;
  }
}
