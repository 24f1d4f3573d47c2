/**
 * The errors of the house. Every class has a stable `name`, and a brand on its prototype that survives two copies of
 * this package in one program: guards ask for the brand, never for the class.
 */

import type { Rejection } from './waiting-room.ts';

const brandOf = (name: string): symbol => Symbol.for(`rxjs-resilience/${name}`);

/** A guard that asks for the brand of `name`. */
export function guardFor<E extends Error>(name: string): (error: unknown) => error is E {
  const brand = brandOf(name);
  return (error): error is E => typeof error === 'object' && error !== null && brand in error;
}

/**
 * Gives a class its stable name and its brand, and makes `instanceof` ask for the brand too. All of it lives on the
 * prototype, so an error carries no extra field.
 */
export function brand(constructor: abstract new (...args: never[]) => Error, name: string): void {
  Object.defineProperty(constructor.prototype, 'name', { value: name, writable: true, configurable: true });
  Object.defineProperty(constructor.prototype, brandOf(name), { value: true });
  const hasBrand = guardFor(name);
  Object.defineProperty(constructor, Symbol.hasInstance, {
    // A subclass inherits this method but not the brand: for it, `instanceof` is the ordinary one.
    value(this: unknown, error: unknown) {
      return this === constructor
        ? hasBrand(error)
        : Function.prototype[Symbol.hasInstance].call(this, error);
    },
  });
}

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
/** Whether it is a {@link ResilienceError}, from whatever copy of this package. */
export const isResilienceError = guardFor<ResilienceError>('ResilienceError');

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
/** Whether it is a {@link ConfigurationError}, from whatever copy of this package. */
export const isConfigurationError = guardFor<ConfigurationError>('ConfigurationError');

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
/** Whether it is a {@link CircuitOpenError}, from whatever copy of this package. */
export const isCircuitOpenError = guardFor<CircuitOpenError>('CircuitOpenError');

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
/** Whether it is a {@link BulkheadRejectedError}, from whatever copy of this package. */
export const isBulkheadRejectedError = guardFor<BulkheadRejectedError>('BulkheadRejectedError');

/** The rate limit leaves no permit within the time that the caller is ready to wait. */
export class RateLimitExceededError extends ResilienceError {
  static {
    brand(this, 'RateLimitExceededError');
  }
  /** Name of the rate limiter. */
  readonly limiter: string;
  /** Milliseconds until a permit is there. */
  readonly retryAfter: number;

  constructor(limiter: string, retryAfter: number, explanation: string) {
    super(`Rate limiter "${limiter}" ${explanation} A permit is there in ${Math.ceil(retryAfter)} ms.`);
    this.limiter = limiter;
    this.retryAfter = retryAfter;
  }
}
/** Whether it is a {@link RateLimitExceededError}, from whatever copy of this package. */
export const isRateLimitExceededError = guardFor<RateLimitExceededError>('RateLimitExceededError');

/** An adaptive throttle turned the request away: the other side is overloaded. */
export class ThrottledError extends ResilienceError {
  static {
    brand(this, 'ThrottledError');
  }
  /** Name of the throttle. */
  readonly throttle: string;
  /** How likely it was, in (0, 1]. */
  readonly probability: number;

  constructor(throttle: string, probability: number) {
    const share = Math.round(probability * 100);
    super(
      `Throttle "${throttle}": the other side refuses too much, so ${share} % of all requests are turned away here, and this one was not made.`,
    );
    this.throttle = throttle;
    this.probability = probability;
  }
}
/** Whether it is a {@link ThrottledError}, from whatever copy of this package. */
export const isThrottledError = guardFor<ThrottledError>('ThrottledError');

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
/** Whether it is a {@link ChaosError}, from whatever copy of this package. */
export const isChaosError = guardFor<ChaosError>('ChaosError');

export type TimeoutKind = 'first' | 'each' | 'total';

/** The clocks of `timeout()`, and those that know of a connection and of the pace of a stream. */
export type StreamTimeoutKind = TimeoutKind | 'headers' | 'throughput';

const TIMEOUT_STORY: Record<StreamTimeoutKind, string> = {
  first: 'gave no first value within',
  each: 'was silent for',
  total: 'did not end within',
  headers: 'was not accepted within',
  throughput: 'fell below its minimum pace for',
};

/** A clock ran out. */
export class StreamTimeoutError extends ResilienceError {
  static {
    brand(this, 'StreamTimeoutError');
  }
  /** Name of the policy that watched the clock. */
  readonly policy: string;
  readonly kind: StreamTimeoutKind;
  /** The limit that was passed, or for `throughput` the time that the pace was measured, in milliseconds. */
  readonly after: number;

