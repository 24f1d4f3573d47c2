import { config as rxjsConfig, type SchedulerLike, Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CircuitBreaker,
  type CircuitBreakerConfig,
  type CircuitState,
} from '../../src/circuit-breaker/index.ts';
import {
  BulkheadRejectedError,
  CircuitOpenError,
  isCircuitOpenError,
  RateLimitExceededError,
} from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { ResilienceEvent } from '../../src/core/events.ts';
import { Lease } from '../../src/core/lease.ts';

const boom = new Error('boom');

const succeed = (breaker: CircuitBreaker): void => breaker.acquire().success();
const fail = (breaker: CircuitBreaker, error: unknown = boom): void => breaker.acquire().failure(error);
const ignore = (breaker: CircuitBreaker): void => breaker.acquire().neutral();
const times = (n: number, action: () => void): void => {
  for (let index = 0; index < n; index++) action();
};

/** A breaker that has just opened. */
function opened(config: CircuitBreakerConfig = {}): CircuitBreaker {
  const breaker = new CircuitBreaker({ name: 'test', failureThreshold: 1, recoveryTimeout: 100, ...config });
  fail(breaker);
  return breaker;
}

/** A breaker that has just become half-open. */
function halfOpen(config: CircuitBreakerConfig = {}): CircuitBreaker {
  const breaker = opened(config);
  vi.advanceTimersByTime(100);
  expect(breaker.state).toBe('half-open');
  return breaker;
}

const refusal = (breaker: CircuitBreaker): CircuitOpenError => {
  const answer = breaker.admit();
  if (answer instanceof Lease) throw new Error('the circuit admitted the call');
  return answer;
};
const admitted = (breaker: CircuitBreaker): Lease => {
  const answer = breaker.admit();
  if (!(answer instanceof Lease)) throw answer;
  return answer;
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('closed, by failures in a row', () => {
  it('opens at the fifth failure in a row by default, not at the fourth', () => {
    const breaker = new CircuitBreaker();
    times(4, () => fail(breaker));
    expect(breaker.state).toBe('closed');
    fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('a success ends the run', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 2 });
    times(10, () => {
      fail(breaker);
      succeed(breaker);
    });
    expect(breaker.state).toBe('closed');
  });

  it('a neutral outcome neither counts nor breaks a run', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 2 });
    times(5, () => ignore(breaker));
    fail(breaker);
    ignore(breaker);
    expect(breaker.stats).toMatchObject({ state: 'closed', failureCount: 1, successCount: 0 });
    fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('a success costs no look at the clock', () => {
    const now = vi.fn(() => 0);
    const breaker = new CircuitBreaker({ scheduler: { now, schedule: () => new Subscription() } });
    times(10, () => succeed(breaker));
    expect(now).not.toHaveBeenCalled();
  });

  it('an outcome counts once, whatever is said later', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 2 });
    const lease = breaker.acquire();
    lease.failure(boom);
    lease.failure(boom);
    lease.success();
    expect(breaker.stats).toMatchObject({ failureCount: 1, successCount: 0, activeCount: 0 });
  });
});

