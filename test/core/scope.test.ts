import {
  concat,
  defer,
  finalize,
  mergeMap,
  NEVER,
  Observable,
  of,
  Subject,
  Subscriber,
  throwError,
  timer,
  UnsubscriptionError,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { admission } from '../../src/core/admission.ts';
import type { ResilienceEvent } from '../../src/core/events.ts';
import { Lease } from '../../src/core/lease.ts';
import { CallScope, currentScope, enterCall, LeavingSubscriber, within } from '../../src/core/scope.ts';
import {
  Bulkhead,
  bulkhead,
  CircuitBreaker,
  circuitBreaker,
  EventBus,
  fallback,
  fixedBackoff,
  hedge,
  protect,
  RateLimiter,
  rateLimit,
  resilience,
  retryWithBackoff,
  timeout,
} from '../../src/index.ts';

let events: EventBus;
let heard: ResilienceEvent[];
beforeEach(() => {
  events = new EventBus();
  heard = [];
  events.subscribe((event) => heard.push(event));
});
afterEach(() => {
  expect(currentScope()).toBeUndefined();
  vi.useRealTimers();
});

/** What has happened, and to which attempt of which call; calls are numbered in the order in which they are heard of. */
function story(): string[] {
  const calls = [...new Set(heard.map(({ call }) => call).filter((call) => call !== undefined))];
  return heard.map(({ type, call, attempt }) =>
    call === undefined ? type : `${type} ${calls.indexOf(call) + 1}.${attempt}`,
  );
}

const broken = throwError(() => new Error('503'));
const ignore = { error: () => {} };
const once = { maxRetries: 1, backoff: fixedBackoff(0) };

describe('LeavingSubscriber', () => {
  /** A layer that has to stop something of its own. */
  const layer =
    (stop: () => void) =>
    (source: Observable<number>): Observable<number> =>
      new Observable((subscriber) => {
        const leaving = new LeavingSubscriber(subscriber);
        leaving.add(stop);
        source.subscribe(leaving);
      });

  test('stops what it was given in the order in which it was given, as RxJS does', () => {
    const stopped: string[] = [];
    const stop = (what: string) => () => stopped.push(what);
    const subscriber = new LeavingSubscriber(new Subscriber());
    for (const further of ['first', 'second', 'third']) {
      subscriber.add(stop(`before the ${further}`));
      const upstream = new LeavingSubscriber(subscriber);
      upstream.add(stop(further));
      subscriber.add(undefined);
      subscriber.add(subscriber);
      subscriber.add(upstream);
    }
    subscriber.add(stop('last'));
    subscriber.unsubscribe();
    subscriber.unsubscribe();
    subscriber.add(stop('late'));
    expect(stopped).toStrictEqual([
      'before the first',
      'first',
      'before the second',
      'second',
      'before the third',
      'third',
      'last',
      'late',
    ]);
  });

  test('what comes between two layers stops after those further up', () => {
    const stopped: string[] = [];
    const stop = (what: string) => () => void stopped.push(what);
    NEVER.pipe(
      finalize(stop('source')),
      timeout({ total: 1_000 }),
      finalize(stop('between')),
      retryWithBackoff(1),
      fallback(() => NEVER),
      finalize(stop('outside')),
    )
      .subscribe()
      .unsubscribe();
    expect(stopped).toStrictEqual(['source', 'between', 'outside']);
  });

  test('forgets what has stopped by itself', () => {
    const subscriber = new LeavingSubscriber(new Subscriber());
    const [lost, open] = [new LeavingSubscriber(subscriber), new LeavingSubscriber(subscriber)];
    const stops = [vi.spyOn(lost, 'unsubscribe'), vi.spyOn(open, 'unsubscribe')];
    lost.unsubscribe();
    const latest = new LeavingSubscriber(subscriber);
    stops.push(vi.spyOn(latest, 'unsubscribe'));
    latest.unsubscribe();
    subscriber.unsubscribe();
    expect(stops.map((stop) => stop.mock.calls.length)).toStrictEqual([1, 1, 1]);
    expect(open.closed).toBe(true);
  });

  test('closes what comes from further up too late', () => {
    const subscriber = new LeavingSubscriber(new Subscriber());
    subscriber.unsubscribe();
    expect(new LeavingSubscriber(subscriber).closed).toBe(true);
  });

  test.each<[string, (subscriber: Subscriber<unknown>) => void]>([
    ['a value', (subscriber) => subscriber.next('value')],
    ['an error', (subscriber) => subscriber.error(new Error('end'))],
    ['the end', (subscriber) => subscriber.complete()],
  ])('after %s, what goes on further up is in the scope that downstream was not in', (_, tell) => {
    const scope = CallScope.open();
    const heardIn: unknown[] = [];
    const downstream = (): void => void heardIn.push(currentScope());
    const subscriber = new LeavingSubscriber(
      new Subscriber({ next: downstream, error: downstream, complete: downstream }),
    );
    within(scope, () => {
      tell(subscriber);
      heardIn.push(currentScope());
    });
    expect(heardIn).toStrictEqual([undefined, scope]);
  });

  test('tells of everything that throws while it stops, and stops all of it', () => {
    const failing = (what: string) => () => {
      throw new Error(what);
    };
    const subscription = NEVER.pipe(
      layer(failing('inside')),
      layer(() => {}),
      layer(failing('outside')),
    ).subscribe();
    let thrown: unknown;
    try {
      subscription.unsubscribe();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UnsubscriptionError);
    expect((thrown as UnsubscriptionError).errors.map(String)).toStrictEqual([
      'Error: outside',
      'Error: inside',
    ]);
  });
});

describe('CallScope', () => {
  test('makes the id of a call when it is first asked for, and one for all attempts', () => {
    const silent = CallScope.open();
    const first = CallScope.open();
    const second = first.next();
    expect(second.call).toBe(first.call);
    expect(Number(silent.call.slice(5))).toBe(Number(first.call.slice(5)) + 1);
    expect([first.attempt, second.attempt, first.next().attempt]).toStrictEqual([1, 2, 3]);
    expect(CallScope.open('mine').next().call).toBe('mine');
  });

  test('what has begun inside of an attempt is what the attempt has come to', () => {
    const outer = CallScope.open();
    expect(outer.latest).toBe(outer);
    const second = outer.next();
    const third = second.next();
    expect(outer.latest).toBe(third);
    const fourth = outer.next();
    expect([outer.latest, second.latest]).toStrictEqual([fourth, third]);
  });

  test('is for whoever is subscribed in it, unless they name another call', () => {
    const scope = CallScope.open('mine');
    within(scope, () => {
      expect(enterCall()).toBe(scope);
      expect(enterCall('mine')).toBe(scope);
      expect(enterCall('other').call).toBe('other');
    });
    expect(enterCall('mine')).not.toBe(scope);
  });

  test('ends with what it was for, also when that throws', () => {
    const scope = CallScope.open();
    expect(() =>
      within(scope, () => {
        expect(currentScope()).toBe(scope);
        throw new Error('boom');
      }),
    ).toThrow('boom');
  });
});

describe('an event says to which call and attempt it happened', () => {
  test('retries and alternatives are numbered through', () => {
    const guarded = broken.pipe(
      retryWithBackoff({ ...once, events }),
      fallback({ events, alternatives: [broken.pipe(retryWithBackoff({ ...once, events })), 'answer'] }),
    );
    guarded.subscribe();
    guarded.subscribe();
    const call = [
      'retry_attempted 1.1',
      'retry_exhausted 1.2',
      'fallback_used 1.2',
      'retry_attempted 1.3',
      'retry_exhausted 1.4',
      'fallback_used 1.4',
    ];
    expect(story()).toStrictEqual([...call, ...call.map((line) => line.replace(' 1.', ' 2.'))]);
  });

  test('also after waits, and whichever policy speaks', () => {
    vi.useFakeTimers();
    const breaker = new CircuitBreaker({ events, failureThreshold: 2 });
    broken
      .pipe(
        resilience({
          events,
          circuitBreaker: breaker,
          retry: { maxRetries: 2, backoff: fixedBackoff(10) },
          fallback: NEVER,
          timeout: { first: 5 },
        }),
      )
      .subscribe();
    vi.advanceTimersByTime(100);
    expect(story()).toStrictEqual([
      'call_started 1.1',
      'retry_attempted 1.1',
      'circuit_opened 1.2',
      'retry_attempted 1.2',
      'circuit_rejected 1.3',
      'retry_exhausted 1.3',
      'fallback_used 1.3',
    ]);
  });

  test('a clock that runs out around a retry speaks of the attempt that was under way', () => {
    vi.useFakeTimers();
    defer(() => (heard.length === 0 ? broken : NEVER))
      .pipe(retryWithBackoff({ ...once, events }), timeout({ total: 20, events }))
      .subscribe(ignore);
    vi.advanceTimersByTime(20);
    expect(story()).toStrictEqual(['retry_attempted 1.1', 'timed_out 1.2']);
  });

  test('what answers a timeout is another attempt', () => {
    vi.useFakeTimers();
    const backup = broken.pipe(retryWithBackoff({ ...once, events }));
    NEVER.pipe(timeout({ total: 20, events, with: () => backup })).subscribe(ignore);
    vi.advanceTimersByTime(20);
    expect(story()).toStrictEqual(['timed_out 1.1', 'retry_attempted 1.2', 'retry_exhausted 1.3']);
  });

  test('in a line: a wait that ends in a timer, and one that ends inside of somebody else', () => {
    vi.useFakeTimers();
    const places = new Bulkhead({ events, maxConcurrent: 1, queueTimeout: 50 });
    const permits = new RateLimiter({ events, requestsPerSecond: 1, burstSize: 1 });
    const first = NEVER.pipe(rateLimit(permits), bulkhead(places)).subscribe();
    const retried = { ...once, backoff: fixedBackoff(10), retryIf: () => true, events };
    const second = broken.pipe(bulkhead(places), retryWithBackoff(retried));
    second.subscribe(ignore);
    broken.pipe(rateLimit(permits), bulkhead(places)).subscribe(ignore);
    // The second one is let in, fails and backs off; the third one is let in, and waits for its permit in the only place.
    first.unsubscribe();
    vi.advanceTimersByTime(20);
    second.subscribe(ignore);
    vi.advanceTimersByTime(2_000);
    expect(story()).toStrictEqual([
      'bulkhead_queued 1.1',
      'bulkhead_queued 2.1',
      'retry_attempted 1.1',
      'rate_limited 2.1',
      'bulkhead_queued 1.2',
      'bulkhead_queued 3.1',
      'bulkhead_rejected 1.2',
      'retry_exhausted 1.2',
      'bulkhead_rejected 3.1',
      'retry_attempted 3.1',
      'bulkhead_queued 3.2',
      'bulkhead_rejected 3.2',
      'retry_exhausted 3.2',
    ]);
  });

  test('what a policy says of an attempt that was given up, whoever gave it up', () => {
    class Told extends Lease {
      protected override onSettled(): void {
        events.publish('limiter_resumed', 'policy', {});
      }
    }
    const guarded = NEVER.pipe(admission({ admit: () => new Told() }));
    const second = guarded.subscribe();
    within(CallScope.open('other'), () => guarded.subscribe().unsubscribe());
    second.unsubscribe();
    expect(heard.map(({ call }) => call)).toStrictEqual(['other', expect.stringMatching(/^call-/)]);
  });

  test('a circuit that is opened by hand, or half-open in time, belongs to no call', () => {
    vi.useFakeTimers();
    const breaker = new CircuitBreaker({ events, failureThreshold: 1, recoveryTimeout: 100 });
    broken.pipe(circuitBreaker(breaker)).subscribe(ignore);
    vi.advanceTimersByTime(100);
    of(1)
      .pipe(circuitBreaker(breaker))
      .subscribe(() => breaker.forceOpen());
    expect(story()).toStrictEqual(['circuit_opened 1.1', 'circuit_half_open', 'circuit_opened']);
  });

  test('a change that a listener of the circuit brings about belongs to the call that makes it', () => {
    const breaker = new CircuitBreaker({
      events,
      failureThreshold: 1,
      recoveryTimeout: 0,
      successThreshold: 1,
    });
    const guarded = (source = broken) => source.pipe(circuitBreaker(breaker), timeout({ total: 10, events }));
    breaker.onStateChange(({ to }) => {
      if (to === 'open' && heard.length < 2) guarded().subscribe(ignore);
    });
    guarded().subscribe(ignore);
    expect(story()).toStrictEqual(['circuit_opened 1.1', 'circuit_half_open 2.1', 'circuit_opened 2.1']);
  });

  test('acquire() is a call, or part of the one that it stands in', async () => {
    const places = new Bulkhead({ events, maxConcurrent: 1, maxQueue: 0 });
    using _lease = await places.acquire();
    await expect(places.acquire()).rejects.toThrow('full');
    const load = protect(() => places.acquire(), retryWithBackoff({ ...once, retryIf: () => true, events }));
    await expect(load()).rejects.toThrow('full');
    expect(story()).toStrictEqual(['bulkhead_rejected 1.1', 'bulkhead_rejected 2.1']);
  });
});

describe('whoever subscribes in a handler begins a call of their own', () => {
  const other = (): unknown => broken.pipe(retryWithBackoff({ ...once, events })).subscribe(ignore);
  const two = ['retry_attempted 1.1', 'retry_exhausted 1.2', 'retry_attempted 2.1', 'retry_exhausted 2.2'];

  test.each([
    ['bulkhead', () => bulkhead(new Bulkhead())],
    ['timeout', () => timeout(1_000)],
    ['retryWithBackoff', () => retryWithBackoff(0)],
    ['fallback', () => fallback({ alternatives: ['answer'], handle: () => false })],
    ['resilience', () => resilience({ retry: 0, timeout: 1_000, bulkhead: {} })],
  ])('%s', (_, operator) => {
    of(1).pipe(operator()).subscribe({ next: other, complete: other });
    expect(story()).toStrictEqual(two);
    heard.length = 0;
    broken.pipe(operator()).subscribe({ next: other, error: other });
    expect(story()).toStrictEqual(two.slice(0, 2));
  });

  test('after a timeout that is answered at once', () => {
    vi.useFakeTimers();
    NEVER.pipe(timeout({ total: 5, with: () => of(1) })).subscribe({ next: other, complete: other });
    vi.advanceTimersByTime(5);
    expect(story()).toStrictEqual(two);
  });

  test('a listener of the bus', () => {
    events.on('timed_out').subscribe(other);
    const late = new Subject();
    events.publish('timed_out', 'clock', { kind: 'total', after: 1 }, CallScope.open());
    late.pipe(retryWithBackoff({ ...once, events })).subscribe(ignore);
    late.error(new Error('late'));
    expect(story()).toStrictEqual([
      'timed_out 1.1',
      'retry_attempted 2.1',
      'retry_exhausted 2.2',
      'retry_attempted 3.1',
      'retry_exhausted 3.2',
    ]);
  });

  test('and whoever subscribes later, in a timer of their own', () => {
    vi.useFakeTimers();
    const inner = broken.pipe(retryWithBackoff({ ...once, events }));
    concat(timer(5), inner)
      .pipe(timeout({ total: 100, events }))
      .subscribe(ignore);
    vi.advanceTimersByTime(5);
    expect(story()).toStrictEqual(two.slice(0, 2));
  });
});

describe('attempts side by side', () => {
  const after = (delay: number, then: Observable<unknown>): Observable<unknown> =>
    timer(delay).pipe(mergeMap(() => then));

  test('each is its own, also when another one has begun since', () => {
    vi.useFakeTimers();
    let attempts = 0;
    const source = defer(() => (++attempts === 1 ? after(20, broken) : NEVER));
    const guarded = resilience({ events, hedge: 10, circuitBreaker: { failureThreshold: 1 } });
    source.pipe(guarded).subscribe(ignore);
    vi.advanceTimersByTime(20);
    expect(story()).toStrictEqual(['call_started 1.1', 'hedge_started 1.1', 'circuit_opened 1.1']);
  });

  test.each([
    ['the outer', true, false],
    ['the inner', false, true],
    ['each', true, true],
  ])('who waits in %s of two lines has not begun, and is hedged once it has', (_, ...full) => {
    vi.useFakeTimers();
    const [outer, inner] = [new Bulkhead({ maxConcurrent: 3 }), new Bulkhead({ maxConcurrent: 3 })];
    const places = [outer, inner].map((line, at) =>
      full[at] ? [1, 2, 3].map(() => NEVER.pipe(bulkhead(line)).subscribe()) : [],
    );
    NEVER.pipe(
      bulkhead(inner),
      timeout(1_000),
      bulkhead(outer),
      hedge({ delay: 10, maxHedges: 2, events }),
    ).subscribe();
    for (const taken of places.filter(({ length }) => length > 0)) {
      vi.advanceTimersByTime(50);
      expect(story()).toStrictEqual([]);
      for (const place of taken) place.unsubscribe();
    }
    vi.advanceTimersByTime(10);
    expect(story()).toStrictEqual(['hedge_started 1.1']);
    vi.advanceTimersByTime(10);
    expect(story()).toStrictEqual(['hedge_started 1.1', 'hedge_started 1.2']);
  });

  test('what becomes of the winner is what becomes of the call', () => {
    vi.useFakeTimers();
    let attempts = 0;
    const source = defer(() => (++attempts === 1 ? concat(after(20, of('a')), broken) : NEVER));
    const hedged = source.pipe(
      hedge({ delay: 10, events }),
      retryWithBackoff({ ...once, commitOn: () => false, events }),
    );
    hedged.subscribe(ignore);
    vi.advanceTimersByTime(20);
    expect(story()).toStrictEqual(['hedge_started 1.1', 'retry_attempted 1.1']);
    expect(attempts).toBe(3);
  });
});
