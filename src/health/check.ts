import { isObservable, type Observable } from 'rxjs';
import * as z from 'zod/mini';
import { type HealthStatus, HealthStatusSchema } from '../core/event-parts.ts';

/** What a check says: whether all is well, how well, or that and what else is known. */
export type HealthAnswer = boolean | HealthStatus | HealthFindings;

export interface HealthFindings {
  readonly status: HealthStatus;
  /** What went wrong. The report says its name, message and kind. */
  readonly error?: unknown;
  /** What else a reader of the report should know. Handlers show it only if they are told to. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

export interface HealthCheckContext {
  /** Aborts when the answer is no longer wanted: it took too long, the check was unregistered, or nobody listens. */
  readonly signal: AbortSignal;
}

/**
 * Finds out how something is doing. A stream is unsubscribed after its first value. A check that throws, rejects, ends
 * without an answer or gives one that is none is unhealthy.
 *
 * Before TypeScript 6 the only string that an `async` function returns is any string to the compiler: let it return `true`,
 * or `'healthy' as const`.
 */
export type HealthCheck<Answer extends HealthAnswer = HealthAnswer> = (
  context: HealthCheckContext,
) => Answer | PromiseLike<Answer> | Observable<Answer>;

/** The answer in full. @throws {TypeError} when it is none. */
export function findingsIn(answer: unknown): HealthFindings {
  if (answer === true) return { status: 'healthy' };
  if (answer === false) return { status: 'unhealthy' };
  const findings = typeof answer === 'string' ? { status: answer } : answer;
  const { status, error, details } = Object(findings) as Partial<HealthFindings>;
  const known = z.safeParse(HealthStatusSchema, status);
  if (known.success) return { status: known.data, error, details };
  throw new TypeError(
    'The check gave no answer: it must be true, false, "healthy", "degraded" or "unhealthy", or an object with one of these three as its status.',
  );
}

export const isStream = (
  answer: ReturnType<HealthCheck>,
): answer is PromiseLike<HealthAnswer> | Observable<HealthAnswer> =>
  isObservable(answer) || typeof (answer as Partial<PromiseLike<unknown>> | undefined)?.then === 'function';