describe('closed, by a rate', () => {
  const window = { type: 'count', size: 10, failureRate: 0.6, minimumCalls: 5 } as const;

  it('a success may be the sample that opens: F F F S, then S makes 60 % of five', () => {
    const breaker = new CircuitBreaker({ window });
    times(3, () => fail(breaker));
    succeed(breaker);
    expect(breaker.state).toBe('closed');
    succeed(breaker);
    expect(breaker.state).toBe('open');
  });

  it('below the minimum the rates are undefined, not 0', () => {
    const breaker = new CircuitBreaker({ window });
    times(4, () => fail(breaker));
    expect(breaker.stats).toMatchObject({
      failureRate: undefined,
      successRate: undefined,
      slowRate: undefined,
      failureCount: 4,
    });
  });

  it('one failure fewer than the rate does not open', () => {
    const breaker = new CircuitBreaker({ window });
    times(5, () => fail(breaker, { status: 400 }));
    times(8, () => succeed(breaker));
    times(5, () => fail(breaker));
    expect(breaker.stats).toMatchObject({ state: 'closed', failureRate: 0.5, successRate: 0.5 });
    fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('100 % can open', () => {
    const breaker = new CircuitBreaker({ window: { type: 'count', size: 3, failureRate: 1 } });
    times(2, () => fail(breaker));
    expect(breaker.state).toBe('closed');
    fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('calls in flight and refused ones are not in the denominator', () => {
    const breaker = new CircuitBreaker({
      window: { type: 'count', size: 4, failureRate: 1, minimumCalls: 2 },
    });
    times(10, () => breaker.acquire());
    succeed(breaker);
    fail(breaker);
    expect(breaker.stats).toMatchObject({ failureRate: 0.5, activeCount: 10 });
    breaker.forceOpen();
    times(10, () => refusal(breaker));
    expect(breaker.stats).toMatchObject({ failureRate: undefined, failureCount: 0, rejectedCount: 10 });
  });

  it('failures older than the time window do not count, also after an hour of silence', () => {
    const breaker = new CircuitBreaker({
      window: { type: 'time', duration: 1_000, failureRate: 0.5, minimumCalls: 4 },
    });
    times(3, () => fail(breaker));
    vi.advanceTimersByTime(3_600_000);
    expect(breaker.stats.failureCount).toBe(0);
    times(3, () => fail(breaker));
    expect(breaker.state).toBe('closed');
    fail(breaker);
    expect(breaker.state).toBe('open');
  });
});

describe('slow calls', () => {
  const window = { type: 'count', size: 2 } as const;

  const call = (breaker: CircuitBreaker, wait: number, first: number, rest: number): void => {
    const lease = admitted(breaker);
    vi.advanceTimersByTime(wait);
    expect(lease.start()).toBeUndefined();
    vi.advanceTimersByTime(first);
    lease.firstValue();
    vi.advanceTimersByTime(rest);
    lease.success();
  };

  it('open the circuit although they succeed, and only when longer than the threshold', () => {
    const breaker = new CircuitBreaker({ window, slowCall: { threshold: 10 } });
    times(2, () => call(breaker, 0, 5, 5));
    expect(breaker.stats).toMatchObject({ state: 'closed', slowRate: 0, slowCount: 0 });
    times(2, () => call(breaker, 0, 5, 6));
    expect(breaker.stats).toMatchObject({ state: 'open', slowCount: 2, failureCount: 0 });
  });

  it('the wait for a limiter or a bulkhead is not part of the call', () => {
    const breaker = new CircuitBreaker({ window, slowCall: { threshold: 10 } });
    times(4, () => call(breaker, 1_000, 5, 5));
    expect(breaker.stats.slowCount).toBe(0);
  });

  it('who waits and never begins may have failed, but was not slow', () => {
    const breaker = new CircuitBreaker({ window, slowCall: { threshold: 10 } });
    const lease = admitted(breaker);
    vi.advanceTimersByTime(1_000);
    lease.failure(new Error('refused further in'));
    expect(breaker.stats).toMatchObject({ failureCount: 1, slowCount: 0 });
  });

  it('measured to the first value, a long stream is not slow, and a silent one is by its end', () => {
    const breaker = new CircuitBreaker({ window, slowCall: { threshold: 10, measure: 'first', rate: 0.5 } });
    times(2, () => call(breaker, 0, 10, 1_000));
    expect(breaker.stats).toMatchObject({ state: 'closed', slowCount: 0 });
    const lease = breaker.acquire();
    vi.advanceTimersByTime(11);
    lease.success();
    expect(breaker.state).toBe('open');
  });

  it('measured to the first value, a late one is slow, however soon the end follows', () => {
    const breaker = new CircuitBreaker({ window, slowCall: { threshold: 10, measure: 'first' } });
    times(2, () => call(breaker, 0, 11, 0));
    expect(breaker.state).toBe('open');
  });

  it('are counted beside failures, not among them', () => {
    const breaker = new CircuitBreaker({
      window: { type: 'count', size: 4, failureRate: 1 },
      slowCall: { threshold: 10 },
    });
    const lease = breaker.acquire();
    vi.advanceTimersByTime(11);
    lease.failure(boom);
    times(3, () => succeed(breaker));
    expect(breaker.stats).toMatchObject({ failureRate: 0.25, slowRate: 0.25, state: 'closed' });
  });

  it('slow probes open the circuit again', () => {
    const breaker = new CircuitBreaker({
      window: { type: 'count', size: 1 },
      slowCall: { threshold: 10, rate: 1 },
      recoveryTimeout: 100,
    });
    fail(breaker);
    vi.advanceTimersByTime(100);
    call(breaker, 0, 0, 11);
    expect(breaker.state).toBe('half-open');
    call(breaker, 0, 0, 11);
    expect(breaker.state).toBe('open');
  });

  it.each([
    { probes: 'quick quick', state: 'half-open' },
    { probes: 'quick quick quick', state: 'closed' },
    { probes: 'slow quick quick', state: 'half-open' },
    { probes: 'slow quick quick quick', state: 'closed' },
    { probes: 'quick quick slow slow', state: 'open' },
  ] as const)(
    'probes are quick enough as soon as the rest of the sample cannot change that: $probes is $state',
    ({ probes, state }) => {
      const breaker = new CircuitBreaker({
        window: { type: 'count', size: 1 },
        slowCall: { threshold: 10, rate: 0.5 },
        halfOpenSample: { calls: 4, failureRate: 1 },
        recoveryTimeout: 100,
      });
      fail(breaker);
      vi.advanceTimersByTime(100);
      for (const probe of probes.split(' ')) call(breaker, 0, 0, probe === 'slow' ? 11 : 10);
      expect(breaker.state).toBe(state);
    },
  );
});

describe('open', () => {
  it('refuses with its name, the time that is left and the last error', () => {
    const breaker = opened();
    vi.advanceTimersByTime(30);
    const error = refusal(breaker);
    expect(isCircuitOpenError(error)).toBe(true);
    expect([error.circuit, error.retryAfter]).toStrictEqual(['test', 70]);
    expect(error.cause).toBe(boom);
    expect(error.message).toBe('Circuit "test" is open: the attempt was not made. Try again in 70 ms.');
  });

  it('a hundred refusals do not lengthen the chain of causes', () => {
    const breaker = opened();
    let last: unknown = boom;
    times(100, () => {
      last = refusal(breaker);
    });
    expect((last as Error).cause).toBe(boom);
    vi.advanceTimersByTime(100);
    const probe = breaker.acquire();
    probe.failure(last);
    expect(breaker.stats).toMatchObject({ state: 'half-open', lastFailure: { error: boom } });
  });

  it('keeps no process alive', () => {
    const schedule = vi.spyOn(globalThis, 'setTimeout');
    opened();
    expect(schedule.mock.results.map(({ value }) => value.hasRef?.() ?? false)).toStrictEqual([false]);
  });

  it('becomes half-open at its time without any call', () => {
    const breaker = opened();
    vi.advanceTimersByTime(99);
    expect(breaker.state).toBe('open');
    vi.advanceTimersByTime(1);
    expect(breaker.state).toBe('half-open');
  });

  it('a late timer refuses nobody: six calls when the time is over make one event and exactly three probes', () => {
    let now = 0;
    const busy: SchedulerLike = { now: () => now, schedule: () => new Subscription() };
    const breaker = opened({ scheduler: busy });
    const states: CircuitState[] = [];
    breaker.onStateChange(({ to }) => states.push(to));
    now = 100;
    const answers = Array.from({ length: 6 }, () => breaker.admit());
    expect(answers.map((answer) => answer instanceof Lease)).toStrictEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(states).toStrictEqual(['half-open']);
  });

  it('a recovery time of 0 uses no timer and lets the next call probe', () => {
    const breaker = opened({ recoveryTimeout: 0 });
    expect(vi.getTimerCount()).toBe(0);
    expect(breaker.state).toBe('open');
    expect(breaker.admit()).toBeInstanceOf(Lease);
    expect(breaker.state).toBe('half-open');
  });

  it('the recovery time grows with consecutive reopenings and starts from the first after a close', () => {
    const recoveryTimeout = vi.fn((reopenings: number) => 10 * (reopenings + 1));
    const breaker = new CircuitBreaker({ failureThreshold: 1, successThreshold: 1, recoveryTimeout });
    fail(breaker);
    vi.advanceTimersByTime(10);
    fail(breaker);
    expect(breaker.stats.retryAfter).toBe(20);
    vi.advanceTimersByTime(20);
    fail(breaker);
    vi.advanceTimersByTime(30);
    succeed(breaker);
    expect(breaker.state).toBe('closed');
    fail(breaker);
    expect(recoveryTimeout.mock.calls).toStrictEqual([[0], [1], [2], [0]]);
  });

  it('the recovery time may also be computed to 0', () => {
    const breaker = opened({ recoveryTimeout: () => 0 });
    expect(breaker.stats).toMatchObject({ state: 'open', retryAfter: 0 });
    expect(breaker.admit()).toBeInstanceOf(Lease);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])(
    'a recovery time of %s is the error of the stream, and the circuit opens all the same',
    (time) => {
      const breaker = new CircuitBreaker({ name: 'odd', failureThreshold: 1, recoveryTimeout: () => time });
      expect(() => fail(breaker)).toThrow(
        `Circuit "odd": option "recoveryTimeout" must return a duration in milliseconds, got ${time}`,
      );
      expect(breaker.stats).toMatchObject({ state: 'open', retryAfter: 60_000 });
    },
  );

  it('a recovery time that throws when a probe is overdue is no uncaught exception', () => {
    const oops = new Error('oops');
    const unhandled: unknown[] = [];
    rxjsConfig.onUnhandledError = (thrown) => unhandled.push(thrown);
    const breaker = halfOpen({
      halfOpenTimeout: 50,
      recoveryTimeout: (reopenings) => {
        if (reopenings > 0) throw oops;
        return 100;
      },
    });
    breaker.acquire();
    vi.advanceTimersByTime(50);
    rxjsConfig.onUnhandledError = null;
    expect(breaker.state).toBe('open');
    expect(unhandled).toStrictEqual([oops]);
  });
});

describe('half-open', () => {
  it('admits three probes at a time by default and closes after two successes', () => {
    const breaker = halfOpen();
    const probes = [breaker.acquire(), breaker.acquire(), breaker.acquire()];
    expect(refusal(breaker)).toMatchObject({
      retryAfter: undefined,
      message: 'Circuit "test" is half-open and all its places are taken: the attempt was not made.',
    });
    probes[0]?.success();
    expect(breaker.state).toBe('half-open');
    probes[1]?.success();
    expect(breaker.state).toBe('closed');
  });

  it('one failure opens it again, for the whole recovery time', () => {
    const breaker = halfOpen();
    vi.advanceTimersByTime(40);
    succeed(breaker);
    fail(breaker);
    expect(breaker.stats).toMatchObject({ state: 'open', retryAfter: 100 });
  });

  it('a success frees the place for the next probe', () => {
    const breaker = halfOpen({ halfOpenMaxCalls: 1, successThreshold: 3 });
    succeed(breaker);
    succeed(breaker);
    expect(breaker.state).toBe('half-open');
    succeed(breaker);
    expect(breaker.state).toBe('closed');
  });

  it('a neutral probe frees its place and leaves the state', () => {
    const breaker = halfOpen({ halfOpenMaxCalls: 1 });
    times(50, () => ignore(breaker));
    expect(breaker.stats).toMatchObject({
      state: 'half-open',
      failureCount: 0,
      successCount: 0,
      activeCount: 0,
    });
  });

  it('the minimum of the closed window does not gate the probes', () => {
    const breaker = new CircuitBreaker({
      window: { type: 'count', size: 10, failureRate: 0.1 },
      recoveryTimeout: 100,
    });
    times(10, () => fail(breaker));
    vi.advanceTimersByTime(100);
    succeed(breaker);
    expect(breaker.stats).toMatchObject({ state: 'half-open', failureRate: 0, successRate: 1 });
    fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it.each([
    { outcomes: 'SFS', state: 'closed' },
    { outcomes: 'FSS', state: 'closed' },
    { outcomes: 'FSF', state: 'open' },
    { outcomes: 'FF', state: 'open' },
    { outcomes: 'SS', state: 'closed' },
    { outcomes: 'FS', state: 'half-open' },
  ])('a sample of three at 50 % with $outcomes is $state', ({ outcomes, state }) => {
    const breaker = halfOpen({ halfOpenSample: { calls: 3, failureRate: 0.5 } });
    for (const outcome of outcomes) (outcome === 'S' ? succeed : fail)(breaker);
    expect(breaker.state).toBe(state);
  });

  it('a probe that never ends opens the circuit again after halfOpenTimeout, although places are free', () => {
    const breaker = halfOpen({ halfOpenTimeout: 500 });
    vi.advanceTimersByTime(10_000);
    breaker.acquire();
    vi.advanceTimersByTime(499);
    expect(breaker.state).toBe('half-open');
    vi.advanceTimersByTime(1);
    expect(breaker.state).toBe('open');
  });

  it('a probe that never ends is overdue also when another one has ended', () => {
    const breaker = halfOpen({ halfOpenTimeout: 500 });
    breaker.acquire();
    breaker.acquire().neutral();
    vi.advanceTimersByTime(500);
    expect(breaker.state).toBe('open');
  });

  it('without a probe nothing is overdue', () => {
    const breaker = halfOpen({ halfOpenTimeout: 500 });
    breaker.acquire().neutral();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(breaker.state).toBe('half-open');
  });
});

describe('generations', () => {
  it('an older failure does not open a circuit that closed meanwhile', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 100, successThreshold: 1 });
    const old = breaker.acquire();
    fail(breaker);
    vi.advanceTimersByTime(100);
    succeed(breaker);
    old.failure(boom);
    expect(breaker.stats).toMatchObject({ state: 'closed', failureCount: 0, activeCount: 0 });
  });

  it('an older result gives no place to the probes of a later generation', () => {
    const breaker = halfOpen({ halfOpenMaxCalls: 1 });
    const old = breaker.acquire();
    breaker.reset();
    fail(breaker);
    vi.advanceTimersByTime(100);
    breaker.acquire();
    old.success();
    expect(refusal(breaker)).toBeInstanceOf(CircuitOpenError);
    expect(breaker.stats.successCount).toBe(0);
  });

  it('a reset of a closed circuit begins a new generation', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1 });
    const old = breaker.acquire();
    breaker.reset();
    old.failure(boom);
    expect(breaker.stats).toMatchObject({ state: 'closed', lastFailure: undefined });
  });

  it('an older result is not put to classify', () => {
    const classify = vi.fn(() => 'failure' as const);
    const breaker = new CircuitBreaker({ classify });
    const old = breaker.acquire();
    breaker.reset();
    old.failure(boom);
    expect(classify).not.toHaveBeenCalled();
  });

  it('an attempt whose circuit opened while it waited in a queue is refused', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1 });
    const waiting = admitted(breaker);
    fail(breaker);
    expect(waiting.start()).toBeInstanceOf(CircuitOpenError);
    waiting.neutral();
    expect(breaker.stats).toMatchObject({ rejectedCount: 1, activeCount: 0 });
  });

  it('an attempt that begins after its wait belongs to the generation in which it begins', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 100, halfOpenMaxCalls: 1 });
    const waiting = admitted(breaker);
    fail(breaker);
    vi.advanceTimersByTime(100);
    expect(waiting.start()).toBeUndefined();
    expect(refusal(breaker)).toBeInstanceOf(CircuitOpenError);
    waiting.success();
    expect(breaker.stats).toMatchObject({ state: 'half-open', successCount: 1 });
  });
});

