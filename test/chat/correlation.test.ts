import { delay, merge, NEVER, of } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { EventType, ResilienceEvent } from '../../src/core/events.ts';
import { currentScope } from '../../src/core/scope.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { AT_ONCE, breaksAfter, failing, HELLO, read, resilient, says, scripted, words } from './scripted.ts';

let events: EventBus;
let heard: ResilienceEvent[];
beforeEach(() => {
  events = new EventBus();
  heard = [];
  events.subscribe((event) => heard.push(event));
});

const story = (): string[] =>
  heard.map(({ type, source, call, attempt }) => `${source}: ${type} ${call}.${attempt}`);
const numbers = (type: EventType): unknown[] =>
  heard.filter((event) => event.type === type).map(({ call, attempt }) => `${call}.${attempt}`);

test('every event of a call carries its name and the number of the attempt', () => {
  const main = scripted('main', [failing('server'), breaksAfter(words('a'))]);
  const spare = scripted('spare', [says('b')]);
  const assistant = resilient({
    name: 'assistant',
    provider: main,
    fallbackProvider: spare,
    retry: { maxRetries: 1, backoff: AT_ONCE },
    recovery: 'restart',
    events,
  });
  expect(read(assistant.stream(HELLO, { callId: 'c' })).shown).toBe('b');
  expect(story()).toStrictEqual([
    'assistant: stream_started c.1',
    'assistant: attempt_started c.1',
    'assistant: attempt_ended c.1',
    'main: retry_attempted c.1',
    'assistant: attempt_started c.2',
    'assistant: first_token c.2',
    'assistant: attempt_ended c.2',
    'main: retry_exhausted c.2',
    'assistant: fallback_used c.2',
    'assistant: attempt_started c.3',
    'assistant: stream_retracted c.3',
    'assistant: provider_switched c.3',
    'assistant: first_token c.3',
    'assistant: attempt_ended c.3',
    'assistant: stream_ended c.3',
  ]);
  expect(currentScope()).toBeUndefined();
});

test('an attempt that a policy refuses has a number, but no line in the ledger', async () => {
  const circuitBreaker = new CircuitBreaker({ name: 'main', events });
  circuitBreaker.forceOpen();
  const phases: unknown[] = [];
  const assistant = resilient({
    provider: scripted('main', [says('a')]),
    fallbackProvider: scripted('spare', [says('b')]),
    circuitBreaker,
    events,
  });
  const { attempts, ledger } = await assistant.chat(HELLO, {
    callId: 'c',
    onPhase: ({ phase, attempt }) => phases.push([phase, attempt]),
  });
  expect(numbers('circuit_rejected')).toStrictEqual(['c.1']);
  expect(numbers('attempt_ended')).toStrictEqual(['c.2']);
  expect([attempts, ledger.map(({ attempt }) => attempt)]).toStrictEqual([1, [2]]);
  expect(phases).toContainEqual(['content', 2]);
});

test('a continuation that is refused is an attempt of its own, and so is what follows', () => {
  const main = scripted('main', [
    breaksAfter(words('The quick brown fox ')),
    failing('invalid'),
    says('The end'),
  ]);
  const provider = resilient({
    provider: main,
    retry: { maxRetries: 1, backoff: AT_ONCE },
    recovery: 'continue',
    events,
  });
  expect(read(provider.stream(HELLO, { callId: 'c' })).shown).toBe('The end');
  expect(numbers('attempt_ended')).toStrictEqual(['c.1', 'c.2', 'c.3']);
  expect(numbers('stream_retracted')).toStrictEqual(['c.3']);
  expect(main.asked.map(({ context }) => `${context.callId}.${context.attempt}`)).toStrictEqual([
    'c.1',
    'c.2',
    'c.3',
  ]);
});

test('providers that nest speak of one call', () => {
  const inner = resilient({
    name: 'inner',
    provider: scripted('a', [failing('server')]),
    fallbackProvider: scripted('b', [failing('server')]),
    events,
  });
  const outer = resilient({
    name: 'outer',
    provider: inner,
    fallbackProvider: scripted('c', [says('c')]),
    events,
  });
  expect(read(outer.stream(HELLO)).shown).toBe('c');
  const call = heard[0]?.call;
  expect(new Set(heard.map((event) => event.call))).toStrictEqual(new Set([call]));
  expect(call).toMatch(/^call-\d+$/);
  expect(story().filter((line) => /attempt_ended|stream_ended/.test(line))).toStrictEqual([
    `inner: attempt_ended ${call}.1`,
    `inner: attempt_ended ${call}.2`,
    `inner: stream_ended ${call}.2`,
    `outer: attempt_ended ${call}.1`,
    `outer: attempt_ended ${call}.3`,
    `outer: stream_ended ${call}.3`,
  ]);
});

test('a call inside of another that has a name of its own is another call', () => {
  const inner = resilient({ name: 'inner', provider: scripted('a', [says('a')]), events });
  const provider = { name: 'wrapper', stream: () => inner.stream(HELLO, { callId: 'mine' }) };
  read(resilient({ provider, events }).stream(HELLO, { callId: 'theirs' }));
  expect(new Set(heard.map(({ source, call }) => `${source} ${call}`))).toStrictEqual(
    new Set(['wrapper theirs', 'inner mine']),
  );
});

describe('in virtual time', () => {
  test.each(['headers', 'first', 'each', 'throughput', 'total'] as const)('the clock "%s"', (kind) => {
    const timeouts = {
      headers: { headers: 10 },
      first: { first: 10 },
      each: { each: 10 },
      throughput: { minTokensPerSecond: 1_000, throughputWindow: 10 },
      total: { total: 10 },
    };
    new TestScheduler(() => {}).run(() => {
      const silent = kind === 'headers' || kind === 'first';
      const begins = merge(of(...words('a')).pipe(delay(1)), NEVER);
      const main = scripted('main', [failing('server'), silent ? NEVER : begins]);
      const assistant = resilient({
        provider: main,
        retry: { maxRetries: 1, backoff: fixedBackoff(1) },
        timeout: timeouts[kind],
        events,
      });
      const other = resilient({ provider: scripted('other', [merge(of(...words('o')), NEVER)]), events });
      other.stream(HELLO, { callId: 'other' }).subscribe();
      assistant.stream(HELLO, { callId: 'c' }).subscribe({ error: () => {} });
    });
    expect(heard.map((event) => event.type === 'timed_out' && event.data.kind)).toContain(kind);
    expect(numbers('timed_out')).toStrictEqual(['c.2']);
    expect(numbers('stream_ended')).toStrictEqual(['c.2']);
  });
});

test('a call that is given up, by its caller or by his signal', () => {
  const controller = new AbortController();
  const provider = resilient({ provider: scripted('main', [NEVER]), events });
  provider.stream(HELLO, { callId: 'left' }).subscribe().unsubscribe();
  provider.stream(HELLO, { callId: 'aborted', signal: controller.signal }).subscribe({ error: () => {} });
  controller.abort();
  provider
    .stream(HELLO, { callId: 'late', signal: controller.signal })
    .subscribe({ error: () => expect(currentScope()).toBeUndefined() });
  expect(numbers('attempt_ended')).toStrictEqual(['left.1', 'aborted.1']);
  expect(numbers('stream_ended')).toStrictEqual(['left.1', 'aborted.1', 'late.1']);
});

test('whoever asks another question inside of an answer begins another call', () => {
  const provider = resilient({ provider: scripted('main', [says('a')]), events });
  provider.stream(HELLO).subscribe(() => provider.stream(HELLO).subscribe());
  expect(new Set(heard.map(({ call }) => call)).size).toBe(1 + 2);
});
