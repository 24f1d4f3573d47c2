import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BulkheadRejectedError,
  ConfigurationError,
  isRateLimitExceededError,
  RateLimitExceededError,
  RetryExhaustedError,
} from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { Lease, type Place } from '../../src/core/lease.ts';
import { RateLimiter, type RateLimiterConfig } from '../../src/rate-limit/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

/** Asks for a permit as an operator would, and remembers the answer. */
class Guest {
  lease: Lease | undefined;
  error: Error | undefined;
  place: Place | undefined;

  constructor(
    policy: RateLimiter,
    private readonly onGranted: (lease: Lease) => void = (lease) => lease.start(),
  ) {
    const answer = policy.admit(this);
    if (answer instanceof Lease) this.granted(answer);
    else if (answer instanceof Error) this.error = answer;
    else this.place = answer;
  }

  granted(lease: Lease): void {
    this.lease = lease;
    this.onGranted(lease);
  }

  refused(why: () => Error): void {
    this.error = why();
  }
}

let scheduler: ManualScheduler;
beforeEach(() => {
  scheduler = new ManualScheduler();
});

const limiter = (config: RateLimiterConfig = {}): RateLimiter =>
  new RateLimiter({ requestsPerSecond: 10, burstSize: 1, scheduler, events: new EventBus(), ...config });

const drain = (policy: RateLimiter): number => {
  let permits = 0;
  while (policy.tryAcquire()) permits++;
  return permits;
};

describe('configuration', () => {
  it.each<[RateLimiterConfig, RegExp]>([
    [{ requestsPerSecond: 0 }, /"requestsPerSecond" must be greater than 0, got 0/],
    [{ requestsPerSecond: -1 }, /"requestsPerSecond".*got -1/],
    [{ requestsPerSecond: Number.NaN }, /"requestsPerSecond" must be a finite number, got NaN/],
    [{ requestsPerSecond: Number.POSITIVE_INFINITY }, /"requestsPerSecond".*got Infinity/],
    [{ burstSize: 0 }, /"burstSize" must be a whole number of at least 1, got 0/],
    [{ burstSize: 2.5 }, /"burstSize".*got 2.5/],
    [{ maxQueue: -1 }, /"maxQueue".*got -1/],
    [{ queueTimeout: 0 }, /"queueTimeout".*got 0/],
    [{ queueTimeout: Number.NaN }, /"queueTimeout".*got NaN/],
    [{ burst: 2 } as RateLimiterConfig, /unknown option "burst"/],
  ])('%o is refused by name and value', (config, message) => {
    expect(() => new RateLimiter(config)).toThrow(message);
    expect(() => new RateLimiter(config)).toThrow(ConfigurationError);
  });

  it('by default ten a second, twenty at once, and fifty wait', () => {
    const policy = new RateLimiter({ scheduler, events: new EventBus() });
    expect([policy.available, policy.maxQueue]).toStrictEqual([20, 50]);
    for (let guest = 0; guest < 71; guest++) new Guest(policy);
    expect([policy.queueSize, policy.rejectedCount]).toStrictEqual([50, 1]);
    scheduler.advanceTo(5_000);
    expect(policy.queueSize).toBe(0);
  });

  it.each([
    [0.2, 1],
    [3, 6],
    [100, 200],
  ])('at %d a second the default burst is %d', (requestsPerSecond, burst) => {
    expect(new RateLimiter({ requestsPerSecond, scheduler }).available).toBe(burst);
  });

  it('a queue of 0 is a queue of 0, not the default', () => {
    const policy = limiter({ maxQueue: 0 });
    drain(policy);
    expect(new Guest(policy).error).toBeInstanceOf(RateLimitExceededError);
  });
});