describe('classification', () => {
  it.each([
    { status: 400 },
    { status: 401 },
    { status: 403 },
    { status: 404 },
    { status: 413 },
    { status: 422 },
    { kind: 'context-length' },
    { kind: 'content-filter' },
    Object.assign(new Error('aborted'), { name: 'AbortError' }),
    new CircuitOpenError('other', 1),
    new BulkheadRejectedError('other', 'queue-full', 'is full'),
    new RateLimitExceededError('other', 1, 'is empty.'),
  ])('by default %o is neutral', (error) => {
    const breaker = new CircuitBreaker({ failureThreshold: 1 });
    fail(breaker, error);
    expect(breaker.stats).toMatchObject({ state: 'closed', failureCount: 0, lastFailure: undefined });
  });

  it.each([{ status: 429 }, { status: 500 }, { kind: 'transport' }, 'a string', undefined, null, 0])(
    'by default %o is a failure',
    (error) => {
      const breaker = new CircuitBreaker({ failureThreshold: 1 });
      breaker.acquire().failure(error);
      expect(breaker.state).toBe('open');
    },
  );

  it('classify has the last word about errors of the other side', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 2, classify: (error) => error as 'failure' });
    fail(breaker, 'failure');
    fail(breaker, 'neutral');
    expect(breaker.stats.failureCount).toBe(1);
    fail(breaker, 'success');
    fail(breaker, 'failure');
    expect(breaker.stats).toMatchObject({ state: 'closed', successCount: 1, failureCount: 2 });
  });

  it('local rejections are neutral whatever classify says', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, classify: () => 'failure' });
    fail(breaker, new BulkheadRejectedError('other', 'queue-full', 'is full'));
    expect(breaker.state).toBe('closed');
  });

  it('what classify throws is thrown on, and the call counts as failed', () => {
    const oops = new Error('oops');
    const breaker = new CircuitBreaker({
      failureThreshold: 1,
      classify: () => {
        throw oops;
      },
    });
    expect(() => fail(breaker)).toThrow(oops);
    expect(breaker.stats).toMatchObject({ state: 'open', lastFailure: { error: boom } });
  });

  it('a classify that sets the circuit by hand has the last word', () => {
    const breaker: CircuitBreaker = new CircuitBreaker({
      failureThreshold: 1,
      classify: () => {
        breaker.reset();
        return 'failure';
      },
    });
    fail(breaker);
    expect(breaker.stats).toMatchObject({ state: 'closed', failureCount: 0 });
  });

  it('ignore beats record, and what is not recorded is a success', () => {
    const breaker = new CircuitBreaker({
      failureThreshold: 9,
      ignore: (error) => error === 'ignored',
      record: (error) => error !== 'fine',
    });
    fail(breaker, 'ignored');
    expect(breaker.stats).toMatchObject({ failureCount: 0, successCount: 0 });
    fail(breaker, 'recorded');
    fail(breaker, 'fine');
    expect(breaker.stats).toMatchObject({ failureCount: 1, successCount: 1 });
  });

  it('ignore alone leaves the rest to the default', () => {
    const breaker = new CircuitBreaker({ ignore: (error) => error === 'ignored' });
    fail(breaker, 'ignored');
    fail(breaker, { status: 401 });
    expect(breaker.stats.failureCount).toBe(0);
    fail(breaker);
    expect(breaker.stats.failureCount).toBe(1);
  });
});

