import { concat, EMPTY, interval, map, NEVER, Observable, of, range, Subject, take, throwError } from 'rxjs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker, circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { RateLimiter, rateLimit } from '../../src/rate-limit/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

let scheduler: ManualScheduler;
let policy: RateLimiter;
beforeEach(() => {
  scheduler = new ManualScheduler();
  policy = new RateLimiter({ requestsPerSecond: 10, burstSize: 2, scheduler, events: new EventBus() });
});

describe('one permit a stream', () => {
  it('is taken at subscribe, once a subscription, and never at assembly', () => {
    const stream = range(0, 1_000).pipe(rateLimit(policy));
    expect(policy.available).toBe(2);
    let values = 0;
    stream.subscribe(() => values++);
    expect([values, policy.available]).toStrictEqual([1_000, 1]);
    stream.subscribe();
    expect(policy.available).toBe(0);
  });

  it.each<[string, Observable<unknown>]>([
    ['complete', of(1)],
    ['empty', EMPTY],
    ['error', throwError(() => new Error('broken'))],
    ['cancel', NEVER],
  ])('is used up by a stream that was started, however it ends: %s', (_, source) => {
    source
      .pipe(rateLimit(policy))
      .subscribe({ error: () => {} })
      .unsubscribe();
    expect(policy.available).toBe(1);
  });
});

describe('a stream that was never sent gives its permit back', () => {
  const full = (): Bulkhead => {
    const places = new Bulkhead({ maxConcurrent: 1, maxQueue: 1, scheduler, events: new EventBus() });
    NEVER.pipe(bulkhead(places)).subscribe();
    return places;
  };

  it('when it is cancelled while it waits for another policy', () => {
    const subscription = of(1).pipe(bulkhead(full()), rateLimit(policy)).subscribe();
    expect(policy.available).toBe(1);
    subscription.unsubscribe();
    expect(policy.available).toBe(2);
  });

  it.each(['directly', 'with another operator between'])('when a policy below refuses it: %s', (how) => {
    const places = full();
    NEVER.pipe(bulkhead(places)).subscribe();
    const available: unknown[] = [];
    const refused = of(1).pipe(bulkhead(places));
    (how === 'directly' ? refused : refused.pipe(map((value) => value)))
      .pipe(rateLimit(policy))
      .subscribe({ error: ({ name }) => available.push(name, policy.available) });
    // Before downstream hears of it.
    expect(available).toStrictEqual(['BulkheadRejectedError', 2]);
  });

  it('but not when something was delivered before', () => {
    const places = full();
    NEVER.pipe(bulkhead(places)).subscribe();
    concat(of(1), of(2).pipe(bulkhead(places)))
      .pipe(rateLimit(policy))
      .subscribe({ error: () => {} });
    expect(policy.available).toBe(1);
  });

  it('when a circuit has opened while the attempt waited for its place', () => {
    const events = new EventBus();
    const breaker = new CircuitBreaker({ scheduler, events });
    const single = new Bulkhead({ maxConcurrent: 1, scheduler, events });
    const subscribed = vi.fn();
    const errors: string[] = [];
    const running = NEVER.pipe(bulkhead(single)).subscribe();
    new Observable(subscribed)
      .pipe(bulkhead(single), circuitBreaker(breaker), rateLimit(policy))
      .subscribe({ error: ({ name }) => errors.push(name) });
    expect(policy.available).toBe(1);
    breaker.forceOpen();
    running.unsubscribe();
    expect([errors, policy.available]).toStrictEqual([['CircuitOpenError'], 2]);
    expect(subscribed).not.toHaveBeenCalled();
  });
});

describe('the line', () => {
  it('subscribes to nothing before there is a permit, nor after a cancel, nor after a refusal', () => {
    const subscribed = vi.fn();
    const narrow = new RateLimiter({
      requestsPerSecond: 10,
      burstSize: 1,
      maxQueue: 2,
      scheduler,
      events: new EventBus(),
    });
    const stream = new Observable<number>(subscribed).pipe(rateLimit(narrow));
    narrow.tryAcquire();
    const errors: string[] = [];
    const error = ({ name }: Error): void => void errors.push(name);
    const cancelled = stream.subscribe();
    stream.subscribe();
    stream.subscribe({ error });
    expect([subscribed.mock.calls.length, errors]).toStrictEqual([0, ['RateLimitExceededError']]);
    cancelled.unsubscribe();
    scheduler.advanceTo(99);
    expect(subscribed).not.toHaveBeenCalled();
    scheduler.advanceTo(1_000);
    expect(subscribed).toHaveBeenCalledOnce();
    expect([narrow.queueSize, scheduler.pending]).toStrictEqual([0, 0]);
  });

  it('is drained in a loop, however many are refused below while they are served', () => {
    const wide = new RateLimiter({
      requestsPerSecond: 1,
      burstSize: 1,
      maxQueue: 20_000,
      queueTimeout: Infinity,
      scheduler,
      events: new EventBus(),
    });
    const places = new Bulkhead({ maxConcurrent: 1, maxQueue: 0, scheduler, events: new EventBus() });
    NEVER.pipe(bulkhead(places)).subscribe();
    wide.tryAcquire();
    let refused = 0;
    for (let stream = 0; stream < 20_000; stream++) {
      of(stream)
        .pipe(bulkhead(places), rateLimit(wide))
        .subscribe({ error: () => refused++ });
    }
    scheduler.advanceTo(1_000);
    expect([refused, wide.queueSize, wide.available, scheduler.pending]).toStrictEqual([20_000, 0, 1, 0]);
  });

  it('a listener that cancels the stream it hears of leaves nobody in the line', () => {
    const events = new EventBus();
    const single = new RateLimiter({ requestsPerSecond: 10, burstSize: 1, scheduler, events });
    single.tryAcquire();
    const stopper = new Subject<void>();
    events.on('rate_limited').subscribe(() => stopper.next());
    new Observable((subscriber) => {
      stopper.subscribe(() => subscriber.unsubscribe());
      of(1).pipe(rateLimit(single)).subscribe(subscriber);
    }).subscribe();
    expect([single.queueSize, scheduler.pending]).toStrictEqual([0, 0]);
  });

  it('is virtual under fake timers without being told', async () => {
    vi.useFakeTimers();
    const stream = of(1).pipe(rateLimit({ requestsPerSecond: 2, burstSize: 1, events: new EventBus() }));
    const times: number[] = [];
    const begun = Date.now();
    for (let call = 0; call < 3; call++) stream.subscribe(() => times.push(Date.now() - begun));
    await vi.advanceTimersByTimeAsync(2_000);
    expect([times, vi.getTimerCount()]).toStrictEqual([[0, 500, 1_000], 0]);
    vi.useRealTimers();
  });
});

it('an operator from a config has one limiter of its own, made when the operator is made', () => {
  const operator = rateLimit({ requestsPerSecond: 1, burstSize: 1, maxQueue: 0, scheduler });
  const errors: string[] = [];
  interval(1).pipe(take(1), operator).subscribe().unsubscribe();
  of(1)
    .pipe(operator)
    .subscribe({ error: ({ name }) => errors.push(name) });
  expect(errors).toStrictEqual(['RateLimitExceededError']);
  expect(() => rateLimit({ requestsPerSecond: 0 })).toThrow(/"requestsPerSecond".*got 0/);
});
