import type { Observable } from 'rxjs';
import {
  isCancellation,
  isLocalRejection,
  RetryExhaustedError,
  retryAfterOf,
  StreamTimeoutError,
} from '../core/errors.ts';
import { type Failure, Postponed, type Recovery } from '../core/recovery.ts';
import { reportUnhandled } from '../core/unhandled.ts';
import { toObservable } from '../interop/to-observable.ts';
import type { Resume } from './resume.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** One subscription: how often it has tried, and what it does about the next failure. */
export class RetryRun<T, R> implements Recovery<T | R> {
  readonly commitOn: Recovery<T | R>['commitOn'];
  readonly resume: Recovery<T | R>['resume'];
  readonly #policy: RetryPolicy<T, R>;
  readonly #source: Observable<T>;
  readonly #deadline: number;
  #retries = 0;
  #backoff = 0;
  #lastError: unknown;

  constructor(policy: RetryPolicy<T, R>, source: Observable<T>) {
    const { commitOn, resume, timeout, clock } = policy;
    this.#policy = policy;
    this.#source = source;
    this.#deadline = timeout === Number.POSITIVE_INFINITY ? timeout : clock.now() + timeout;
    // Asked before the commit only, and until then all values are the source's.
    this.commitOn = commitOn as Recovery<T | R>['commitOn'];
    this.resume = resume && ((failure) => this.#retry(failure.error, () => this.#resumed(failure, resume)));
  }

  recover({ error }: Failure): Postponed<T | R> {
    return this.#retry(error, () => this.#source);
  }

  /** The total limit has passed. */
  timedOut(): never {
    const { name, timeout, events } = this.#policy;
    events.publish('timed_out', name, { kind: 'total', after: timeout });
    throw new StreamTimeoutError(name, 'total', timeout, { cause: this.#lastError });
  }

  #retry(error: unknown, attempt: () => Observable<T | R>): Postponed<T | R> {
    const { name, clock, events, onRetry } = this.#policy;
    const delay = this.#delayAfter(error);
    const retry = ++this.#retries;
    this.#lastError = error;
    events.publish('retry_attempted', name, { attempt: retry, delay, error });
    try {
      onRetry?.(retry, error, delay);
    } catch (thrown) {
      reportUnhandled(thrown);
    }
    return new Postponed(clock, delay, attempt);
  }

  /** Milliseconds until the next attempt. Throws what downstream receives when there is to be none. */
  #delayAfter(error: unknown): number {
    const policy = this.#policy;
    const retry = this.#retries + 1;
    if (!policy.accepts(error, retry)) throw this.#givingUp(error, 'this error is not retried');
    if (retry > policy.maxRetries) throw this.#givingUp(error, `maxRetries is ${policy.maxRetries}`);

    this.#backoff = policy.backoff(retry, this.#backoff, error);
    const asked = retryAfterOf(error) ?? 0;
    const delay = Math.max(asked, this.#backoff);
    if (asked > policy.maxDelay) {
      throw this.#givingUp(
        error,
        `it should wait ${Math.ceil(asked)} ms, longer than maxDelay (${policy.maxDelay} ms)`,
      );
    }
    const left = this.#deadline - policy.clock.now();
    if (delay >= left) {
      throw this.#givingUp(
        error,
        `a wait of ${Math.ceil(delay)} ms does not fit into what is left of timeout`,
      );
    }
    if (delay === 0 && isLocalRejection(error)) {
      throw this.#givingUp(error, 'it would be refused again without a wait');
    }
    return delay;
  }

  /** What downstream receives: the error as it came, or what the retries have come to. */
  #givingUp(error: unknown, reason: string): unknown {
    if (this.#retries === 0 || isCancellation(error)) return error;
    const { name, events } = this.#policy;
    const attempts = this.#retries + 1;
    events.publish('retry_exhausted', name, { attempts, reason, error });
    return new RetryExhaustedError(name, attempts, reason, error);
  }

  #resumed({ error, emitted }: Failure, resume: Resume<T, R>): Observable<T | R> {
    const { name, events } = this.#policy;
    events.publish('stream_resumed', name, { emitted, error });
    return toObservable(resume({ error, emitted, source: this.#source, retry: this.#retries }));
  }
}
