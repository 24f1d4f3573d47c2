import {
  isBulkheadRejectedError,
  isCircuitOpenError,
  isHedgeExhaustedError,
  isRateLimitExceededError,
  isRetryExhaustedError,
  isThrottledError,
} from './guards.ts';

/** What went wrong in the end: retries only report the last error of their attempts, hedges the first. */
export const failureOf = (error: unknown): unknown =>
  isRetryExhaustedError(error) || isHedgeExhaustedError(error) ? failureOf(error.cause) : error;

/**
 * The policies of this library refused the attempt, after retries the last one: it was not made. Neutral for every other
 * policy.
 */
export function isLocalRejection(error: unknown): boolean {
  const failure = failureOf(error);
  return (
    isCircuitOpenError(failure) ||
    isBulkheadRejectedError(failure) ||
    isRateLimitExceededError(failure) ||
    isThrottledError(failure)
  );
}

/** The caller's own abort, as an error: a `kind` of `'cancelled'`, or the `AbortError` of the platform. */
export function isCancellation(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { kind, name } = error as { kind?: unknown; name?: unknown };
  return kind === 'cancelled' || (kind === undefined && name === 'AbortError');
}

const CALLER_STATUS: ReadonlySet<unknown> = new Set([400, 401, 403, 404, 413, 422]);
const CALLER_KIND: ReadonlySet<unknown> = new Set([
  'auth',
  'invalid',
  'context-length',
  'content-filter',
  'cancelled',
]);

/**
 * The caller asked for something that no repetition can give: the same request fails the same way and says nothing of the
 * health of the other side. Recognised by an error's `kind`, else its HTTP `status`, or an abort by the caller.
 */
export function isCallerError(error: unknown): boolean {
  const failure = failureOf(error);
  if (typeof failure !== 'object' || failure === null) return false;
  const { kind, status, name } = failure as { kind?: unknown; status?: unknown; name?: unknown };
  return typeof kind === 'string'
    ? CALLER_KIND.has(kind)
    : CALLER_STATUS.has(status) || name === 'AbortError';
}

const OVERLOAD_KIND: ReadonlySet<unknown> = new Set([
  'rate-limit',
  'overloaded',
  'timeout',
  'first',
  'headers',
]);
const OVERLOAD_STATUS: ReadonlySet<unknown> = new Set([429, 503, 529]);

/**
 * The other side has more to do than it can: it turned the request away, or let it wait too long for a beginning.
 * Recognised by an error's `kind` - which a `StreamTimeoutError` of the first value has, too - else its HTTP `status`.
 */
export function isOverload(error: unknown): boolean {
  const failure = failureOf(error);
  if (typeof failure !== 'object' || failure === null) return false;
  const { kind, status } = failure as { kind?: unknown; status?: unknown };
  return typeof kind === 'string' ? OVERLOAD_KIND.has(kind) : OVERLOAD_STATUS.has(status);
}

/** Milliseconds that an error asks its caller to wait, if it says so in a `retryAfter` field. */
export function retryAfterOf(error: unknown): number | undefined {
  if (isRetryExhaustedError(error)) return retryAfterOf(error.cause);
  if (typeof error !== 'object' || error === null || !('retryAfter' in error)) return undefined;
  const { retryAfter } = error;
  return typeof retryAfter === 'number' && retryAfter >= 0 ? retryAfter : undefined;
}

/** Whether another attempt may fare better: what the error itself says, then its kind or status. */
export function mayPass(error: unknown): boolean {
  const failure = failureOf(error);
  // A rejection passes when it says when, or when a probe that runs has found out.
  if (isLocalRejection(failure)) return retryAfterOf(error) !== undefined || isProbed(failure);
  const retryable = (failure as { retryable?: unknown } | null | undefined)?.retryable;
  return typeof retryable === 'boolean' ? retryable : !isCallerError(failure);
}

const isProbed = (rejection: unknown): boolean =>
  isCircuitOpenError(rejection) && rejection.state === 'half-open';
