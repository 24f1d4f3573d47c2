import type { Load } from '../core/waiting-line.ts';
import { type Pace, TokenBucket } from './token-bucket.ts';
import { DIMENSIONS, type RateLimitDimension } from './tokens.ts';

/** A limit of one dimension as it was configured. */
export interface Limit extends Pace {
  readonly burst: number;
}

export type Limits = { readonly [Name in RateLimitDimension]?: Limit | undefined };

const MINUTE = 60_000;

/** One bucket for every limited dimension. A request takes from all of them or from none. */
export class Buckets {
  readonly #buckets: readonly LimitedBucket[];

  constructor(limits: Limits) {
    this.#buckets = DIMENSIONS.flatMap((name, dimension) => {
      const limit = limits[name];
      return limit === undefined ? [] : [new LimitedBucket(name, dimension, limit)];
    });
  }

  of(name: RateLimitDimension): LimitedBucket | undefined {
    return this.#buckets.find((bucket) => bucket.name === name);
  }

  /**
   * Milliseconds until there is enough of everything; not positive: there is. Who asks for more than a bucket holds waits
   * until it is full, and leaves a debt; and who asks for nothing still waits until a debt is paid.
   */
  wait(now: number, load: Load, ahead: Load): number {
    let longest = Number.NEGATIVE_INFINITY;
    for (const bucket of this.#buckets) {
      const wanted = bucket.portion(load) + (ahead[bucket.dimension] as number);
      longest = Math.max(longest, bucket.wait(now, wanted));
    }
    return longest;
  }

  /** How long it takes until so much more has come back. */
  refill(load: Load): number {
    const times = this.#buckets.map((bucket) => bucket.refill(load[bucket.dimension] as number));
    return Math.max(0, ...times);
  }

  /** Takes the difference, or gives it back where it is negative. */
  book(now: number, from: Load, to: Load): void {
    for (const bucket of this.#buckets) {
      const { dimension } = bucket;
      bucket.take(now, (to[dimension] as number) - (from[dimension] as number));
    }
  }

  /** At a moment that has passed there was no more than for one request, which asks for `load`. */
  leaveRoomFor(load: Load, moment: number): void {
    for (const bucket of this.#buckets) bucket.atMost(bucket.portion(load), moment);
  }

  levels(now: number): Partial<Record<RateLimitDimension, number>> {
    return Object.fromEntries(this.#buckets.map((bucket) => [bucket.name, bucket.level(now)]));
  }
}

/** A bucket that remembers how it was configured. */
export class LimitedBucket extends TokenBucket {
  readonly name: RateLimitDimension;
  readonly dimension: number;
  /** Permits by the minute. */
  readonly configured: number;
  readonly #burst: number;

  constructor(name: RateLimitDimension, dimension: number, limit: Limit) {
    super(limit, limit.burst);
    this.name = name;
    this.dimension = dimension;
    this.configured = this.perMinute;
    this.#burst = limit.burst;
  }

  /** What is asked for, as far as the bucket can ever hold it. */
  portion(load: Load): number {
    return Math.min(load[this.dimension] as number, this.burst);
  }

  /** Another pace by the minute, and a burst in proportion. */
  adjust(now: number, permits: number): void {
    const burst = Math.max(1, Math.round((this.#burst * permits) / this.configured));
    this.retune(now, { permits, per: MINUTE }, burst);
  }
}
