import fc from 'fast-check';
import { skip } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bulkhead, type BulkheadConfig, type BulkheadState } from '../../src/bulkhead/index.ts';
import { BulkheadRejectedError, ConfigurationError, isBulkheadRejectedError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { Lease, type Place } from '../../src/core/lease.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

/** Asks for a lease as an operator would, and remembers the answer. */
class Guest {
  lease: Lease | undefined;
  error: Error | undefined;
  place: Place | undefined;

  constructor(
    policy: Bulkhead,
    private readonly onGranted: (guest: Guest) => void = () => {},
  ) {
    const answer = policy.admit(this);
    if (answer instanceof Lease) this.lease = answer;
    else if (answer instanceof Error) this.error = answer;
    else this.place = answer;
  }

  granted(lease: Lease): void {
    this.lease = lease;
    this.onGranted(this);
  }

  refused(why: () => Error): void {
    this.error = why();
  }
}

describe('configuration', () => {
  it.each<[BulkheadConfig, RegExp]>([
    [{ maxConcurrent: 0 }, /"maxConcurrent" must be a whole number of at least 1, got 0/],
    [{ maxConcurrent: 1.5 }, /"maxConcurrent".*got 1.5/],
    [{ maxConcurrent: Number.NaN }, /"maxConcurrent".*got NaN/],
    [{ maxConcurrent: Number.POSITIVE_INFINITY }, /"maxConcurrent".*got Infinity/],
    [{ maxQueue: -1 }, /"maxQueue" must be a whole number of at least 0, got -1/],
    [{ queueTimeout: 0 }, /"queueTimeout".*got 0/],
    [{ queueTimeout: Number.NaN }, /"queueTimeout".*got NaN/],
    [{ name: '' }, /"name" must not be empty, got ""/],
    [{ maxConcurent: 1 } as BulkheadConfig, /unknown option "maxConcurent"/],
  ])('%o is refused by name and value', (config, message) => {
    expect(() => new Bulkhead(config)).toThrow(message);
    expect(() => new Bulkhead(config)).toThrow(ConfigurationError);
  });

  it('a queue of 0 is a queue of 0, not the default', () => {
    const policy = new Bulkhead({ maxConcurrent: 1, maxQueue: 0 });
    new Guest(policy);
    expect(new Guest(policy).error).toBeInstanceOf(BulkheadRejectedError);
  });

  it('by default ten run and fifty wait', () => {
    const policy = new Bulkhead({ scheduler: new ManualScheduler() });
    for (let guest = 0; guest < 61; guest++) new Guest(policy);
    expect([policy.activeCount, policy.queueSize, policy.rejectedCount]).toStrictEqual([10, 50, 1]);
    expect([policy.maxConcurrent, policy.maxQueue]).toStrictEqual([10, 50]);
  });
});

describe('the line', () => {
  it('is served first come, first served', () => {
    const policy = new Bulkhead({ maxConcurrent: 1, scheduler: new ManualScheduler() });
    const served: number[] = [];
    const first = new Guest(policy);
    const waiting = [1, 2, 3].map((number) => new Guest(policy, () => served.push(number)));
    first.lease?.success();
    waiting[0]?.lease?.failure(new Error('broken'));
    waiting[1]?.lease?.neutral();
    expect(served).toStrictEqual([1, 2, 3]);
    expect([policy.activeCount, policy.queueSize]).toStrictEqual([1, 0]);
  });

  it('is never overtaken by a newcomer, not even by one that comes while the next is being called', () => {
    const policy = new Bulkhead({ maxConcurrent: 1, scheduler: new ManualScheduler() });
    const served: string[] = [];
    const first = new Guest(policy);
    new Guest(policy, (guest) => {
      served.push('second');
      guest.lease?.success();
      new Guest(policy, () => served.push('newcomer'));
    });
    new Guest(policy, (guest) => {
      served.push('third');
      guest.lease?.success();
    });
    first.lease?.success();
    expect(served).toStrictEqual(['second', 'third', 'newcomer']);
  });

  it('a full line refuses, says so, and counts', () => {
    const events = new EventBus();
    const heard: unknown[] = [];
    events.on('bulkhead_rejected').subscribe(({ source, data }) => heard.push({ source, ...data }));
    const policy = new Bulkhead({
      name: 'images',
      maxConcurrent: 1,
      maxQueue: 1,
      events,
      scheduler: new ManualScheduler(),
    });
    const guests = [new Guest(policy), new Guest(policy), new Guest(policy)];
    const error = guests[2]?.error;
    expect(isBulkheadRejectedError(error) && [error.bulkhead, error.reason]).toStrictEqual([
      'images',
      'queue-full',
    ]);
    expect(error?.message).toBe('Bulkhead "images" is full: 1 active, 1 waiting (maxQueue).');
    expect(heard).toStrictEqual([{ source: 'images', reason: 'queue-full', activeCount: 1, queueSize: 1 }]);
    expect(policy.rejectedCount).toBe(1);
  });

  it('whoever leaves frees a place in the line, once', () => {
    const policy = new Bulkhead({ maxConcurrent: 1, maxQueue: 2, scheduler: new ManualScheduler() });
    new Guest(policy);
    const [one, two] = [new Guest(policy), new Guest(policy)];
    one.place?.leave();
    one.place?.leave();
    expect(policy.queueSize).toBe(1);
    two.place?.leave();
    expect(policy.queueSize).toBe(0);
  });

  it('a lease settled twice gives one place back', () => {
    const policy = new Bulkhead({ maxConcurrent: 2 });
    const [one] = [new Guest(policy), new Guest(policy)];
    one?.lease?.success();
    one?.lease?.failure(new Error('late'));
    one?.lease?.[Symbol.dispose]();
    expect(policy.activeCount).toBe(1);
  });

  it('100 000 wait, half of them leave at random, and the rest is served in order and ends at once', () => {
    const policy = new Bulkhead({
      maxConcurrent: 1,
      maxQueue: 100_000,
      scheduler: new ManualScheduler(),
    });
    const first = new Guest(policy);
    const served: number[] = [];
    const guests = Array.from(
      { length: 100_000 },
      (_, number) =>
        new Guest(policy, (guest) => {
          served.push(number);
          guest.lease?.success();
        }),
    );
    let seed = 1;
    const coin = (): boolean => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 2 === 0;
    };
    const staying: number[] = [];
    for (const [number, guest] of guests.entries()) {
      if (coin()) guest.place?.leave();
      else staying.push(number);
    }
    expect(policy.queueSize).toBe(staying.length);
    first.lease?.success();
    expect(served).toStrictEqual(staying);
    expect([policy.activeCount, policy.queueSize]).toStrictEqual([0, 0]);
  });
});