describe('by hand', () => {
  it('forced open refuses for ever and promises no time', () => {
    const breaker = new CircuitBreaker({ name: 'test' });
    breaker.forceOpen();
    vi.advanceTimersByTime(1e9);
    expect(refusal(breaker)).toMatchObject({
      retryAfter: undefined,
      message:
        'Circuit "test" was opened by hand: the attempt was not made. It stays open until reset() is called.',
    });
  });

  it('forced open says since when; disabled is not open', () => {
    vi.setSystemTime(5_000);
    const breaker = new CircuitBreaker();
    breaker.forceOpen();
    vi.advanceTimersByTime(1_000);
    expect(breaker.stats.openedAt).toBe(5_000);
    breaker.disable();
    expect(breaker.stats.openedAt).toBeUndefined();
  });

  it('disabled lets all pass and counts nothing', () => {
    const breaker = opened();
    breaker.disable();
    times(20, () => fail(breaker, new Error('unseen')));
    expect(breaker.stats).toMatchObject({ state: 'disabled', failureCount: 0, lastFailure: { error: boom } });
  });

  it('metrics-only counts and never opens', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1 });
    breaker.metricsOnly();
    times(20, () => fail(breaker));
    expect(breaker.stats).toMatchObject({ state: 'metrics-only', failureCount: 20, failureRate: 1 });
  });

  it.each(['reset', 'forceOpen', 'disable', 'metricsOnly'] as const)(
    '%s cancels what was to happen by itself',
    (control) => {
      const open = opened();
      open[control]();
      expect(vi.getTimerCount()).toBe(0);
      const probed = halfOpen();
      probed.acquire();
      probed[control]();
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it('reset closes and clears', () => {
    const breaker = opened();
    refusal(breaker);
    breaker.reset();
    expect(breaker.stats).toStrictEqual({
      state: 'closed',
      successCount: 0,
      failureCount: 0,
      slowCount: 0,
      activeCount: 0,
      rejectedCount: 0,
      failureRate: undefined,
      successRate: undefined,
      slowRate: undefined,
      lastFailure: undefined,
      openedAt: undefined,
      retryAfter: undefined,
    });
  });

  it('a transition to the state that it already has publishes nothing', () => {
    const heard = vi.fn();
    const breaker = new CircuitBreaker();
    breaker.onStateChange(heard);
    breaker.reset();
    expect(heard).not.toHaveBeenCalled();
    for (const control of ['forceOpen', 'disable', 'metricsOnly'] as const) {
      breaker[control]();
      heard.mockClear();
      breaker[control]();
      expect(heard).not.toHaveBeenCalled();
    }
  });

  it('to pin what is pinned keeps the counts', () => {
    const breaker = new CircuitBreaker();
    breaker.metricsOnly();
    fail(breaker);
    breaker.metricsOnly();
    expect(breaker.stats.failureCount).toBe(1);
  });
});

