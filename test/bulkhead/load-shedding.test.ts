import fc from 'fast-check';
import { NEVER, Observable, of, Subject } from 'rxjs';
import { beforeEach, describe, expect, test } from 'vitest';
import { Bulkhead, type BulkheadConfig, bulkhead } from '../../src/bulkhead/index.ts';
import { type BulkheadRejectedError, isBulkheadRejectedError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { resilience } from '../../src/pipeline/index.ts';
import { RateLimiter } from '../../src/rate-limit/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import { times } from '../support/property-runs.ts';

let scheduler: ManualScheduler;
let events: EventBus;
let shed: unknown[];
beforeEach(() => {
  scheduler = new ManualScheduler();
  events = new EventBus();
  shed = [];
  events.on('load_shed').subscribe(({ data }) => shed.push(data));
});

const places = (config: BulkheadConfig = {}): Bulkhead =>
  new Bulkhead({ name: 'model', maxConcurrent: 1, scheduler, events, ...config });

/** A stream that runs until it is told to end. */
function running(policy: Bulkhead): Subject<never> {
  const source = new Subject<never>();
  source.pipe(bulkhead(policy)).subscribe();
  return source;
}

/** Shows that a stream takes so long. */
function serve(policy: Bulkhead, duration: number): void {
  const source = running(policy);
  scheduler.advanceTo(scheduler.now() + duration);
  source.complete();
}

function refusalOf(
  policy: Bulkhead,
  options: Parameters<typeof bulkhead>[1],
): BulkheadRejectedError | undefined {
  let refusal: BulkheadRejectedError | undefined;
  NEVER.pipe(bulkhead(policy, options)).subscribe({
    error: (error) => {
      if (isBulkheadRejectedError(error)) refusal = error;
    },
  });
  return refusal;
}

describe('priority', () => {
  test('decides who is next, and among equals who came first', () => {
    const policy = places();
    const first = running(policy);
    const order: string[] = [];
    for (const [name, priority] of [
      ['a', 0],
      ['b', 2],
      ['c', -1],
      ['d', 2],
      ['e', 0.5],
    ] as const)
      of(name)
        .pipe(bulkhead(policy, { priority }))
        .subscribe((it) => order.push(it));
    first.complete();
    expect(order.join('')).toBe('bdeac');
  });

  test('is asked of a function at every subscription', () => {
    const policy = places();
    const first = running(policy);
    const order: number[] = [];
    let priority = 0;
    const asked = new Observable<number>((subscriber) => subscriber.complete()).pipe(
      bulkhead(policy, { priority: () => priority }),
    );
    for (const rank of [1, 3, 2]) {
      priority = rank;
      asked.subscribe({ complete: () => order.push(rank) });
    }
    first.complete();
    expect(order).toStrictEqual([3, 2, 1]);
  });

  test('takes the place in a full line of the last one that is less urgent', () => {
    const policy = places({ maxQueue: 2 });
    running(policy);
    const gone: unknown[] = [];
    const wait = (name: string, priority: number) =>
      NEVER.pipe(bulkhead(policy, { priority })).subscribe({
        error: (error) => gone.push([name, error.reason, error.message]),
      });
    wait('a', 0);
    wait('b', 0);
    wait('c', 1);
    const yielded = 'Bulkhead "model" gave the place in line to a higher priority.';
    expect(gone).toStrictEqual([['b', 'evicted', yielded]]);
    wait('d', 0);
    expect(gone.at(-1)).toMatchObject(['d', 'queue-full', expect.anything()]);
    wait('e', 1);
    expect(gone.at(-1)).toStrictEqual(['a', 'evicted', yielded]);
    wait('f', 1);
    expect(gone.at(-1)).toMatchObject(['f', 'queue-full', expect.anything()]);
    expect([policy.queueSize, policy.rejectedCount]).toStrictEqual([2, 4]);
    expect(shed).toStrictEqual([
      { reason: 'evicted', priority: 0, retryAfter: undefined },
      { reason: 'evicted', priority: 0, retryAfter: undefined },
    ]);
  });

  test('and who had it is not called any more', async () => {
    const policy = places({ maxQueue: 1 });
    const sizes: number[] = [];
    policy.state$.subscribe(({ queueSize }) => sizes.push(queueSize));
    const first = await policy.acquire();
    const evicted = policy.acquire();
    const urgent = policy.acquire({ priority: 1 });
    await expect(evicted).rejects.toMatchObject({ reason: 'evicted' });
    first.success();
    (await urgent).success();
    expect([policy.activeCount, policy.queueSize, Math.max(...sizes)]).toStrictEqual([0, 0, 1]);
  });

  test('a line of 0 has no place to take', () => {
    const policy = places({ maxQueue: 0 });
    running(policy);
    expect(refusalOf(policy, { priority: 9 })?.reason).toBe('queue-full');
  });

  test('who is sent away may come back there and then', () => {
    const policy = places({ maxQueue: 1 });
    running(policy);
    const reasons: string[] = [];
    NEVER.pipe(bulkhead(policy)).subscribe({
      error: (error) => {
        reasons.push(error.reason);
        NEVER.pipe(bulkhead(policy, { priority: 2 })).subscribe();
      },
    });
    const overtaken = refusalOf(policy, { priority: 1 });
    expect([reasons, overtaken?.reason, policy.queueSize]).toStrictEqual([['evicted'], 'evicted', 1]);
  });
});

describe('patience', () => {
  test('is not judged before a stream has ended: nobody knows how long one takes', () => {
    const policy = places();
    running(policy);
    expect(refusalOf(policy, { patience: 1 })).toBeUndefined();
    expect(policy.queueSize).toBe(1);
    scheduler.advanceTo(1);
    expect([policy.queueSize, shed]).toStrictEqual([
      0,
      [{ reason: 'deadline', priority: 0, retryAfter: undefined }],
    ]);
  });

  test('refuses at once who cannot be served in time, and says when a place may be expected', () => {
    const policy = places();
    serve(policy, 100);
    running(policy);
    expect(refusalOf(policy, { patience: 99 })).toMatchObject({
      reason: 'deadline',
      retryAfter: 100,
      message: 'Bulkhead "model" has no place within 99 ms (patience). A place may be expected in 100 ms.',
    });
    expect(refusalOf(policy, { patience: 100 })).toBeUndefined();
    expect(refusalOf(policy, { patience: 199 })).toMatchObject({ retryAfter: 200 });
    // Who is more urgent stands before them.
    expect(refusalOf(policy, { patience: 100, priority: 1 })).toBeUndefined();
    expect(shed).toStrictEqual([
      { reason: 'deadline', priority: 0, retryAfter: 100 },
      { reason: 'deadline', priority: 0, retryAfter: 200 },
    ]);
  });

  test('of many places one comes free so much sooner', () => {
    const policy = places({ maxConcurrent: 4 });
    const before = [1, 2, 3].map(() => running(policy));
    serve(policy, 100);
    for (const source of before) source.complete();
    for (let place = 0; place < 4; place++) running(policy);
    expect(refusalOf(policy, { patience: 24 })?.retryAfter).toBe(25);
    expect(refusalOf(policy, { patience: 25 })).toBeUndefined();
  });

  test('has less to wait for the longer the streams before have been running', () => {
    const policy = places();
    serve(policy, 100);
    running(policy);
    scheduler.advanceTo(170);
    expect(refusalOf(policy, { patience: 29 })?.retryAfter).toBe(30);
    expect(refusalOf(policy, { patience: 30 })).toBeUndefined();
    expect(refusalOf(policy, { patience: 129 })?.retryAfter).toBe(130);
  });

  test('has nobody refused on account of a stream that takes longer than others did, but for those in between', () => {
    const policy = places();
    serve(policy, 100);
    running(policy);
    scheduler.advanceTo(1_000);
    expect(refusalOf(policy, { patience: 1 })).toBeUndefined();
    expect(refusalOf(policy, { patience: 1 })?.retryAfter).toBe(100);
  });

  test('0 takes a place that is free, and waits for none', () => {
    const policy = places();
    expect(refusalOf(policy, { patience: 0 })).toBeUndefined();
    expect([policy.activeCount, policy.queueSize]).toStrictEqual([1, 0]);
    expect(refusalOf(policy, { patience: 0 })).toBeUndefined();
    scheduler.advanceTo(0);
    expect(policy.queueSize).toBe(0);
  });

  test('follows the last streams', () => {
    const policy = places();
    for (let stream = 0; stream < 50; stream++) serve(policy, 100);
    for (let stream = 0; stream < 50; stream++) serve(policy, 10);
    running(policy);
    const expected = refusalOf(policy, { patience: 1 })?.retryAfter;
    expect(expected).toBeGreaterThan(10);
    expect(expected).toBeLessThan(11);
  });

  test('of each its own: who gives up first is sent away first, with one timer for all', () => {
    const policy = places({ queueTimeout: 50 });
    running(policy);
    const gone: unknown[] = [];
    for (const patience of [30, Infinity, 10, 70])
      NEVER.pipe(bulkhead(policy, { patience })).subscribe({
        error: ({ reason }) => gone.push([patience, reason, scheduler.now()]),
      });
    expect(scheduler.pending).toBe(1);
    scheduler.advanceTo(100);
    expect(gone).toStrictEqual([
      [10, 'deadline', 10],
      [30, 'deadline', 30],
      [Infinity, 'queue-timeout', 50],
      [70, 'queue-timeout', 50],
    ]);
    expect(scheduler.pending).toBe(0);
  });
});

test('acquire() takes both, or a signal alone', async () => {
  const policy = places();
  const lease = await policy.acquire();
  const order: string[] = [];
  const low = policy.acquire({ priority: 0 }).then((it) => {
    order.push('low');
    it.success();
  });
  const high = policy.acquire({ priority: 1 }).then((it) => {
    order.push('high');
    it.success();
  });
  const abort = new AbortController();
  const left = policy.acquire(abort.signal).catch(({ name }) => order.push(name));
  abort.abort();
  lease.success();
  await Promise.all([low, high, left]);
  expect(order).toStrictEqual(['AbortError', 'high', 'low']);
  await expect(policy.acquire({ priority: Number.NaN })).rejects.toThrow(/"priority"/);
});

test('resilience() hands them to both of its waits', () => {
  const policy = places();
  const limiter = new RateLimiter({ requestsPerSecond: 1, burstSize: 1, scheduler, events });
  limiter.tryAcquire();
  const errors: unknown[] = [];
  of(1)
    .pipe(resilience({ rateLimit: limiter, bulkhead: policy, patience: () => 10, priority: 3, events }))
    .subscribe({ error: ({ name }) => errors.push(name) });
  expect([errors, shed]).toStrictEqual([
    ['RateLimitExceededError'],
    [{ reason: 'deadline', priority: 3, retryAfter: 1_000 }],
  ]);
});

test('whoever comes, waits, is served or goes: the most urgent first, nobody too long, and no place is lost', () => {
  const step = fc.oneof(
    fc.record({ priority: fc.nat(2), patience: fc.constantFrom(Infinity, 4, 15) }),
    fc.record({ end: fc.nat(20) }),
    fc.record({ leave: fc.nat(20) }),
    fc.record({ wait: fc.nat(10) }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(step, { maxLength: 40, size: 'max' }),
      (size, steps) => {
        scheduler = new ManualScheduler();
        const policy = places({ maxConcurrent: size, maxQueue: 4, queueTimeout: 20 });
        const complaints: string[] = [];
        const callers: {
          priority: number;
          until: number;
          state: string;
          source: Subject<never>;
          leave: () => void;
        }[] = [];
        const those = (state: string) => callers.filter((caller) => caller.state === state);
        for (const it of steps) {
          if ('priority' in it) {
            const { priority, patience } = it;
            const source = new Subject<never>();
            const until = scheduler.now() + Math.min(patience, 20);
            const caller = { priority, until, state: 'waiting', source, leave: () => {} };
            callers.push(caller);
            const subscription = new Observable<never>((subscriber) => {
              caller.state = 'running';
              for (const other of those('waiting'))
                if (
                  other.priority > priority ||
                  (other.priority === priority && callers.indexOf(other) < callers.indexOf(caller))
                )
                  complaints.push('overtaken');
              return source.subscribe(subscriber);
            })
              .pipe(bulkhead(policy, { priority, patience }))
              .subscribe({
                error() {
                  caller.state = 'over';
                },
              });
            caller.leave = () => {
              caller.state = 'over';
              subscription.unsubscribe();
            };
          } else if ('end' in it) {
            const caller = those('running')[it.end % Math.max(1, those('running').length)];
            if (caller !== undefined) {
              caller.state = 'over';
              caller.source.complete();
            }
          } else if ('leave' in it) callers[it.leave]?.leave();
          else scheduler.advanceTo(scheduler.now() + it.wait);

          if (policy.activeCount !== those('running').length) complaints.push('places');
          if (policy.queueSize !== those('waiting').length) complaints.push('line');
          if (policy.queueSize > 0 && policy.activeCount < size) complaints.push('waits for nothing');
          if (those('waiting').some(({ until }) => until <= scheduler.now()))
            complaints.push('waits too long');
          if (scheduler.pending !== Math.min(1, policy.queueSize)) complaints.push('timers');
          if (complaints.length > 0) throw new Error(complaints.join(', '));
        }
        for (const caller of callers) caller.leave();
        if (policy.activeCount + policy.queueSize + scheduler.pending > 0)
          throw new Error('something is held');
      },
    ),
    { numRuns: times(500) },
  );
});