describe('the time limit of the line', () => {
  it('sends away whoever has waited so long, from the first on, with one timer for all', () => {
    const scheduler = new ManualScheduler();
    const policy = new Bulkhead({ name: 'db', maxConcurrent: 1, queueTimeout: 10, scheduler });
    new Guest(policy);
    const guests: Guest[] = [];
    for (const time of [0, 3, 3, 7]) {
      scheduler.advanceTo(time);
      guests.push(new Guest(policy));
    }
    expect(scheduler.pending).toBe(1);
    scheduler.advanceTo(9.5);
    expect(guests.map(({ error }) => error !== undefined)).toStrictEqual([false, false, false, false]);
    scheduler.advanceTo(10);
    expect(guests.map(({ error }) => error !== undefined)).toStrictEqual([true, false, false, false]);
    scheduler.advanceTo(13);
    expect(guests.map(({ error }) => error !== undefined)).toStrictEqual([true, true, true, false]);
    expect(guests[0]?.error?.message).toBe('Bulkhead "db" gave no place within 10 ms (queueTimeout).');
    expect(scheduler.pending).toBe(1);
    guests[3]?.place?.leave();
    expect(scheduler.pending).toBe(0);
  });

  it.each(['release first', 'timeout first'])('racing a release loses no place: %s', (order) => {
    const scheduler = new ManualScheduler();
    const policy = new Bulkhead({ maxConcurrent: 1, queueTimeout: 10, scheduler });
    const first = new Guest(policy);
    if (order === 'release first') scheduler.schedule(() => first.lease?.success(), 10);
    const second = new Guest(policy);
    if (order === 'timeout first') scheduler.schedule(() => first.lease?.success(), 10);
    scheduler.advanceTo(10);
    expect([second.lease !== undefined, second.error !== undefined]).toStrictEqual(
      order === 'release first' ? [true, false] : [false, true],
    );
    second.lease?.success();
    expect([policy.activeCount, policy.queueSize, scheduler.pending]).toStrictEqual([0, 0, 0]);
    expect(new Guest(policy).lease).toBeInstanceOf(Lease);
  });

  it('whoever asks again when sent away starts a new wait, and no timer is left behind', () => {
    const scheduler = new ManualScheduler();
    const policy = new Bulkhead({ maxConcurrent: 1, queueTimeout: 10, scheduler });
    const first = new Guest(policy);
    let again: Guest | undefined;
    policy.admit({
      granted: () => {},
      refused: () => {
        again = new Guest(policy);
      },
    });
    scheduler.advanceTo(19);
    expect([again?.error, policy.queueSize, scheduler.pending]).toStrictEqual([undefined, 1, 1]);
    first.lease?.success();
    expect([again?.lease !== undefined, scheduler.pending]).toStrictEqual([true, 0]);
  });

  it('Infinity waits for ever, without a timer', () => {
    const scheduler = new ManualScheduler();
    const policy = new Bulkhead({ maxConcurrent: 1, queueTimeout: Number.POSITIVE_INFINITY, scheduler });
    new Guest(policy);
    new Guest(policy);
    expect(scheduler.pending).toBe(0);
    scheduler.advanceTo(1e9);
    expect(policy.queueSize).toBe(1);
  });
});

