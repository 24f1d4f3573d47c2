import type { Rejection } from '../waiting-room.ts';
import { brand } from './brand.ts';
import { ResilienceError } from './resilience-error.ts';

/** The bulkhead has no place, and none in its queue; or the wait there is too long. */
export class BulkheadRejectedError extends ResilienceError {
  static {
    brand(this, 'BulkheadRejectedError');
  }
  /** Name of the bulkhead. */
  readonly bulkhead: string;
  readonly reason: Rejection;
  /** Milliseconds until a place may be expected, judged by the last streams; `undefined` before the first has ended. */
  readonly retryAfter: number | undefined;

  constructor(bulkhead: string, reason: Rejection, explanation: string, retryAfter?: number) {
    const advice = retryAfter === undefined ? '' : ` A place may be expected in ${Math.ceil(retryAfter)} ms.`;
    super(`Bulkhead "${bulkhead}" ${explanation}${advice}`);
    this.bulkhead = bulkhead;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}
