import { brand } from './brand.ts';

export interface ErrorDetails {
  /** What led to this error. */
  readonly cause?: unknown;
}

/** The base of every error that this library makes itself. */
export class ResilienceError extends Error {
  static {
    brand(this, 'ResilienceError');
  }
  constructor(message: string, { cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
  }

  /** The message without the words of others: what events repeat. */
  get summary(): string {
    return this.message;
  }
}
