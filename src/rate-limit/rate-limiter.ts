import * as z from 'zod/mini';
import { type Clock, clockOf, isDue, type Timer } from '../core/clock.ts';
import { commonOptions, count, limit, parseConfig } from '../core/config.ts';
import { isLocalRejection, isRetryExhaustedError, RateLimitExceededError } from '../core/errors.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import {
  type AdmissionPolicy,
  type Applicant,
  acquire,
  Lease,
  type Outcome,
  type Place,
} from '../core/lease.ts';
import { WaitingLine } from '../core/waiting-line.ts';
import { TokenBucket } from './token-bucket.ts';

/** The options of a {@link RateLimiter}, with their defaults. */
export const RateLimiterConfigSchema = z.strictObject({
  ...commonOptions,
  /** Permits that come back every second; 0.2 is one in five seconds. @default 10 */
  requestsPerSecond: z._default(
    z.number('must be a finite number').check(z.positive('must be greater than 0')),
    10,
  ),
  /** How many permits are kept, and so may be used at once. @default those of two seconds, at least 1 */
  burstSize: z.optional(count(1)),
  /** How many may wait for a permit. 0 refuses at once. @default 50 */
  maxQueue: z._default(count(0), 50),
  /** The longest wait, in milliseconds; `Infinity` means any. Who would wait longer is refused at once. @default 5_000 */
  queueTimeout: z._default(limit(), 5_000),
});
export type RateLimiterConfig = z.input<typeof RateLimiterConfigSchema>;

/**
 * At most `requestsPerSecond` permits a second on average, and `burstSize` at once; who comes later waits in line, first
 * come, first served.
 *
 * A permit is for a stream, whatever its number of values. It comes back when nothing was sent: the stream was cancelled
 * before it started, or another policy refused it. Waiting costs one timer for the whole line, and every operation is O(1).
 */
export class RateLimiter implements AdmissionPolicy {
  readonly name: string;
  readonly #bucket: TokenBucket;
  readonly #maxQueue: number;
  readonly #queueTimeout: number;
  readonly #clock: Clock;
  readonly #events: EventBus;
  readonly #line = new WaitingLine(() => {
    if (this.#line.size === 0) this.#watchFirst();
  });
  #rejectedCount = 0;
  #handingOut = false;
  #timer: Timer | undefined;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: RateLimiterConfig = {}) {
    const options = parseConfig('RateLimiter', RateLimiterConfigSchema, config);
    const { requestsPerSecond, burstSize = Math.ceil(2 * requestsPerSecond) } = options;
    this.name = options.name ?? 'rate-limiter';
    this.#bucket = new TokenBucket(requestsPerSecond, burstSize);
    this.#maxQueue = options.maxQueue;
    this.#queueTimeout = options.queueTimeout;
    this.#clock = clockOf(options.scheduler);
    this.#events = options.events ?? getEventBus();
  }

  /** Permits that `tryAcquire` could take now: none while somebody waits. */
  get available(): number {
    return this.#line.size > 0 ? 0 : this.#bucket.available(this.#clock.now());
  }

  /** Attempts that may wait at a time. */
  get maxQueue(): number {
    return this.#maxQueue;
  }

  /** Attempts that wait for a permit. */
  get queueSize(): number {
    return this.#line.size;
  }

  /** Attempts refused so far, by a full queue or because the wait would have been too long. */
  get rejectedCount(): number {
    return this.#rejectedCount;
  }

  /**
   * Takes a permit if there is one, and never waits. It does not overtake those who do.
   *
   * @returns whether the caller may go on. A `false` is no rejection: it is neither counted nor announced.
   */
  tryAcquire(): boolean {
    const now = this.#clock.now();
    if (this.#line.size > 0 || !isDue(this.#bucket.wait(now), 0)) return false;
    this.#bucket.take(now);
    return true;
  }

  /**
   * A permit for code without a stream; an abort of `signal` leaves the line. It need not be given back: what was granted
   * counts as used, unless `failure` says that another policy refused.
   *
   * ```ts
   * await limiter.acquire();
   * await send(message);
   * ```
   *
   * @throws {RateLimitExceededError} when the queue is full or the wait would be too long.
   */
  acquire(signal?: AbortSignal): Promise<Lease> {
    return acquire(this, signal);
  }

  /** @internal */
  admit(applicant: Applicant): Lease | Place | Error {
    if (this.tryAcquire()) return this.#permit();
    const now = this.#clock.now();
    const retryAfter = Math.max(0, this.#bucket.wait(now, this.#line.size));
    if (this.#line.size >= this.#maxQueue) {
      return this.#reject(retryAfter, `has no permit, and ${this.#line.size} wait for one (maxQueue).`);
    }
    if (!isDue(retryAfter, this.#queueTimeout)) {
      return this.#reject(retryAfter, `has no permit within ${this.#queueTimeout} ms (queueTimeout).`);
    }
    const place = this.#line.join(applicant, now);
    if (this.#line.size === 1) this.#watchFirst();
    this.#events.publish('rate_limited', this.name, { retryAfter, outcome: 'queued' });
    return place;
  }

  #permit(): Lease {
    return new RateLimitLease(this.#giveBack);
  }

  readonly #giveBack = (): void => {
    this.#bucket.giveBack(this.#clock.now());
    this.#handOut();
  };

  /** A loop, not a recursion: a stream may give its permit back while it is being handed to it, and so may all the others. */
  #handOut(): void {
    if (this.#handingOut) return;
    this.#handingOut = true;
    while (this.#line.size > 0) {
      const now = this.#clock.now();
      if (!isDue(this.#bucket.wait(now), 0)) break;
      this.#bucket.take(now);
      const applicant = this.#line.shift() as Applicant;
      applicant.granted(this.#permit());
    }
    this.#handingOut = false;
    this.#watchFirst();
  }

  /** One timer for the whole line: the next permit is for the first, whoever that will be by then. */
  #watchFirst(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#line.size === 0) return;
    this.#timer = this.#clock.schedule(this.#bucket.wait(this.#clock.now()), () => this.#handOut());
  }

  #reject(retryAfter: number, explanation: string): RateLimitExceededError {
    this.#rejectedCount++;
    this.#events.publish('rate_limited', this.name, { retryAfter, outcome: 'rejected' });
    return new RateLimitExceededError(this.name, retryAfter, explanation);
  }
}

class RateLimitLease extends Lease {
  readonly #giveBack: () => void;
  #started = false;
  #answered = false;

  constructor(giveBack: () => void) {
    super();
    this.#giveBack = giveBack;
  }

  override start(): undefined {
    this.#started = true;
  }

  override firstValue(): void {
    this.#answered = true;
  }

  protected override onSettled(outcome: Outcome, error?: unknown): void {
    if (!this.#started || (outcome === 'failure' && !this.#answered && nothingWasSent(error)))
      this.#giveBack();
  }
}

/** A retry below may have sent something before the last of its attempts was refused. */
const nothingWasSent = (error: unknown): boolean => isLocalRejection(error) && !isRetryExhaustedError(error);