describe('permits', () => {
  it('are all there at once, and come back one by one', () => {
    const policy = limiter({ burstSize: 3 });
    expect(drain(policy)).toBe(3);
    scheduler.advanceTo(99);
    expect([policy.available, policy.tryAcquire()]).toStrictEqual([0, false]);
    scheduler.advanceTo(100);
    expect([policy.available, drain(policy)]).toStrictEqual([1, 1]);
    scheduler.advanceTo(350);
    expect([policy.available, drain(policy)]).toStrictEqual([2, 2]);
  });

  it('fractions work: 0.2 a second is one in five seconds', () => {
    const policy = limiter({ requestsPerSecond: 0.2 });
    drain(policy);
    const times: number[] = [];
    for (let guest = 0; guest < 2; guest++) {
      policy.admit({ granted: () => times.push(scheduler.now()), refused: () => {} });
    }
    scheduler.advanceTo(10_000);
    // The second would have had to wait ten seconds, the limit is five.
    expect([times, policy.rejectedCount]).toStrictEqual([[5_000], 1]);
  });

  it('nobody who only tries overtakes those who wait, not even when the permit is due', () => {
    const policy = limiter();
    drain(policy);
    const tried: unknown[] = [];
    // Armed before the timer of the line, so it runs before it in the same moment.
    scheduler.schedule(() => tried.push(policy.available, policy.tryAcquire()), 100);
    const waiting = new Guest(policy);
    scheduler.advanceTo(100);
    expect([tried, waiting.lease !== undefined, policy.tryAcquire()]).toStrictEqual([
      [0, false],
      true,
      false,
    ]);
  });

  it('a hundred thousand permits whose interval is no whole number take exactly their time', () => {
    const policy = limiter({ requestsPerSecond: 3, maxQueue: 100_000, queueTimeout: Infinity });
    drain(policy);
    let last = 0;
    let granted = 0;
    for (let guest = 0; guest < 1e5; guest++) {
      policy.admit({
        granted(lease) {
          lease.start();
          granted++;
          last = scheduler.now();
        },
        refused: () => {},
      });
    }
    scheduler.advanceTo(1e6);
    expect(granted).toBe(3_000);
    scheduler.advanceTo(1e8);
    expect([granted, Math.round(last), scheduler.pending]).toStrictEqual([1e5, Math.round(1e8 / 3), 0]);
  });
});

describe('the line', () => {
  it('is served first come, first served, at the rate, with one timer', () => {
    const policy = limiter();
    drain(policy);
    const served: unknown[] = [];
    for (let guest = 0; guest < 4; guest++) {
      new Guest(policy, (lease) => {
        lease.start();
        served.push([guest, scheduler.now()]);
      });
    }
    expect([policy.queueSize, scheduler.pending]).toStrictEqual([4, 1]);
    scheduler.advanceTo(1_000);
    expect(served).toStrictEqual([
      [0, 100],
      [1, 200],
      [2, 300],
      [3, 400],
    ]);
    expect(scheduler.pending).toBe(0);
  });

  it('a full line refuses at once, and says when a permit is there', () => {
    const events = new EventBus();
    const heard: unknown[] = [];
    events.on('rate_limited').subscribe(({ source, data }) => heard.push({ source, ...data }));
    const policy = limiter({ name: 'search', maxQueue: 1, events });
    drain(policy);
    scheduler.advanceTo(30);
    new Guest(policy);
    const { error } = new Guest(policy);
    expect(isRateLimitExceededError(error) && [error.limiter, error.retryAfter]).toStrictEqual([
      'search',
      170,
    ]);
    expect(error?.message).toBe(
      'Rate limiter "search" has no permit, and 1 wait for one (maxQueue). A permit is there in 170 ms.',
    );
    expect(heard).toStrictEqual([
      { source: 'search', outcome: 'queued', retryAfter: 70 },
      { source: 'search', outcome: 'rejected', retryAfter: 170 },
    ]);
  });

  it('a wait that cannot fit is refused at once and reserves nothing', () => {
    const policy = limiter({ queueTimeout: 200 });
    drain(policy);
    const guests = Array.from({ length: 5 }, () => new Guest(policy));
    expect(
      guests.map(({ error }) => (error as RateLimitExceededError | undefined)?.retryAfter),
    ).toStrictEqual([undefined, undefined, 300, 300, 300]);
    scheduler.advanceTo(200);
    expect([policy.queueSize, policy.available]).toStrictEqual([0, 0]);
    scheduler.advanceTo(300);
    expect(policy.available).toBe(1);
  });

  it('whoever comes back after retryAfter finds a permit', () => {
    const policy = limiter({ requestsPerSecond: 3, maxQueue: 0 });
    for (let round = 0; round < 1_000; round++) {
      expect(policy.tryAcquire()).toBe(true);
      const { retryAfter } = new Guest(policy).error as RateLimitExceededError;
      scheduler.advanceTo(scheduler.now() + retryAfter);
    }
  });

  it('whoever leaves moves all others up', () => {
    const policy = limiter();
    drain(policy);
    const guests = Array.from({ length: 3 }, () => new Guest(policy));
    scheduler.advanceTo(50);
    guests[0]?.place?.leave();
    guests[0]?.place?.leave();
    scheduler.advanceTo(100);
    expect(guests.map(({ lease }) => lease !== undefined)).toStrictEqual([false, true, false]);
    scheduler.advanceTo(200);
    expect(guests.map(({ lease }) => lease !== undefined)).toStrictEqual([false, true, true]);
  });

  it('its timer goes with the last who leaves', () => {
    const policy = limiter();
    drain(policy);
    const [one, two] = [new Guest(policy), new Guest(policy)];
    two.place?.leave();
    expect(scheduler.pending).toBe(1);
    one.place?.leave();
    expect(scheduler.pending).toBe(0);
  });

  it('never wakes for the dust of rounding', () => {
    const policy = limiter({ requestsPerSecond: 7, maxQueue: 10_000, queueTimeout: Infinity });
    drain(policy);
    for (let guest = 0; guest < 10_000; guest++) new Guest(policy);
    const armed = vi.spyOn(scheduler, 'schedule');
    scheduler.advanceTo(2e6);
    expect(policy.queueSize).toBe(0);
    expect(armed.mock.calls.length).toBeLessThan(10_000);
    expect(armed.mock.calls.filter(([, delay = 0]) => delay < 1)).toStrictEqual([]);
  });

  it('100 000 wait, half of them leave at random, and the rest is served in order though each gives its permit back', () => {
    const policy = limiter({ maxQueue: 100_000, queueTimeout: Infinity });
    const first = new Guest(policy, () => {});
    const served: number[] = [];
    const guests = Array.from(
      { length: 100_000 },
      (_, number) =>
        new Guest(policy, (lease) => {
          served.push(number);
          lease.neutral();
        }),
    );
    const staying: number[] = [];
    let seed = 1;
    for (const [number, guest] of guests.entries()) {
      seed = (seed * 48_271) % 2_147_483_647;
      if (seed % 2 === 0) guest.place?.leave();
      else staying.push(number);
    }
    first.lease?.neutral();
    expect(served).toStrictEqual(staying);
    expect([policy.queueSize, policy.available, scheduler.pending]).toStrictEqual([0, 1, 0]);
  });

  it('whoever asks again while being served waits behind all others', () => {
    const policy = limiter();
    drain(policy);
    const served: string[] = [];
    new Guest(policy, () => {
      served.push('first');
      new Guest(policy, () => served.push('first again'));
    });
    new Guest(policy, () => served.push('second'));
    scheduler.advanceTo(1_000);
    expect(served).toStrictEqual(['first', 'second', 'first again']);
  });
});

