import { failureOf, isCallerError, isLocalRejection, retryAfterOf } from '../core/errors.ts';
import type { RetryConfig } from './retry-config.ts';

/** Decides whether an error of the n-th attempt, from 1, is one that another attempt may cure. */
export type Acceptance = (error: unknown, attempt: number) => boolean;

/** What the user says; both `retryOn` and `retryIf` have to agree where both are given. */
export function acceptanceOf({ retryOn, retryIf }: Pick<RetryConfig, 'retryOn' | 'retryIf'>): Acceptance {
  if (retryOn === undefined) return retryIf ?? mayPass;
  return (error, attempt) =>
    retryOn.some((errors) => error instanceof errors) && (retryIf === undefined || retryIf(error, attempt));
}

/** What an error itself says, then its kind or status; a local rejection may pass when it says when. */
function mayPass(error: unknown): boolean {
  if (isLocalRejection(error)) return retryAfterOf(error) !== undefined;
  const failure = failureOf(error);
  const retryable = (failure as { retryable?: unknown } | null | undefined)?.retryable;
  return typeof retryable === 'boolean' ? retryable : !isCallerError(failure);
}
