import { lastValueFrom, NEVER, of, Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bulkhead } from '../../src/bulkhead/index.ts';
import { ResilientProvider } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import {
  expectEvents,
  expectNoLeaks,
  flaky,
  type MarbleMatchers,
  marbleMatchers,
  recordEvents,
  runMarbles,
  scriptedProvider,
} from '../../src/testing/index.ts';

expect.extend(marbleMatchers);
declare module 'vitest' {
  interface Matchers<T> extends MarbleMatchers<T> {}
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const question = [{ role: 'user', content: 'Hello' }] as const;

describe('at a promise', () => {
  it('scripts run under fake timers, events and leaks are checked at once', async () => {
    const events = new EventBus();
    const recording = recordEvents(events.on('recovery'));
    const provider = scriptedProvider('--A--#', '--A--B--(F|)');
    const retry = { maxRetries: 1, backoff: fixedBackoff(1_000) };
    const assistant = new ResilientProvider({ provider, retry, events });
    const answer = assistant.chat(question);
    await vi.advanceTimersByTimeAsync(2_000);
    await expect(answer).resolves.toMatchObject({ text: 'AB' });
    recording.stop();
    expectEvents(recording, [{ type: 'retry_attempted', data: { delay: 1_000 } }, 'stream_retracted']);
    expectNoLeaks(assistant, provider, events);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a difference is an error', () => {
    const bus = new EventBus();
    const recording = recordEvents(bus);
    bus.publish('timed_out', 'api', { kind: 'total', after: 5 });
    expect(() => expectEvents(recording, [{ type: 'timed_out', data: { kind: 'each' } }])).toThrow(
      '✗ expected timed_out {"data":{"kind":"each"}}, heard timed_out from "api"',
    );
    expect(() => expectNoLeaks(bus)).toThrow('leak: subject 1 has listeners.');
  });

  it('the expectations that check at once are refused inside a run, where nothing has happened yet', () => {
    const recording = recordEvents(new EventBus());
    expect(() => runMarbles(() => expectEvents(recording, []))).toThrow(
      'The imported expectEvents checks at once',
    );
    expect(() => runMarbles(() => expectNoLeaks(new Subject()))).toThrow(
      'The imported expectNoLeaks checks at once',
    );
  });
});

describe('a matcher', () => {
  it('compares a stream with marbles', () => {
    expect(flaky('--a--|')).toShowMarbles('--a--|');
    expect(of(1)).toShowMarbles('(a|)', { a: 1 });
    expect(flaky('--#')).not.toShowMarbles('--#', {}, 'another');
    expect(() => expect(flaky('--a--|')).toShowMarbles('--b--|')).toThrow('^ frame 2: expected b, got a');
    expect(() => expect(flaky('--a--|')).not.toShowMarbles('--a--|')).toThrow(
      'expected anything but these marbles',
    );
  });

  it('compares events', () => {
    const bus = new EventBus();
    const recording = recordEvents(bus);
    bus.publish('timed_out', 'api', { kind: 'total', after: 5 });
    expect(recording).toHaveEvents(['timed_out']);
    expect(recording).not.toHaveEvents([]);
    expect(() => expect(recording).toHaveEvents([])).toThrow('✗ expected nothing, heard timed_out');
  });

  it('looks for leaks', async () => {
    const pool = new Bulkhead({ name: 'pool' });
    const lease = await pool.acquire();
    expect(() => expect(pool).toHaveNoLeaks()).toThrow('leak: "pool" has leases out: 1.');
    lease.neutral();
    expect(pool).toHaveNoLeaks();
    await expect(lastValueFrom(of(1))).resolves.toBe(1);
    expect(() => expect(NEVER).toHaveNoLeaks()).toThrow('cannot look into subject 1');
  });

  it('passes on what is no difference', () => {
    const broken = new TypeError('broken');
    const bus = {
      observed: false,
      get stats(): never {
        throw broken;
      },
    };
    expect(() => expect(bus).toHaveNoLeaks()).toThrow(broken);
  });
});
