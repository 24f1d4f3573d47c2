import type { Observable } from 'rxjs';
import {
  isCancellation,
  isLocalRejection,
  RetryExhaustedError,
  type RetryRefusal,
  retryAfterOf,
  StreamTimeoutError,
} from '../core/errors.ts';
import { type Failure, type Limit, Postponed, type Recovery } from '../core/recovery.ts';
import type { RetryBudget } from '../core/retry-budget.ts';
import { reportUnhandled } from '../core/unhandled.ts';
import { toObservable } from '../interop/to-observable.ts';
import type { Resume } from './resume.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** One subscription: how often it has tried, and what it does about the next failure. */
export class RetryRun<T, R> implements Recovery<T | R> {
  readonly limit: Limit | undefined;
  readonly #policy: RetryPolicy<T, R>;
  readonly #source: Observable<T>;
  #retries = 0;
  #backoff = 0;
  #lastError: unknown;

  constructor(policy: RetryPolicy<T, R>, source: Observable<T>) {
    const { timeout, clock, budget } = policy;
    this.#policy = policy;
    this.#source = source;
    this.limit = timeout === Number.POSITIVE_INFINITY ? undefined : { clock, due: clock.now() + timeout };
    budget?.begin();
  }

  // Asked before the commit only, and until then all values are the source's.
  get commitOn(): Recovery<T | R>['commitOn'] {
    return this.#policy.commitOn as Recovery<T | R>['commitOn'];
  }

  get resume(): Recovery<T | R>['resume'] {
    const { resume } = this.#policy;
    return resume && ((failure) => this.retry(failure.error, () => this.resumed(failure, resume)));
  }

  recover({ error }: Failure): Postponed<T | R> {
    return this.retry(error, () => this.#source);
  }

  expired(): never {
    const { name, timeout, events } = this.#policy;
    events.publish('timed_out', name, { kind: 'total', after: timeout });
    throw new StreamTimeoutError(name, 'total', timeout, { cause: this.#lastError });
  }

  private retry(error: unknown, attempt: () => Observable<T | R>): Postponed<T | R> {
    const { name, clock, events, onRetry } = this.#policy;
    const delay = this.delayAfter(error);
    const retry = ++this.#retries;
    this.#lastError = error;
    events.publish('retry_attempted', name, { attempt: retry, delay, error });
    try {
      onRetry?.(retry, error, delay);
    } catch (thrown) {
      reportUnhandled(thrown);
    }
    return new Postponed(clock, delay, () => {
      // A computer that slept has waited longer: nobody is asked for what would come too late.
      if (this.left <= 0) this.expired();
      return attempt();
    });
  }

  /** Milliseconds of the limit. */
  private get left(): number {
    return this.limit === undefined ? Number.POSITIVE_INFINITY : this.limit.due - this.#policy.clock.now();
  }

  /** Milliseconds until the next attempt. Throws what downstream receives when there is to be none. */
  private delayAfter(error: unknown): number {
    const policy = this.#policy;
    const { maxRetries, maxDelay, budget } = policy;
    const retry = this.#retries + 1;
    if (!policy.accepts(error, retry))
      throw this.refused(error, 'not-retryable', 'this error is not retried');
    if (retry > maxRetries) throw this.refused(error, 'attempts', `maxRetries is ${maxRetries}`);
    if (budget?.balance === 0) throw this.beyond(budget, error);

    this.#backoff = policy.backoff(retry, this.#backoff, error);
    const asked = retryAfterOf(error) ?? 0;
    const delay = Math.max(asked, this.#backoff);
    if (asked > maxDelay) {
      const wait = `it should wait ${Math.ceil(asked)} ms, longer than maxDelay (${maxDelay} ms)`;
      throw this.refused(error, 'delay', wait);
    }
    if (delay >= this.left) {
      const wait = `a wait of ${Math.ceil(delay)} ms does not fit into what is left of timeout`;
      throw this.refused(error, 'time', wait);
    }
    if (delay === 0 && isLocalRejection(error)) {
      throw this.refused(error, 'delay', 'it would be refused again without a wait');
    }
    // Only now: what is not going to be made is not paid for. Others may have been asked in between.
    if (budget?.tryWithdraw() === false) throw this.beyond(budget, error);
    return delay;
  }

  private beyond({ name }: RetryBudget, error: unknown): unknown {
    return this.refused(error, 'budget', `the budget "${name}" is empty`);
  }

  /** What downstream receives: the error as it came, or what the retries have come to. */
  private refused(error: unknown, reason: RetryRefusal, explanation: string): unknown {
    if (isCancellation(error)) return error;
    const attempts = this.#retries + 1;
    // Whoever wants to know what a budget costs must hear of it, also when it has cost all retries.
    if (attempts === 1 && reason !== 'budget') return error;
    const { name, events } = this.#policy;
    events.publish('retry_exhausted', name, { attempts, reason, error });
    return attempts === 1 ? error : new RetryExhaustedError(name, attempts, reason, explanation, error);
  }

  private resumed({ error, emitted }: Failure, resume: Resume<T, R>): Observable<T | R> {
    const { name, events } = this.#policy;
    events.publish('stream_resumed', name, { emitted, error });
    return toObservable(resume({ error, emitted, source: this.#source, retry: this.#retries }));
  }
}