  constructor(policy: string, kind: StreamTimeoutKind, after: number, details?: ErrorDetails) {
    super(`Timeout "${policy}": the stream ${TIMEOUT_STORY[kind]} ${after} ms (${kind}).`, details);
    this.policy = policy;
    this.kind = kind;
    this.after = after;
  }
}
/** Whether it is a {@link StreamTimeoutError}, from whatever copy of this package. */
export const isStreamTimeoutError = guardFor<StreamTimeoutError>('StreamTimeoutError');

/** At least one retry ran, and the last attempt failed as well. `cause` is the last error. */
export class RetryExhaustedError extends ResilienceError {
  static {
    brand(this, 'RetryExhaustedError');
  }
  /** Name of the retry policy. */
  readonly policy: string;
  /** Attempts made, the first one included. */
  readonly attempts: number;
  /** Why there was no further attempt. */
  readonly reason: string;

  constructor(policy: string, attempts: number, reason: string, cause: unknown) {
    super(`${givenUp(policy, attempts, reason)} Last error: ${messageOf(cause)}`, { cause });
    this.policy = policy;
    this.attempts = attempts;
    this.reason = reason;
  }

  override get summary(): string {
    return givenUp(this.policy, this.attempts, this.reason);
  }
}
const givenUp = (policy: string, attempts: number, reason: string): string =>
  `Retry "${policy}" gave up after ${attempts} attempts: ${reason}.`;

/** Whether it is a {@link RetryExhaustedError}, from whatever copy of this package. */
export const isRetryExhaustedError = guardFor<RetryExhaustedError>('RetryExhaustedError');

/**
 * The source and every alternative failed. An `AggregateError` that carries the brand of `ResilienceError` as well, so
 * `instanceof` holds for both.
 */
export class FallbackExhaustedError extends AggregateError {
  static {
    brand(this, 'FallbackExhaustedError');
    Object.defineProperty(this.prototype, brandOf('ResilienceError'), { value: true });
  }
  /** Name of the fallback policy. */
  readonly policy: string;
  /** Every error, the one of the source first; that one is the `cause` too. */
  declare readonly errors: unknown[];

  constructor(policy: string, errors: readonly unknown[]) {
    const list = errors.map((error, index) => `${index + 1}. ${messageOf(error)}`).join('; ');
    super(errors, `Fallback "${policy}": the source and every alternative failed: ${list}`, {
      cause: errors[0],
    });
    this.policy = policy;
  }

  /** The message without the words of others: what events repeat. */
  get summary(): string {
    return `Fallback "${this.policy}": the source and every alternative failed, ${this.errors.length} errors in all.`;
  }
}
/** Whether it is a {@link FallbackExhaustedError}, from whatever copy of this package. */
export const isFallbackExhaustedError = guardFor<FallbackExhaustedError>('FallbackExhaustedError');

/**
 * At least one hedge ran, and every attempt failed. An `AggregateError` that carries the brand of `ResilienceError` as well,
 * so `instanceof` holds for both.
 */
export class HedgeExhaustedError extends AggregateError {
  static {
    brand(this, 'HedgeExhaustedError');
    Object.defineProperty(this.prototype, brandOf('ResilienceError'), { value: true });
  }
  /** Name of the hedge policy. */
  readonly policy: string;
  /** The error of every attempt, in the order in which they failed; the first one is the `cause` too. */
  declare readonly errors: unknown[];
  /** Milliseconds until all who have asked for a wait are ready again; `undefined` when nobody has. */
  readonly retryAfter: number | undefined;

  constructor(policy: string, errors: readonly unknown[]) {
    const list = errors.map((error, index) => `${index + 1}. ${messageOf(error)}`).join('; ');
    super(errors, `Hedge "${policy}": all ${errors.length} attempts failed: ${list}`, { cause: errors[0] });
    this.policy = policy;
    const asked = errors.map(retryAfterOf).filter((wait) => wait !== undefined);
    this.retryAfter = asked.length === 0 ? undefined : Math.max(...asked);
  }
}
/** Whether it is a {@link HedgeExhaustedError}, from whatever copy of this package. */
export const isHedgeExhaustedError = guardFor<HedgeExhaustedError>('HedgeExhaustedError');

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
  // A rejection passes when it says when.
  if (isLocalRejection(error)) return retryAfterOf(error) !== undefined;
  const failure = failureOf(error);
  const retryable = (failure as { retryable?: unknown } | null | undefined)?.retryable;
  return typeof retryable === 'boolean' ? retryable : !isCallerError(failure);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  try {
    const message = (error as { message?: unknown } | null | undefined)?.message;
    return typeof message === 'string' ? message : String(error);
  } catch {
    return 'something that has no text';
  }
}