describe('who listens', () => {
  it('hears what changed, why, and until when', () => {
    vi.setSystemTime(1_000);
    const breaker = new CircuitBreaker({ failureThreshold: 1, successThreshold: 1, recoveryTimeout: 100 });
    const heard: unknown[] = [];
    breaker.transitions$.subscribe((transition) => heard.push(transition));
    fail(breaker);
    vi.advanceTimersByTime(100);
    succeed(breaker);
    breaker.disable();
    expect(heard).toStrictEqual([
      { from: 'closed', to: 'open', at: 1_000, reason: 'failure-threshold', retryAfter: 100, error: boom },
      { from: 'open', to: 'half-open', at: 1_100, reason: 'recovery-time' },
      { from: 'half-open', to: 'closed', at: 1_100, reason: 'probes-succeeded' },
      { from: 'closed', to: 'disabled', at: 1_100, reason: 'manual' },
    ]);
  });

  it('state$ tells the state first and then every change', () => {
    const breaker = opened();
    const states: CircuitState[] = [];
    breaker.state$.subscribe((state) => states.push(state));
    breaker.reset();
    breaker.reset();
    expect(states).toStrictEqual(['open', 'closed']);
  });

  it('state$ misses no change that its own first value causes', () => {
    const breaker = new CircuitBreaker();
    const states: CircuitState[] = [];
    breaker.state$.subscribe((state) => {
      states.push(state);
      if (state === 'closed') breaker.forceOpen();
    });
    expect(states).toStrictEqual(['closed', 'forced-open']);
  });

  it('may change the state again, and everybody hears one order, the bus included', () => {
    const events = new EventBus();
    const breaker = new CircuitBreaker({ failureThreshold: 1, events });
    const heard: string[] = [];
    events.on('state').subscribe(({ type }) => heard.push(`bus ${type}`));
    breaker.onStateChange(({ to }) => {
      heard.push(`first ${to}`);
      if (to === 'open') {
        expect(breaker.state).toBe('open');
        breaker.reset();
        breaker.state$.subscribe((state) => heard.push(`late ${state}`));
      }
    });
    breaker.onStateChange(({ to }) => heard.push(`second ${to}`));
    fail(breaker);
    expect(heard).toStrictEqual([
      'bus circuit_opened',
      'first open',
      'late open',
      'second open',
      'bus circuit_closed',
      'first closed',
      'second closed',
      'late closed',
    ]);
  });

  it('no longer hears after it has stopped listening', () => {
    const heard = vi.fn();
    const breaker = new CircuitBreaker();
    const stop = breaker.onStateChange(heard);
    stop();
    breaker.forceOpen();
    expect(heard).not.toHaveBeenCalled();
  });

  it('harms nobody by throwing', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1 });
    const throwing = (): never => {
      throw new Error('listener');
    };
    breaker.onStateChange(throwing);
    breaker.state$.subscribe(throwing);
    breaker.transitions$.subscribe(throwing);
    const states: CircuitState[] = [];
    breaker.state$.subscribe((state) => states.push(state));
    fail(breaker);
    // RxJS would throw it again from a timer.
    expect(() => vi.runOnlyPendingTimers()).not.toThrow();
    expect(states).toStrictEqual(['closed', 'open', 'half-open']);
  });

  it('reads on the bus what happened', () => {
    vi.setSystemTime(0);
    const events = new EventBus();
    const heard: ResilienceEvent[] = [];
    events.subscribe((event) => heard.push(event));
    const breaker = opened({ events, successThreshold: 1 });
    refusal(breaker);
    vi.advanceTimersByTime(100);
    succeed(breaker);
    breaker.forceOpen();
    const common = { source: 'test', category: 'state' };
    expect(heard).toStrictEqual([
      {
        ...common,
        type: 'circuit_opened',
        timestamp: 0,
        data: { from: 'closed', to: 'open', retryAfter: 100, error: { name: 'Error', message: 'boom' } },
      },
      {
        type: 'circuit_rejected',
        category: 'rejection',
        source: 'test',
        timestamp: 0,
        data: { retryAfter: 100 },
      },
      { ...common, type: 'circuit_half_open', timestamp: 100, data: { from: 'open', to: 'half-open' } },
      { ...common, type: 'circuit_closed', timestamp: 100, data: { from: 'half-open', to: 'closed' } },
      { ...common, type: 'circuit_opened', timestamp: 100, data: { from: 'closed', to: 'forced-open' } },
    ]);
  });
});

