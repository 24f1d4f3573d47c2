import { defer, mergeWith, type Observable, of } from 'rxjs';
import * as z from 'zod/mini';
import { isDue, type Timer } from '../core/clock.ts';
import { duration, parseConfig } from '../core/config.ts';
import { ConfigurationError, RateLimitExceededError } from '../core/errors.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { labelledField } from '../core/label.ts';
import {
  type AcquireOptions,
  type AdmissionPolicy,
  type Applicant,
  acquire,
  type Lease,
  type Place,
} from '../core/lease.ts';
import { OrderedSubject } from '../core/ordered-subject.ts';
import { defaultRandom } from '../core/random.ts';
import { type SteadyClock, steadyClockOf } from '../core/steady-clock.ts';
import type { Load, WaitingPlace } from '../core/waiting-line.ts';
import { isShed, type Rejection, type Terms, WaitingRoom } from '../core/waiting-room.ts';
import { withoutStack } from '../core/without-stack.ts';
import { Buckets, type LimitedBucket } from './buckets.ts';
import { type Desk, RateLimitLease, type TokenDemand } from './rate-limit-lease.ts';
import { RateLimitAcquireSchema, TokensSchema } from './rate-limit-options.ts';
import {
  limitsOf,
  PACES,
  type RateLimiterConfig,
  RateLimiterConfigSchema,
  type RateLimits,
  RateLimitsSchema,
  USUAL_FEEDBACK,
} from './rate-limiter-config.ts';
import type { RateLimitReport } from './report.ts';
import { type Regulated, ServerFeedback } from './server-feedback.ts';
import {
  DIMENSIONS,
  knownOf,
  loadOf,
  NOTHING,
  ONE_REQUEST,
  type RateLimitDimension,
  type TokenUsage,
} from './tokens.ts';
import { Traffic } from './traffic.ts';

export interface RateLimiterState {
  /** What is in each bucket at this moment, in permits and tokens; negative is a debt. */
  readonly balances: Readonly<Partial<Record<RateLimitDimension, number>>>;
  /** Attempts that wait. */
  readonly queueSize: number;
  /** Whether nobody may begin. */
  readonly paused: boolean;
}

/** What code without a stream asks of a limiter. */
export interface RateLimitAcquireOptions extends AcquireOptions {
  /** What the request is expected to use; a number is the total. @default 0 */
  readonly tokens?: TokenUsage | number | undefined;
}

/**
 * So many requests a second, and so many model tokens a minute, on average; a burst of them at once. Who comes when there
 * is not enough waits in line: the highest priority first, and among equals first come, first served.
 *
 * A request takes one permit, whatever the number of its values, and reserves the tokens that it is expected to use: from
 * all limits at once, or from none. What it has really used is settled when it is known. Small requests do not overtake a
 * large one, and one that asks for more than a bucket holds waits until it is full, then leaves a debt: it is an estimate
 * that is too large, and only the service knows better. All comes back when nothing was sent: the stream was cancelled
 * before it started, or another policy refused it.
 *
 * Waiting costs one timer for the whole line, and every operation is O(log n) or better, with 100 000 waiters too; each
 * different priority that somebody waits with adds a step. There is no ageing: as long as those of higher priority take all
 * there is, the others wait, until `queueTimeout`.
 */
