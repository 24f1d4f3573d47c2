import { isLocalRejection, mayPass, retryAfterOf } from '../core/errors.ts';

/** Whether another attempt at the same source may fare better, and need not wait. */
export const mayPassAtOnce = (error: unknown): boolean =>
  mayPass(error) && !isLocalRejection(error) && (retryAfterOf(error) ?? 0) === 0;
