import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CircuitBreaker,
  type CircuitBreakerConfig,
  type CircuitSnapshot,
  CircuitSnapshotSchema,
} from '../../src/circuit-breaker/index.ts';

const boom = Object.assign(new TypeError('boom'), { kind: 'server' });
const fail = (breaker: CircuitBreaker): void => breaker.acquire().failure(boom);

/** Through JSON and into a process whose clock started at another time. */
function move(breaker: CircuitBreaker, config: CircuitBreakerConfig = {}): CircuitBreaker {
  const json = JSON.stringify(breaker.snapshot());
  vi.useRealTimers();
  vi.useFakeTimers();
  vi.advanceTimersByTime(12_345);
  return CircuitBreaker.restore(JSON.parse(json) as CircuitSnapshot, config);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(1_000);
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a snapshot', () => {
  it('is safe as JSON in every state and satisfies its schema', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 100 });
    const check = (): void => {
      const snapshot = breaker.snapshot();
      expect(JSON.parse(JSON.stringify(snapshot))).toStrictEqual(snapshot);
      expect(CircuitSnapshotSchema.parse(snapshot)).toStrictEqual(snapshot);
    };
    check();
    fail(breaker);
    check();
    vi.advanceTimersByTime(100);
    check();
    for (const control of ['forceOpen', 'disable', 'metricsOnly'] as const) {
      breaker[control]();
      check();
    }
  });

  it('keeps an open circuit open for what was left', () => {
    const config = { name: 'moved', failureThreshold: 1, recoveryTimeout: 100 };
    const before = new CircuitBreaker(config);
    fail(before);
    vi.advanceTimersByTime(30);
    const after = move(before, config);
    expect(after.name).toBe('moved');
    expect(after.stats).toMatchObject({ state: 'open', retryAfter: 70, openedAt: 1_000 });
    vi.advanceTimersByTime(69);
    expect(after.state).toBe('open');
    vi.advanceTimersByTime(1);
    expect(after.state).toBe('half-open');
  });

  it('keeps the last failure, as an error that reads like the one before', () => {
    const before = new CircuitBreaker({ failureThreshold: 1 });
    fail(before);
    const after = move(before);
    const { lastFailure } = after.stats;
    expect(lastFailure?.at).toBe(1_000);
    expect(lastFailure?.error).toBeInstanceOf(Error);
    expect(lastFailure?.error).toMatchObject({ name: 'TypeError', message: 'boom', kind: 'server' });
    expect(() => after.acquire()).toThrow(expect.objectContaining({ cause: lastFailure?.error }));
  });

  it('keeps the number of reopenings', () => {
    const config = { failureThreshold: 1, recoveryTimeout: (reopenings: number) => 10 * (reopenings + 1) };
    const before = new CircuitBreaker(config);
    fail(before);
    vi.advanceTimersByTime(10);
    fail(before);
    const after = move(before, config);
    vi.advanceTimersByTime(20);
    fail(after);
    expect(after.stats.retryAfter).toBe(30);
  });

  it.each<[string, CircuitBreakerConfig]>([
    ['failures in a row', { failureThreshold: 3 }],
    ['a count window', { window: { type: 'count', size: 3 } }],
    ['a time window', { window: { type: 'time', duration: 1_000, minimumCalls: 3 } }],
  ])('keeps what a closed circuit knew by %s', (_, config) => {
    const before = new CircuitBreaker(config);
    fail(before);
    fail(before);
    const after = move(before, config);
    expect(after.stats.failureCount).toBe(2);
    fail(after);
    expect(after.state).toBe('open');
  });

  it('of another kind of window begins anew', () => {
    const before = new CircuitBreaker({ failureThreshold: 3 });
    fail(before);
    for (const window of [
      { type: 'count', size: 5 },
      { type: 'time', duration: 5 },
    ] as const) {
      expect(move(before, { window }).stats.failureCount).toBe(0);
      const windowed = new CircuitBreaker({ window });
      fail(windowed);
      expect(move(windowed).stats.failureCount).toBe(0);
    }
  });

  it.each(['forceOpen', 'disable', 'metricsOnly'] as const)('keeps what was set by %s', (control) => {
    const before = new CircuitBreaker();
    before[control]();
    const after = move(before);
    const states: string[] = [];
    after.state$.subscribe((state) => states.push(state));
    expect([after.state, ...states]).toStrictEqual([before.state, before.state]);
  });

  it('keeps since when a circuit has been open by hand', () => {
    const before = new CircuitBreaker();
    before.forceOpen();
    expect(move(before).stats).toMatchObject({ state: 'forced-open', openedAt: 1_000 });
  });

  it('leaves the name to the config, if that has one', () => {
    const before = new CircuitBreaker({ name: 'before' });
    expect(move(before).name).toBe('before');
    expect(move(before, { name: 'after' }).name).toBe('after');
  });

  it('without what was seen begins anew', () => {
    const { evidence: _, ...snapshot } = new CircuitBreaker({ failureThreshold: 1 }).snapshot();
    const after = CircuitBreaker.restore(snapshot, { failureThreshold: 1 });
    expect(after.stats).toMatchObject({ state: 'closed', failureCount: 0 });
    fail(after);
    expect(after.state).toBe('open');
  });

  it('of a half-open circuit gives new places to new probes', () => {
    const config = { failureThreshold: 1, recoveryTimeout: 10, halfOpenMaxCalls: 1, successThreshold: 1 };
    const before = new CircuitBreaker(config);
    fail(before);
    vi.advanceTimersByTime(10);
    before.acquire();
    const after = move(before, config);
    after.acquire().success();
    expect(after.state).toBe('closed');
  });

  it('of a later version, which says more, tells what is known here', () => {
    const before = new CircuitBreaker({ failureThreshold: 2 });
    fail(before);
    const snapshot = { ...before.snapshot(), trend: { failures: { rising: true } } };
    expect(CircuitBreaker.restore(snapshot).stats).toMatchObject({ state: 'closed', failureCount: 1 });
  });

  it('that is none is refused by name', () => {
    expect(() => CircuitBreaker.restore({} as CircuitSnapshot)).toThrow(
      'CircuitBreaker.restore: option "name" must be a string',
    );
  });
});
