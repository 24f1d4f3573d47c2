import { mayPass } from '../core/errors.ts';
import type { RetryConfig } from './retry-config.ts';

/** Decides whether an error of the n-th attempt, from 1, is one that another attempt may cure. */
export type Acceptance = (error: unknown, attempt: number) => boolean;

/** What the user says; both `retryOn` and `retryIf` have to agree where both are given. */
export function acceptanceOf({ retryOn, retryIf }: Pick<RetryConfig, 'retryOn' | 'retryIf'>): Acceptance {
  if (retryOn === undefined) return retryIf ?? mayPass;
  return (error, attempt) =>
    retryOn.some((errors) => error instanceof errors) && (retryIf === undefined || retryIf(error, attempt));
}
