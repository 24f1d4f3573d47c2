import { brand } from './brand.ts';
import { ResilienceError } from './resilience-error.ts';

/** An option was refused when an object or an operator was made. The message names the option and the value. */
export class ConfigurationError extends ResilienceError {
  static {
    brand(this, 'ConfigurationError');
  }

  /** Without the value that was refused. */
  override get summary(): string {
    return this.message.replace(/,? got .*/s, '');
  }
}