describe('a permit comes back', () => {
  it.each<[string, boolean, (lease: Lease) => void]>([
    ['when the attempt was never started', true, (lease) => lease.neutral()],
    ['when another policy refused it before the start', true, (lease) => lease[Symbol.dispose]()],
    [
      'when another policy refused it after the start',
      true,
      (lease) => {
        lease.start();
        lease.failure(new BulkheadRejectedError('db', 'queue-full', 'is full.'));
      },
    ],
    [
      'not when it was started and cancelled',
      false,
      (lease) => {
        lease.start();
        lease.neutral();
      },
    ],
    [
      'not when it succeeded',
      false,
      (lease) => {
        lease.start();
        lease.success();
      },
    ],
    [
      'not when it failed',
      false,
      (lease) => {
        lease.start();
        lease.failure(new Error('broken'));
      },
    ],
    [
      'not when there was a value before the refusal',
      false,
      (lease) => {
        lease.start();
        lease.firstValue();
        lease.failure(new BulkheadRejectedError('db', 'queue-full', 'is full.'));
      },
    ],
    [
      'not when only the last of several attempts was refused',
      false,
      (lease) => {
        lease.start();
        const refusal = new BulkheadRejectedError('db', 'queue-full', 'is full.');
        lease.failure(new RetryExhaustedError('retry', 2, 'attempts', 'enough', refusal));
      },
    ],
  ])('%s: %s', (_, comesBack, end) => {
    const policy = limiter({ burstSize: 2 });
    const { lease } = new Guest(policy, () => {});
    expect(policy.available).toBe(1);
    if (lease !== undefined) end(lease);
    lease?.neutral();
    expect(policy.available).toBe(comesBack ? 2 : 1);
  });

  it('to the first in line, at once', () => {
    const policy = limiter();
    const { lease } = new Guest(policy, () => {});
    const waiting = new Guest(policy);
    scheduler.advanceTo(40);
    lease?.neutral();
    expect([waiting.lease !== undefined, policy.queueSize, scheduler.pending]).toStrictEqual([true, 0, 0]);
  });

  it('but never beyond the burst', () => {
    const policy = limiter({ burstSize: 2 });
    const { lease } = new Guest(policy, () => {});
    scheduler.advanceTo(1_000);
    lease?.neutral();
    expect(policy.available).toBe(2);
  });
});

