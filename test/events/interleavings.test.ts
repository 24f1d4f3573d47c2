/**
 * Whatever calls do to each other through the policies that they share: an event belongs to the call and the attempt to
 * which it happened. Every call keeps a private log of what it has seen itself, and the bus must tell the same.
 */
import fc from 'fast-check';
import { defer, Observable, type Subscription, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { messageOf } from '../../src/core/errors.ts';
import { CallScope, currentScope, scoped } from '../../src/core/scope.ts';
import {
  Bulkhead,
  bulkhead,
  CircuitBreaker,
  circuitBreaker,
  EventBus,
  fallback,
  isBulkheadRejectedError,
  isCircuitOpenError,
  isRateLimitExceededError,
  isStreamTimeoutError,
  RateLimiter,
  type ResilienceEvent,
  rateLimit,
  retryWithBackoff,
  timeout,
} from '../../src/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

/** How a source plays an attempt: after so many milliseconds, 0 is at once. */
interface Play {
  readonly after: number;
  readonly kind: 'value' | 'error' | 'complete' | 'silence';
}

interface Plan {
  readonly at: number;
  readonly plays: readonly Play[];
  readonly cancelAfter: number | undefined;
  /** What its consumer does at its first value or its end. */
  readonly meddles: 'nothing' | 'subscribes' | 'cancels';
}

/** What an attempt has seen, written down by nobody but itself. */
interface Entry {
  readonly attempt: number;
  started: boolean;
  /** Its source was not subscribed at once. */
  waited: boolean;
  error: unknown;
}

interface Log {
  readonly call: string;
  readonly attempts: Entry[];
  cancelled: boolean;
}

const plays = fc.array(
  fc.record({
    after: fc.constantFrom(0, 0, 0, 1, 3, 12),
    kind: fc.constantFrom<Play['kind']>('value', 'error', 'error', 'error', 'complete', 'silence'),
  }),
  { minLength: 1, maxLength: 4 },
);
const plans = fc.array(
  fc.record({
    at: fc.nat(12),
    plays,
    cancelAfter: fc.option(fc.nat(25), { nil: undefined }),
    meddles: fc.constantFrom<Plan['meddles']>('nothing', 'nothing', 'subscribes', 'cancels'),
  }),
  { minLength: 2, maxLength: 7 },
);

class World {
  readonly scheduler = new ManualScheduler();
  readonly events = new EventBus();
  readonly heard: ResilienceEvent[] = [];
  readonly logs: Log[] = [];
  /** Code that ran in the scope of somebody else. */
  readonly strangers: string[] = [];
  readonly #running: { readonly log: Log; readonly subscription: Subscription }[] = [];
  readonly #common = { scheduler: this.scheduler, events: this.events };
  readonly #breaker = new CircuitBreaker({ ...this.#common, failureThreshold: 3, recoveryTimeout: 8 });
  readonly #limiter = new RateLimiter({
    ...this.#common,
    requestsPerSecond: 250,
    burstSize: 3,
    queueTimeout: 9,
    maxQueue: 3,
  });
  readonly #places = new Bulkhead({ ...this.#common, maxConcurrent: 2, maxQueue: 2, queueTimeout: 3 });

  constructor() {
    this.events.subscribe((event) => this.heard.push(event));
    // Whoever listens to a shared policy may act there and then, in the middle of somebody else's call.
    this.#breaker.onStateChange(({ to }) => {
      if (to === 'open') this.#cancel();
      else if (this.logs.length < 12)
        this.begin({
          at: 0,
          plays: [{ after: 0, kind: 'error' }],
          cancelAfter: undefined,
          meddles: 'nothing',
        });
    });
  }

  begin(plan: Plan): void {
    const log: Log = { call: `c${this.logs.length}`, attempts: [], cancelled: false };
    this.logs.push(log);
    const stream = this.#attempts(plan, log).pipe(
      retryWithBackoff({
        ...this.#common,
        name: `retry of ${log.call}`,
        maxRetries: 2,
        backoff: () => 2,
        retryIf: () => true,
      }),
      timeout({ ...this.#common, name: `total of ${log.call}`, total: 30 }),
      fallback({
        ...this.#common,
        name: `fallback of ${log.call}`,
        alternatives: [this.#attempts(plan, log), 'sorry'],
      }),
    );
    const meddle = (): void => {
      if (currentScope() !== undefined) this.strangers.push('a consumer stands in a call');
      if (plan.meddles === 'subscribes' && this.logs.length < 12) this.begin({ ...plan, meddles: 'nothing' });
      if (plan.meddles === 'cancels') this.#cancel();
    };
    const subscription = scoped(stream, CallScope.open(log.call)).subscribe({
      next: meddle,
      complete: meddle,
    });
    this.#running.push({ log, subscription });
    if (plan.cancelAfter !== undefined) this.scheduler.schedule(() => this.#cancel(log), plan.cancelAfter);
  }

  /** Gives up a call, or the oldest one. */
  #cancel(log?: Log): void {
    const index = log === undefined ? 0 : this.#running.findIndex((it) => it.log === log);
    for (const { log: left, subscription } of this.#running.splice(index, index < 0 ? 0 : 1)) {
      left.cancelled ||= !subscription.closed;
      subscription.unsubscribe();
    }
  }

  /** Every subscription is an attempt, through policies that all calls share. */
  #attempts(plan: Plan, log: Log): Observable<string> {
    return defer(() => {
      const entry: Entry = {
        attempt: log.attempts.length + 1,
        started: false,
        waited: true,
        error: undefined,
      };
      log.attempts.push(entry);
      const source = defer(() => {
        entry.started = true;
        // Scopes go with what is subscribed: the source stands in the one of its own attempt.
        const scope = currentScope();
        if (scope?.call !== log.call || scope.attempt !== entry.attempt)
          this.strangers.push(`${log.call} ${entry.attempt} is subscribed in ${scope?.call}`);
        return this.#play(
          plan.plays[(entry.attempt - 1) % plan.plays.length] as Play,
          `${log.call} ${entry.attempt}`,
        );
      });
      const note = tap<string>({
        error: (error) => {
          entry.error = error;
        },
      });
      const guarded = source.pipe(
        timeout({ ...this.#common, name: 'attempt', each: 5 }),
        // Noted here, too: a listener of the circuit may cancel the call while it hears of this very error.
        note,
        bulkhead(this.#places),
        rateLimit(this.#limiter),
        circuitBreaker(this.#breaker),
        note,
      );
      return new Observable<string>((subscriber) => {
        guarded.subscribe(subscriber);
        if (entry.started) entry.waited = false;
      });
    });
  }

  #play({ after, kind }: Play, name: string): Observable<string> {
    return new Observable((subscriber) => {
      const act = (): void => {
        if (kind === 'error') subscriber.error(new Error(name));
        if (kind === 'value') subscriber.next(name);
        if (kind === 'value' || kind === 'complete') subscriber.complete();
      };
      if (after === 0) return act();
      const timer = this.scheduler.schedule(act, after);
      return () => timer.unsubscribe();
    });
  }
}

/** What a shared policy must have said of an attempt, by the error that the attempt has seen. */
function refusalOf(error: unknown): string[] {
  if (isCircuitOpenError(error)) return ['circuit_rejected'];
  if (isBulkheadRejectedError(error)) return [`bulkhead_rejected ${error.reason}`];
  if (isRateLimitExceededError(error)) return ['rate_limited rejected'];
  return isStreamTimeoutError(error) ? ['timed_out attempt'] : [];
}

function refusalIn(event: ResilienceEvent): string[] {
  if (event.type === 'circuit_rejected') return [event.type];
  if (event.type === 'bulkhead_rejected') return [`${event.type} ${event.data.reason}`];
  if (event.type === 'rate_limited' && event.data.outcome === 'rejected') return [`${event.type} rejected`];
  return event.type === 'timed_out' && event.source === 'attempt' ? ['timed_out attempt'] : [];
}

const isWait = (event: ResilienceEvent): boolean =>
  event.type === 'bulkhead_queued' || (event.type === 'rate_limited' && event.data.outcome === 'queued');

/** What the bus and the private logs tell differently. */
function* contradictions({ heard, logs }: World): Generator<string> {
  for (const { call, attempts, cancelled } of logs) {
    for (const { attempt, error, started, waited } of attempts) {
      const events = heard.filter((event) => event.call === call && event.attempt === attempt);
      const [told, seen] = [events.flatMap(refusalIn).join(), refusalOf(error).join()];
      // A call that is given up while a policy decides about it does not hear of the decision.
      const missed = cancelled && attempt === attempts.length && seen === '';
      if (told !== seen && !missed)
        yield `${call} ${attempt} has seen "${seen}", and the bus tells "${told}"`;
      if (started && events.some(isWait) !== waited) yield `${call} ${attempt} has waited: ${waited}`;
    }
  }
  for (const event of heard) {
    const { type, source, call, attempt = 0 } = event;
    const log = logs.find((it) => it.call === call);
    if (call === undefined) {
      if (!/^circuit_(half_open|opened)$/.test(type)) yield `${type} of ${source} belongs to nobody`;
    } else if (log === undefined) yield `${type} belongs to ${call}, which never was`;
    // Private policies are known by their names.
    else if (source.includes(' of ') && !source.endsWith(` of ${call}`))
      yield `${type} of "${source}" is told of ${call}`;
    // The alternative that is a plain value is an attempt without an entry.
    else if (attempt < 1 || attempt > log.attempts.length + 1) yield `${call} has no attempt ${attempt}`;
    if (
      event.type === 'retry_attempted' &&
      event.data.error.message !== messageOf(log?.attempts[attempt - 1]?.error)
    )
      yield `${call} ${attempt} is retried for the error of another attempt`;
    // The failure that opens a circuit is the one of the attempt that opens it.
    if (event.type === 'circuit_opened' && call !== undefined) {
      const message = event.data.error?.message ?? '';
      if (/^c\d+ \d+$/.test(message) && message !== `${call} ${attempt}`)
        yield `${call} ${attempt} opens for ${message}`;
    }
  }
}

describe('calls that meet in shared policies', () => {
  test('every event carries the call and the attempt to which it happened', () => {
    let told = 0;
    fc.assert(
      fc.property(plans, (all) => {
        const world = new World();
        for (const plan of all) world.scheduler.schedule(() => world.begin(plan), plan.at);
        world.scheduler.advanceTo(200);
        expect([...contradictions(world), ...world.strangers]).toStrictEqual([]);
        told += world.heard.length;
      }),
      { numRuns: 200 },
    );
    // The worlds were not empty ones.
    expect(told).toBeGreaterThan(2_000);
  });
});