describe('state$', () => {
  it('is the state now and after every change, those by the time limit included', () => {
    const scheduler = new ManualScheduler();
    const policy = new Bulkhead({ maxConcurrent: 1, queueTimeout: 10, scheduler });
    const first = new Guest(policy);
    const states: string[] = [];
    policy.state$.subscribe(({ activeCount, queueSize }) => states.push(`${activeCount}+${queueSize}`));
    const second = new Guest(policy);
    second.place?.leave();
    new Guest(policy);
    scheduler.advanceTo(10);
    first.lease?.success();
    expect(states).toStrictEqual(['1+0', '1+1', '1+0', '1+1', '1+0', '0+0']);
  });

  it('a listener that acts on the first state hears what it did', () => {
    const policy = new Bulkhead({ maxConcurrent: 1 });
    const states: BulkheadState[] = [];
    policy.state$.subscribe((state) => {
      states.push(state);
      if (state.activeCount === 0) new Guest(policy);
    });
    expect(states).toStrictEqual([
      { activeCount: 0, queueSize: 0 },
      { activeCount: 1, queueSize: 0 },
    ]);
  });

  it('who begins to listen while others are being told sees the same order as they do', () => {
    const policy = new Bulkhead({ maxConcurrent: 3 });
    const [early, late]: [number[], number[]] = [[], []];
    policy.state$.subscribe(({ activeCount }) => {
      early.push(activeCount);
      if (activeCount !== 1) return;
      new Guest(policy);
      new Guest(policy);
      policy.state$.subscribe((state) => late.push(state.activeCount));
    });
    new Guest(policy);
    expect([early, late]).toStrictEqual([
      [0, 1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('a listener that throws changes neither the state nor the others, and is no uncaught exception', async () => {
    const uncaught = vi.fn();
    process.once('uncaughtException', uncaught);
    const policy = new Bulkhead({ maxConcurrent: 1 });
    const heard: number[] = [];
    policy.state$.subscribe(() => {
      throw new Error('listener');
    });
    policy.state$.subscribe(({ activeCount }) => heard.push(activeCount));
    const guest = new Guest(policy);
    guest.lease?.success();
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.removeListener('uncaughtException', uncaught);
    expect(heard).toStrictEqual([0, 1, 0]);
    expect(uncaught).not.toHaveBeenCalled();
  });
});

describe('acquire()', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('holds its place until the lease is disposed of', async () => {
    const policy = new Bulkhead({ maxConcurrent: 1 });
    {
      using _lease = await policy.acquire();
      expect(policy.activeCount).toBe(1);
    }
    expect(policy.activeCount).toBe(0);
  });

  it('waits in line', async () => {
    const policy = new Bulkhead({ maxConcurrent: 1 });
    const first = await policy.acquire();
    const second = policy.acquire();
    expect(policy.queueSize).toBe(1);
    first.success();
    expect(await second).toBeInstanceOf(Lease);
    expect([policy.queueSize, policy.activeCount, vi.getTimerCount()]).toStrictEqual([0, 1, 0]);
  });

  it('rejects when the wait was too long', async () => {
    const policy = new Bulkhead({ maxConcurrent: 1, queueTimeout: 100 });
    await policy.acquire();
    const refused = vi.fn();
    void policy.acquire().catch(refused);
    await vi.advanceTimersByTimeAsync(100);
    expect(refused).toHaveBeenCalledExactlyOnceWith(expect.any(BulkheadRejectedError));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('an abort leaves the line with the reason of the signal', async () => {
    const policy = new Bulkhead({ maxConcurrent: 1 });
    const first = await policy.acquire();
    const controller = new AbortController();
    const second = policy.acquire(controller.signal);
    controller.abort(new Error('no longer wanted'));
    await expect(second).rejects.toThrow('no longer wanted');
    first.success();
    expect([policy.queueSize, policy.activeCount]).toStrictEqual([0, 0]);
  });

  it('a signal that is aborted already takes nothing', async () => {
    const policy = new Bulkhead();
    await expect(policy.acquire(AbortSignal.abort(new Error('never wanted')))).rejects.toThrow(
      'never wanted',
    );
    expect(policy.activeCount).toBe(0);
  });

  it.each([
    ['joins the line', 1],
    ['is granted a place', 0],
  ])('an abort by whoever hears that the caller %s loses no place', async (_, waiting) => {
    const policy = new Bulkhead({ maxConcurrent: 1 });
    const first = await policy.acquire();
    const controller = new AbortController();
    policy.state$.pipe(skip(1)).subscribe(({ activeCount, queueSize }) => {
      if (activeCount === 1 && queueSize === waiting) controller.abort(new Error('changed my mind'));
    });
    const verdict = policy.acquire(controller.signal).catch((reason: unknown) => reason);
    first.success();
    expect(await verdict).toStrictEqual(new Error('changed my mind'));
    expect([policy.queueSize, policy.activeCount]).toStrictEqual([0, 0]);
  });
});

it('however guests come, go, end and give up: never too many, in order, and nobody is forgotten', () => {
  const guests = fc.array(
    fc.record({
      at: fc.nat(30),
      stays: fc.nat(12),
      leavesAfter: fc.option(fc.nat(15), { nil: undefined }),
      how: fc.constantFrom('success', 'failure', 'neutral'),
    }),
    { minLength: 1, maxLength: 25 },
  );
  const limits = fc.record({
    maxConcurrent: fc.integer({ min: 1, max: 3 }),
    maxQueue: fc.nat(6),
    queueTimeout: fc.constantFrom(1, 5, 9, Number.POSITIVE_INFINITY),
  });
  fc.assert(
    fc.property(limits, guests, (config, crowd) => {
      const scheduler = new ManualScheduler();
      const policy = new Bulkhead({ ...config, scheduler, events: new EventBus() });
      const order: number[] = [];
      const fates = new Map<number, string>();
      const lies: string[] = [];
      let inside = 0;
      let arrivals = 0;

      for (const { at, stays, leavesAfter, how } of crowd) {
        scheduler.schedule(() => {
          const arrival = arrivals++;
          const joined = scheduler.now();
          const enter = (lease: Lease): void => {
            if (fates.has(arrival)) lies.push(`${arrival} was admitted after ${fates.get(arrival)}`);
            fates.set(arrival, 'admitted');
            order.push(arrival);
            if (++inside > config.maxConcurrent) lies.push('too many');
            const end = (): void => {
              inside--;
              if (how === 'success') lease.success();
              else if (how === 'failure') lease.failure(new Error('broken'));
              else lease.neutral();
            };
            if (stays === 0) end();
            else scheduler.schedule(end, stays);
          };
          const answer = policy.admit({
            granted: enter,
            refused: () => {
              if (scheduler.now() - joined !== config.queueTimeout) lies.push('sent away at a wrong time');
              fates.set(arrival, 'overdue');
            },
          });
          if (answer instanceof Lease) {
            if (policy.queueSize > 0) lies.push('overtaken');
            enter(answer);
          } else if (answer instanceof Error) {
            if (policy.queueSize < config.maxQueue) lies.push('refused with room in the line');
            fates.set(arrival, 'refused');
          } else if (leavesAfter !== undefined) {
            scheduler.schedule(() => {
              if (fates.has(arrival)) return;
              fates.set(arrival, 'left');
              answer.leave();
            }, leavesAfter);
          }
          if (policy.queueSize > 0 && policy.activeCount < config.maxConcurrent) lies.push('an empty place');
        }, at);
      }
      scheduler.advanceTo(1_000);

      expect(lies).toStrictEqual([]);
      expect(order).toStrictEqual(order.toSorted((a, b) => a - b));
      expect(fates.size).toBe(crowd.length);
      expect([policy.activeCount, policy.queueSize, scheduler.pending]).toStrictEqual([0, 0, 0]);
    }),
    { numRuns: 500 },
  );
});