describe('stats', () => {
  it('tell the last failure, also after successes', () => {
    const breaker = new CircuitBreaker();
    fail(breaker);
    succeed(breaker);
    expect(breaker.stats.lastFailure?.error).toBe(boom);
  });

  it('while open tell what opened it, since when and for how long', () => {
    vi.setSystemTime(5_000);
    const breaker = new CircuitBreaker({
      window: { type: 'count', size: 4, failureRate: 0.75 },
      recoveryTimeout: 100,
    });
    succeed(breaker);
    times(3, () => fail(breaker));
    vi.advanceTimersByTime(40);
    refusal(breaker);
    expect(breaker.stats).toStrictEqual({
      state: 'open',
      successCount: 1,
      failureCount: 3,
      slowCount: 0,
      activeCount: 0,
      rejectedCount: 1,
      failureRate: 0.75,
      successRate: 0.25,
      slowRate: 0,
      lastFailure: { at: 5_000, error: boom },
      openedAt: 5_000,
      retryAfter: 60,
    });
  });
});

describe('acquire', () => {
  it('throws when the circuit is open', () => {
    expect(() => opened().acquire()).toThrow(CircuitOpenError);
  });

  it('measures the call and gives it back as neutral when the block ends without an outcome', () => {
    const breaker = halfOpen({ halfOpenMaxCalls: 1 });
    {
      using _lease = breaker.acquire();
      expect(breaker.stats.activeCount).toBe(1);
    }
    expect(breaker.stats).toMatchObject({ activeCount: 0, failureCount: 0, state: 'half-open' });
    expect(breaker.admit()).toBeInstanceOf(Lease);
  });
});

