import {
  catchError,
  defer,
  EMPTY,
  from,
  map,
  Observable,
  of,
  Subject,
  share,
  take,
  takeUntil,
  tap,
  throwIfEmpty,
} from 'rxjs';
import { type Clock, timestamp } from '../core/clock.ts';
import { withDeadlines } from '../core/deadlines.ts';
import { summarize } from '../core/error-summary.ts';
import { StreamTimeoutError } from '../core/errors.ts';
import type { ErrorSummary, HealthStatus } from '../core/event-parts.ts';
import { SteadyClock } from '../core/steady-clock.ts';
import { findingsIn, type HealthAnswer, type HealthCheck, type HealthFindings, isStream } from './check.ts';
import type { CheckReport } from './report.ts';

export interface RegisteredCheckDetails {
  readonly name: string;
  readonly check: HealthCheck;
  readonly critical: boolean;
  readonly liveness: boolean;
  readonly timeout: number;
  readonly maxAge: number;
  readonly clock: Clock;
  /** Hears of every status that differs from the one before, and of the first. */
  readonly changed: (from: HealthStatus | undefined, to: HealthStatus, error: unknown) => void;
}

/** What a check has found, and when. */
interface Result {
  readonly status: HealthStatus;
  readonly error: ErrorSummary | undefined;
  readonly details: HealthFindings['details'];
  readonly duration: number;
  /** By the clock. */
  readonly at: number;
  readonly checkedAt: number;
}

/** One check under its name: it runs once at a time, whoever asks, and knows what it found last. */
export class RegisteredCheck {
  readonly name: string;
  readonly critical: boolean;
  readonly liveness: boolean;
  readonly #details: RegisteredCheckDetails;
  readonly #clock: SteadyClock;
  readonly #withdrawn = new Subject<void>();
  #last: Result | undefined;

  constructor(details: RegisteredCheckDetails) {
    this.name = details.name;
    this.critical = details.critical;
    this.liveness = details.liveness;
    this.#details = details;
    this.#clock = new SteadyClock(details.clock);
  }

  /** The status that was found last. */
  get status(): HealthStatus | undefined {
    return this.#last?.status;
  }

  /** Completes when a result is there, or none is wanted any more. Whoever comes while the check runs waits for that run. */
  readonly answered$: Observable<unknown> = defer(() => (this.#isFresh() ? EMPTY : this.#running$));

  readonly #running$ = defer(() => this.#run()).pipe(share(), takeUntil(this.#withdrawn));

  /** Ends the run, if there is one: its result is of no use to anybody. */
  withdraw(): void {
    this.#withdrawn.next();
  }

  /** What is known, as of now; `undefined` when the check has never answered. */
  report(): CheckReport | undefined {
    if (this.#last === undefined) return undefined;
    const { at, error, details, ...result } = this.#last;
    return {
      status: result.status,
      critical: this.critical,
      duration: result.duration,
      age: this.#clock.now() - at,
      checkedAt: result.checkedAt,
      ...(error !== undefined && { error }),
      ...(details !== undefined && { details }),
    };
  }

  #isFresh(): boolean {
    return this.#last !== undefined && this.#clock.now() - this.#last.at < this.#details.maxAge;
  }

  #run(): Observable<unknown> {
    const { name, check, clock, timeout } = this.#details;
    const begun = this.#clock.now();
    const limits = { first: timeout, each: Number.POSITIVE_INFINITY, total: Number.POSITIVE_INFINITY };
    const answer = withDeadlines(ask(check), clock, limits, (kind, after) => {
      throw new StreamTimeoutError(name, kind, after);
    });
    return answer.pipe(
      throwIfEmpty(() => new Error('The check ended without an answer.')),
      map(findingsIn),
      catchError((error: unknown) => of<HealthFindings>({ status: 'unhealthy', error })),
      tap((findings) => this.#found(findings, this.#clock.now() - begun)),
    );
  }

  /** What was thrown is written down and forgotten: a result is kept for longer than an error should be. */
  #found({ status, error, details }: HealthFindings, duration: number): void {
    const before = this.#last?.status;
    this.#last = {
      status,
      error: error === undefined ? undefined : summarize(error),
      details,
      duration,
      at: this.#clock.now(),
      checkedAt: timestamp(),
    };
    if (status !== before) this.#details.changed(before, status, error);
  }
}

/** One run of a check. Whoever stops listening aborts its signal; an answer does not. */
function ask(check: HealthCheck): Observable<HealthAnswer> {
  return new Observable((subscriber) => {
    const controller = new AbortController();
    const answer = check({ signal: controller.signal });
    const stream = isStream(answer) ? from(answer) : of(answer);
    stream.pipe(take(1), tap({ unsubscribe: () => controller.abort() })).subscribe(subscriber);
  });
}