describe('acquire()', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const policyOfTheHost = (config: RateLimiterConfig = {}): RateLimiter =>
    new RateLimiter({ requestsPerSecond: 10, burstSize: 1, events: new EventBus(), ...config });

  it('waits for its permit, which counts as used however the lease is left', async () => {
    const policy = policyOfTheHost();
    {
      using _lease = await policy.acquire();
    }
    expect(policy.available).toBe(0);
    const granted = vi.fn();
    void policy.acquire().then(granted);
    await vi.advanceTimersByTimeAsync(99);
    expect(granted).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(granted).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives the permit back when another policy refused', async () => {
    const policy = policyOfTheHost();
    const lease = await policy.acquire();
    lease.failure(new BulkheadRejectedError('db', 'queue-full', 'is full.'));
    expect(policy.available).toBe(1);
  });

  it('rejects when the wait would be too long', async () => {
    const policy = policyOfTheHost({ queueTimeout: 50 });
    await policy.acquire();
    await expect(policy.acquire()).rejects.toMatchObject({ name: 'RateLimitExceededError', retryAfter: 100 });
  });

  it('an abort leaves the line', async () => {
    const policy = policyOfTheHost();
    await policy.acquire();
    const controller = new AbortController();
    const waiting = policy.acquire(controller.signal);
    controller.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
    expect([policy.queueSize, vi.getTimerCount()]).toStrictEqual([0, 0]);
  });
});

it('however guests come, leave and give back: in order, in time, within the rate, and nobody is forgotten', () => {
  const crowd = fc.array(
    fc.record({
      gap: fc.nat(120),
      leavesAfter: fc.option(fc.nat(200), { nil: undefined }),
      givesBack: fc.boolean(),
      after: fc.constantFrom(0, 0, 30),
    }),
    { minLength: 1, maxLength: 30 },
  );
  const limits = fc.record({
    requestsPerSecond: fc.constantFrom(3, 10, 30),
    burstSize: fc.integer({ min: 1, max: 3 }),
    maxQueue: fc.nat(6),
    queueTimeout: fc.constantFrom(100, 400, Number.POSITIVE_INFINITY),
  });
  fc.assert(
    fc.property(limits, crowd, (config, guests) => {
      const scheduler = new ManualScheduler();
      const policy = new RateLimiter({ ...config, scheduler, events: new EventBus() });
      const order: number[] = [];
      const used: number[] = [];
      const lies: string[] = [];
      const fates = new Map<number, string>();
      let at = 0;
      for (const [number, { gap, leavesAfter, givesBack, after }] of guests.entries()) {
        at += gap;
        scheduler.schedule(() => {
          const joined = scheduler.now();
          const enter = (lease: Lease): void => {
            if (fates.has(number)) lies.push(`${number} was admitted after ${fates.get(number)}`);
            fates.set(number, 'admitted');
            order.push(number);
            if (scheduler.now() - joined > config.queueTimeout + 1e-6) lies.push('waited too long');
            if (!givesBack) {
              used.push(scheduler.now());
              lease.start();
              lease.success();
            } else if (after === 0) lease.neutral();
            else scheduler.schedule(() => lease.neutral(), after);
          };
          const answer = policy.admit({ granted: enter, refused: () => lies.push('refused in the line') });
          if (answer instanceof Lease) {
            if (policy.queueSize > 0) lies.push('overtaken');
            enter(answer);
          } else if (answer instanceof RateLimitExceededError) {
            const fits = answer.retryAfter <= config.queueTimeout && policy.queueSize < config.maxQueue;
            if (fits) lies.push('refused without need');
            fates.set(number, 'refused');
          } else if (leavesAfter !== undefined) {
            scheduler.schedule(() => {
              if (fates.has(number)) return;
              fates.set(number, 'left');
              (answer as Place).leave();
            }, leavesAfter);
          }
        }, at);
      }
      scheduler.advanceTo(100_000);

      expect(lies).toStrictEqual([]);
      expect(order).toStrictEqual(order.toSorted((a, b) => a - b));
      expect(fates.size).toBe(guests.length);
      expect([policy.queueSize, policy.available, scheduler.pending]).toStrictEqual([0, config.burstSize, 0]);
      if (guests.every(({ givesBack }) => !givesBack)) {
        const interval = 1_000 / config.requestsPerSecond;
        for (const [index, time] of used.entries()) {
          const earlier = used[index - config.burstSize];
          // Any burst + 1 permits in a row span at least an interval.
          if (earlier !== undefined) expect(time - earlier).toBeGreaterThan(interval - 1e-6);
        }
      }
    }),
    { numRuns: 500 },
  );
});