it('a config is typed: functions infer their arguments, and a duration is a number', () => {
  const breaker = new CircuitBreaker({ recoveryTimeout: (reopenings) => reopenings.valueOf() });
  expect(breaker.state).toBe('closed');
  // @ts-expect-error a string is no duration
  expect(() => new CircuitBreaker({ recoveryTimeout: 'soon' })).toThrow('option "recoveryTimeout"');
});

describe('bad configuration is refused by name', () => {
  it.each<[CircuitBreakerConfig, string]>([
    [{ failureThreshold: 0 }, 'option "failureThreshold" must be a whole number of at least 1, got 0'],
    [{ failureThreshold: Number.NaN }, 'option "failureThreshold"'],
    [{ recoveryTimeout: -1 }, 'option "recoveryTimeout" must not be negative'],
    [{ recoveryTimeout: Number.POSITIVE_INFINITY }, 'option "recoveryTimeout" must be a finite duration'],
    [{ successThreshold: 0 }, 'option "successThreshold"'],
    [{ halfOpenMaxCalls: 0 }, 'option "halfOpenMaxCalls"'],
    [{ halfOpenTimeout: 0 }, 'option "halfOpenTimeout" must be greater than 0, got 0'],
    [{ halfOpenTimeout: Number.POSITIVE_INFINITY }, 'option "halfOpenTimeout" must be a finite duration'],
    [{ window: { type: 'count', size: 0 } }, 'option "window.size"'],
    [{ window: { type: 'count', size: 1e9 } }, 'option "window.size" must be at most 1000000'],
    [
      { window: { type: 'count', size: 5, minimumCalls: 6 } },
      'option "window.minimumCalls" must not exceed "size": the window would never hold that many, got 6',
    ],
    [{ window: { type: 'count', size: 5, failureRate: 0 } }, 'option "window.failureRate"'],
    [{ window: { type: 'count', size: 5, failureRate: 1.1 } }, 'option "window.failureRate"'],
    [{ window: { type: 'time', duration: 0 } }, 'option "window.duration" must be greater than 0, got 0'],
    [{ window: { type: 'time', duration: 10, buckets: 0 } }, 'option "window.buckets"'],
    [
      { window: { type: 'other' as 'count', size: 5 } },
      'option "window.type" must be "count" or "time", got "other"',
    ],
    [
      { failureThreshold: 5, window: { type: 'count', size: 5 } },
      'option "failureThreshold" has no effect beside "window"',
    ],
    [{ slowCall: { threshold: 5 } }, 'option "slowCall" needs a "window"'],
    [
      { successThreshold: 2, halfOpenSample: { calls: 3, failureRate: 0.5 } },
      'option "successThreshold" has no effect beside "halfOpenSample"',
    ],
    [{ classify: () => 'failure', ignore: () => true }, 'option "classify" answers for all errors'],
    [{ recoveryTime: 5 } as CircuitBreakerConfig, 'unknown option "recoveryTime"'],
  ])('%o', (config, message) => {
    expect(() => new CircuitBreaker(config)).toThrow(message);
    expect(() => new CircuitBreaker(config)).toThrow(/^CircuitBreaker: /);
  });
});