export class RateLimiter implements AdmissionPolicy {
  readonly name: string;
  readonly #buckets: Buckets;
  readonly #traffic = new Traffic();
  readonly #feedback: ServerFeedback;
  readonly #clock: SteadyClock;
  readonly #events: EventBus;
  readonly #line: WaitingRoom<Waiter>;
  readonly #changes$ = new OrderedSubject<RateLimiterState>();
  readonly #desk: Desk = {
    sent: (load) => this.#traffic.send(load),
    heard: (reports, departure) => this.#feedback.heard(reports, departure),
    withdrawn: (load) => this.#traffic.withdraw(load),
    book: (from, to) => {
      this.#buckets.book(this.#clock.now(), from, to);
      this.#changed();
      this.#handOut();
    },
    failed: (error) => this.#feedback.failed(error),
  };
  readonly #regulated: Regulated = {
    pause: (duration, reason) => this.pause(duration, reason),
    lower: (dimension, level) => {
      const now = this.#clock.now();
      const bucket = this.#buckets.of(dimension);
      const from = bucket?.level(now) ?? level;
      if (from <= level) return;
      bucket?.atMost(level, now);
      this.#changed();
      this.#events.publish('limiter_lowered', this.name, { dimension, from, to: level });
    },
    follow: (dimension, perMinute, { min, max }) => {
      const bucket = this.#buckets.of(dimension);
      if (bucket === undefined) return;
      const { configured } = bucket;
      this.#adjust(
        bucket,
        Math.min(configured * max, Math.max(configured * min, perMinute)),
        'limit of the service',
      );
    },
  };
  #handingOut = false;
  /** Until when nobody may begin. */
  #pausedUntil: number | undefined;
  #timer: Timer | undefined;
  /** For whom the timer was set. */
  #watched: WaitingPlace<Waiter> | undefined;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: RateLimiterConfig = {}) {
    const options = parseConfig('RateLimiter', RateLimiterConfigSchema, config);
    const { maxQueue, queueTimeout, feedback = USUAL_FEEDBACK, random = defaultRandom } = options;
    this.name = options.name ?? 'rate-limiter';
    this.#clock = steadyClockOf(options.scheduler);
    this.#events = options.events ?? getEventBus();
    this.#buckets = new Buckets(limitsOf(options));
    this.#feedback = new ServerFeedback(feedback, this.#traffic, this.#regulated, random);
    this.#line = new WaitingRoom<Waiter>(
      { maxQueue, queueTimeout, clock: this.#clock },
      () => this.#left(),
      (reason, terms) => this.#rejection(reason, terms),
    );
    labelledField('RateLimiter.state$', this.name, this.state$);
  }

  /** Permits for requests that `tryAcquire` could take now: none while somebody waits, or in a pause. */
  get available(): number {
    const now = this.#clock.now();
    if (this.#line.size > 0 || !this.#isThere(now, ONE_REQUEST)) return 0;
    return this.#buckets.of('requests')?.level(now) ?? Infinity;
  }

  /** @internal Whether it matters how many tokens a request uses. */
  get countsTokens(): boolean {
    return DIMENSIONS.some((dimension) => dimension !== 'requests' && this.#buckets.of(dimension));
  }

  /** Attempts that may wait at a time. */
  get maxQueue(): number {
    return this.#line.maxQueue;
  }

  /** Attempts that wait for a permit. */
  get queueSize(): number {
    return this.#line.size;
  }

  /** Attempts refused so far: by a full queue, because the wait would have been or was too long, or for a higher priority. */
  get rejectedCount(): number {
    return this.#line.rejectedCount;
  }

  /** The state as it is now; what comes back in the course of time is in it. */
  get state(): RateLimiterState {
    return {
      balances: this.#buckets.levels(this.#clock.now()),
      queueSize: this.#line.size,
      paused: this.#pausedUntil !== undefined,
    };
  }

  /** The state now and whenever something is taken, given back, or changed; time alone is not announced. */
  readonly state$: Observable<RateLimiterState> = this.#changes$.pipe(
    mergeWith(defer(() => of(this.#changes$.current ?? this.state))),
  );

  /**
   * Takes what a request needs if it is there, and never waits. It does not overtake those who do.
   *
   * @param tokens what the request uses; a number is the total.
   * @throws {ConfigurationError} naming the value.
   * @returns whether the caller may go on. A `false` is no rejection: it is neither counted nor announced.
   */
  tryAcquire(tokens?: TokenUsage | number): boolean {
    if (tokens !== undefined) parseConfig('RateLimiter.tryAcquire', TokensSchema, { tokens });
    const load = loadOf(knownOf(tokens));
    const now = this.#now();
    if (this.#line.size > 0 || !this.#isThere(now, load)) return false;
    this.#take(now, load);
    this.#traffic.send(load);
    return true;
  }

  /**
   * A permit for code without a stream; an abort of the signal leaves the line. It need not be settled: what was granted
   * counts as used, unless `charge` says what was, or `failure` that another policy refused.
   *
   * ```ts
   * using lease = await limiter.acquire({ tokens: 1_200, priority: 1 });
   * const { usage } = await send(message);
   * lease.charge(usage);
   * ```
   *
   * @param options a signal, or all that is asked for.
   * @throws {RateLimitExceededError} when the queue is full or the wait would be too long.
   */
  acquire(options: AbortSignal | RateLimitAcquireOptions = {}): Promise<RateLimitLease> {
    return acquire(this, options, RateLimitAcquireSchema) as Promise<RateLimitLease>;
  }

  /**
   * Nobody begins for so many milliseconds. Then one may begin at once, and the others follow at the usual pace: what comes
   * back in the meantime does not pile up. Whoever cannot wait so long is refused now. A pause that ends later stands.
   *
   * @param duration finite, and not negative.
   * @param reason for the event `limiter_paused`.
   */
  pause(duration: number, reason = 'by hand'): void {
    parseConfig('RateLimiter.pause', PauseSchema, { duration });
    const now = this.#clock.now();
    const until = now + duration;
    if (until <= (this.#pausedUntil ?? now)) return;
    this.#pausedUntil = until;
    this.#watch();
    this.#changed();
    this.#events.publish('limiter_paused', this.name, { resumesAfter: duration, reason });
    this.#sendAway((due) => !isDue(this.#pausedUntil ?? due, due));
  }

  /** Ends a pause now. */
  resume(): void {
    if (this.#pausedUntil === undefined) return;
    const moment = Math.min(this.#pausedUntil, this.#clock.now());
    this.#pausedUntil = undefined;
    this.#buckets.leaveRoomFor(this.#line.first?.load ?? ONE_REQUEST, moment);
    this.#changed();
    this.#events.publish('limiter_resumed', this.name, {});
    this.#handOut();
  }

  /**
   * Other paces from now on, for limits that this limiter has. What is in the buckets stays; how much they hold changes in
   * proportion.
   *
   * @param reason for the event `limiter_adjusted`.
   */
  adjust(limits: RateLimits, reason = 'by hand'): void {
    const wanted = parseConfig('RateLimiter.adjust', RateLimitsSchema, limits);
    for (const [option, permits] of Object.entries(wanted)) {
      const [dimension, per] = PACES[option as keyof RateLimits];
      const bucket = this.#buckets.of(dimension);
      if (permits === undefined) continue;
      if (bucket === undefined)
        throw new ConfigurationError(
          `RateLimiter "${this.name}": it has no limit that "${option}" could adjust`,
        );
      this.#adjust(bucket, (permits * 60_000) / per, reason);
    }
  }

  /**
   * A request is about to be sent whose answer may say something about the limits of the service. What it says is judged by
   * what has been sent until now.
   *
   * @internal
   * @returns takes what the answer says.
   */
  listen(): (reports: readonly RateLimitReport[]) => void {
    const departure = this.#traffic.send(NOTHING);
    return (reports) => this.#feedback.heard(reports, departure);
  }

  /** @internal */
  admit(applicant: Applicant, demand: TokenDemand = {}): Lease | Place | Error {
    const { priority = 0, patience = Infinity } = demand;
    const expected = knownOf(demand.tokens);
    const load = loadOf(expected);
    const lease = new RateLimitLease(this.#desk, expected, load, demand);
    const now = this.#now();
    if (this.#line.isFree(priority) && this.#isThere(now, load)) {
      this.#take(now, load);
      return lease;
    }
    const terms = { priority, patience, load };
    const retryAfter = this.#retryAfter(terms);
    return this.#line.enter(new Waiter(applicant, lease), terms, retryAfter, (place) => {
      // Whoever stands behind it could begin in time, and so no earlier is its patience at an end.
      if (place === this.#line.first) this.#watch();
      this.#changed();
      this.#events.publish('rate_limited', this.name, { retryAfter, outcome: 'queued' });
    });
  }

  /** The time; a pause that is over by then ends, though its timer may be late: the event loop was busy. */
  #now(): number {
    const now = this.#clock.now();
    if (this.#pausedUntil !== undefined && isDue(this.#pausedUntil, now)) this.resume();
    return now;
  }

  /** Milliseconds until whoever asks for so much could begin. */
  #retryAfter({ load, priority }: Terms): number {
    const now = this.#clock.now();
    const ahead = this.#line.ahead(priority, load);
    const wait = Math.max(0, this.#buckets.wait(now, load, ahead));
    if (this.#pausedUntil === undefined) return wait;
    // At the end of the pause there is enough for the first of all.
    const first = this.#line.isFree(priority) ? load : (this.#line.first?.load ?? NOTHING);
    const others = load.map((own, dimension) => own + (ahead[dimension] ?? 0) - (first[dimension] ?? 0));
    return Math.max(wait, this.#pausedUntil - now + this.#buckets.refill(others));
  }

  /** Whether there is enough of everything. */
  #isThere(now: number, load: Load): boolean {
    return this.#pausedUntil === undefined && isDue(this.#buckets.wait(now, load, NOTHING), 0);
  }

  #take(now: number, load: Load): void {
    this.#buckets.book(now, NOTHING, load);
    this.#traffic.admit(load);
    this.#changed();
  }

  /** A loop, not a recursion: a stream may give its permit back while it is being handed to it, and so may all the others. */
  #handOut(): void {
    if (this.#handingOut) return;
    this.#handingOut = true;
    for (let place = this.#line.first; place !== undefined; place = this.#line.first) {
      const now = this.#clock.now();
      if (!this.#isThere(now, place.load)) break;
      this.#line.remove(place);
      this.#take(now, place.load);
      place.applicant.granted();
    }
    this.#handingOut = false;
    this.#watch();
  }

  /** Somebody has left the line: the next may ask for less. */
  #left(): void {
    if (this.#line.first !== this.#watched) this.#handOut();
    this.#changed();
  }

  /** One timer for all: for whoever is next, whose patience ends first, and the end of a pause. */
  #watch(): void {
    this.#timer?.cancel();
    const { first, mostUrgent } = this.#line;
    this.#watched = first;
    if (first === undefined && this.#pausedUntil === undefined) return;
    const now = this.#clock.now();
    const ready =
      this.#pausedUntil === undefined
        ? this.#buckets.wait(now, first?.load ?? NOTHING, NOTHING)
        : this.#pausedUntil - now;
    const overdue = mostUrgent === undefined ? Infinity : mostUrgent.due - now;
    this.#timer = this.#clock.schedule(Math.max(0, Math.min(ready, overdue)), () => this.#turn(), {
      background: first === undefined,
    });
  }

  #turn(): void {
    const now = this.#now();
    this.#handOut();
    this.#sendAway((due) => isDue(due, now));
  }

  #sendAway(isHopeless: (due: number) => boolean): void {
    this.#line.sendAway(isHopeless, () => this.#changed());
    // Whoever is next now may ask for less.
    if (this.#line.first !== this.#watched) this.#handOut();
  }

  #rejection(reason: Rejection, terms: Terms): RateLimitExceededError {
    const { priority, patience } = terms;
    const retryAfter = this.#retryAfter(terms);
    if (isShed(reason)) this.#events.publish('load_shed', this.name, { reason, priority, retryAfter });
    else this.#events.publish('rate_limited', this.name, { retryAfter, outcome: 'rejected' });
    const explanation = {
      'queue-full': `has no permit, and ${this.#line.size} wait for one (maxQueue).`,
      'queue-timeout': `has no permit within ${patience} ms (queueTimeout).`,
      deadline: `has no permit within ${patience} ms (patience).`,
      evicted: 'gave the place in line to a higher priority.',
    };
    return withoutStack(() => new RateLimitExceededError(this.name, retryAfter, explanation[reason]));
  }

  #adjust(bucket: LimitedBucket, to: number, reason: string): void {
    const from = bucket.perMinute;
    if (from === to) return;
    bucket.adjust(this.#clock.now(), to);
    this.#changed();
    this.#events.publish('limiter_adjusted', this.name, { dimension: bucket.name, from, to, reason });
    this.#handOut();
  }

  #changed(): void {
    if (this.#changes$.observed) this.#changes$.next(this.state);
  }
}

/** Whoever waits for a lease that is made out already. */
class Waiter {
  constructor(
    private readonly applicant: Applicant,
    private readonly lease: RateLimitLease,
  ) {}

  granted(): void {
    this.applicant.granted(this.lease);
  }

  refused(why: () => Error): void {
    this.applicant.refused(why);
  }
}

const PauseSchema = z.object({ duration: duration() });
