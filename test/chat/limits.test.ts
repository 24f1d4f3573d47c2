/** Limits of tokens, priorities and patience, as calls of a provider use them without a word. */
import { NEVER, Subject } from 'rxjs';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import {
  type ChatChunk,
  type ChatRequest,
  ProviderError,
  ResilientProvider,
  type ResilientProviderConfig,
} from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { RateLimiter, type RateLimiterConfig } from '../../src/rate-limit/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import { ANSWER, breaksAfter, FINISH, HELLO, read, says, scripted, words } from './scripted.ts';

let scheduler: ManualScheduler;
let events: EventBus;
beforeEach(() => {
  scheduler = new ManualScheduler();
  events = new EventBus();
});

const limiterOf = (config: RateLimiterConfig = {}): RateLimiter =>
  new RateLimiter({
    name: 'main',
    tokensPerMinute: 60_000,
    burstWindow: 10_000,
    queueTimeout: Infinity,
    random: () => 0,
    scheduler,
    events,
    ...config,
  });
const assistant = (config: ResilientProviderConfig): ResilientProvider =>
  new ResilientProvider({ scheduler, events, ...config });
const usage = (inputTokens: number, outputTokens: number): ChatChunk => ({
  type: 'usage',
  usage: { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
});

describe('the estimate of a request', () => {
  const reservedFor = (request: ChatRequest, config: Partial<ResilientProviderConfig> = {}): number => {
    const limiter = limiterOf();
    const main = scripted('main', [NEVER]);
    assistant({ provider: main, rateLimit: limiter, ...config })
      .stream(request)
      .subscribe();
    return 10_000 - (limiter.state.balances.tokens ?? 0);
  };
  const messages = [{ role: 'user' as const, content: 'x'.repeat(400) }];

  test.each<[string, ChatRequest, number]>([
    ['a quarter of its characters, and 500 for an answer that nobody knows', { messages }, 600],
    ['as much as the answer may have', { messages, maxTokens: 40 }, 140],
    ['not even one token for the answer', { messages, maxTokens: 0 }, 100],
    [
      'tool calls and tools as well',
      {
        messages: [
          ...messages,
          { role: 'assistant', content: '', toolCalls: [{ id: 'c', name: 'time', arguments: '{"a":1}' }] },
        ],
        maxTokens: 1,
        tools: [{ name: 'time', parameters: {} }],
      },
      101 + Math.ceil((11 + JSON.stringify([{ name: 'time', parameters: {} }]).length) / 4),
    ],
  ])('%s', (_, request, reserved) => {
    expect(reservedFor(request)).toBe(reserved);
  });

  test('is made anew for every attempt, by your own function if you like', () => {
    const estimateTokens = vi.fn(() => ({ inputTokens: 7, outputTokens: 3 }));
    expect(reservedFor({ messages }, { estimateTokens })).toBe(10);
    expect(estimateTokens.mock.calls).toStrictEqual([[{ messages }]]);
    expect(reservedFor({ messages }, { estimateTokens: () => 42 })).toBe(42);
  });

  test('of yours that throws is the error of the call', () => {
    const boom = new Error('boom');
    const provider = assistant({
      provider: scripted('main', [says('a')]),
      rateLimit: limiterOf(),
      estimateTokens() {
        throw boom;
      },
    });
    expect(read(provider.stream(HELLO)).error).toBe(boom);
  });

  test('is not made where no tokens are limited', () => {
    const estimateTokens = vi.fn(() => 1);
    const limiter = limiterOf({ tokensPerMinute: undefined });
    const provider = assistant({
      provider: scripted('main', [says('a')]),
      rateLimit: limiter,
      estimateTokens,
    });
    read(provider.stream(HELLO));
    expect(estimateTokens).not.toHaveBeenCalled();
  });

  test('learns how long the answers are', () => {
    const limiter = limiterOf();
    const source = new Subject<ChatChunk>();
    const provider = assistant({
      provider: scripted('main', [breaksAfter([...words('a'), usage(2, 100), FINISH]), source]),
      rateLimit: limiter,
    });
    read(provider.stream(HELLO));
    expect(limiter.state.balances.tokens).toBe(9_898);
    provider.stream(HELLO).subscribe();
    expect(limiter.state.balances.tokens).toBe(9_898 - 2 - 100);
    source.next({ type: 'text', text: 'b' });
    source.next(usage(2, 180));
    source.next(FINISH);
    expect(limiter.state.balances.tokens).toBe(9_898 - 182);
    provider.stream(HELLO).subscribe();
    expect(limiter.state.balances.tokens).toBe(9_898 - 182 - 2 - 110);
  });
});

describe('what a call has used', () => {
  const leftAfter = (...attempts: Parameters<typeof scripted>[1]): number | undefined => {
    const limiter = limiterOf();
    read(
      assistant({
        provider: scripted('main', attempts),
        rateLimit: limiter,
        estimateTokens: () => ({ inputTokens: 10, outputTokens: 50 }),
      }).stream(HELLO),
    );
    return limiter.state.balances.tokens;
  };

  test('is what the provider counted', () => {
    expect(leftAfter(breaksAfter([...words(ANSWER), usage(8, 12), FINISH]))).toBe(9_980);
  });

  test('is what came, four characters a token, when it did not count', () => {
    expect(leftAfter(says(ANSWER))).toBe(10_000 - 10 - Math.ceil(ANSWER.length / 4));
  });

  test('stays what was expected when the answer broke off, and what came beyond is added', () => {
    expect(leftAfter(breaksAfter(words(ANSWER)))).toBe(9_940);
    expect(leftAfter(breaksAfter(words('x'.repeat(400))))).toBe(10_000 - 10 - 100);
  });
});

test('a refusal pauses the limiter for all calls, and a retry waits with them', () => {
  const limiter = limiterOf({ requestsPerMinute: 60_000 });
  const refusal = new ProviderError('slow down', { kind: 'rate-limit', provider: 'main', retryAfter: 400 });
  const main = scripted('main', [refusal, says('a')]);
  const provider = assistant({ provider: main, rateLimit: limiter, retry: 1 });
  const times: number[] = [];
  const call = (): void => {
    provider.stream(HELLO).subscribe({ complete: () => times.push(scheduler.now()) });
  };
  call();
  call();
  expect(limiter.state.paused).toBe(true);
  scheduler.advanceTo(399);
  expect(main.asked).toHaveLength(1);
  scheduler.advanceTo(2_000);
  // Nothing had piled up: the second has to wait for as many tokens as it expects.
  expect(times).toHaveLength(2);
  expect(times[0]).toBe(400);
  expect(times[1]).toBeGreaterThan(400);
});

test('the alternatives have limiters of their own, a shared one is for the first alone', () => {
  const main = scripted('main', [
    new ProviderError('no', { kind: 'rate-limit', provider: 'main', retryAfter: 9_000 }),
  ]);
  const spare = scripted('spare', [says('a')]);
  const paused: string[] = [];
  events.on('limiter_paused').subscribe(({ source }) => paused.push(source));
  const provider = assistant({
    provider: main,
    fallbackProvider: spare,
    rateLimit: { tokensPerMinute: 60_000, queueTimeout: 1_000 },
  });
  expect(read(provider.stream(HELLO)).shown).toBe('a');
  expect(read(provider.stream(HELLO)).shown).toBe('a');
  expect([paused, main.asked.length, spare.asked.length]).toStrictEqual([['main'], 1, 2]);
});

describe('the priority of a call', () => {
  test('decides who goes first, and its providers hear of it', () => {
    const main = scripted('main', [NEVER, says('a')]);
    const provider = assistant({ provider: main, bulkhead: { maxConcurrent: 1 } });
    const first = provider.stream(HELLO).subscribe();
    const order: number[] = [];
    for (const priority of [0, 2, 1])
      provider.stream(HELLO, { priority }).subscribe({ complete: () => order.push(priority) });
    first.unsubscribe();
    expect(order).toStrictEqual([2, 1, 0]);
    expect(main.asked.map(({ context }) => context.priority)).toStrictEqual([undefined, 2, 1, 0]);
  });

  test('reaches a provider inside of another', () => {
    const main = scripted('main', [NEVER, says('a')]);
    const inner = assistant({ provider: main, bulkhead: { maxConcurrent: 1 }, name: 'inner' });
    const outer = assistant({ provider: inner });
    const first = outer.stream(HELLO).subscribe();
    const order: number[] = [];
    for (const priority of [1, 5])
      outer.stream(HELLO, { priority }).subscribe({ complete: () => order.push(priority) });
    first.unsubscribe();
    expect(order).toStrictEqual([5, 1]);
  });

  test('that is no number is refused', () => {
    const provider = assistant({ provider: scripted('main', [says('a')]) });
    expect(() => provider.stream(HELLO, { priority: Number.NaN })).toThrow(
      /"priority" must be a finite number/,
    );
  });
});

describe('the patience of a call', () => {
  test('is known to those who would let it wait: what cannot be in time is left to another provider at once', () => {
    const limiter = limiterOf();
    limiter.tryAcquire(10_000);
    const main = scripted('main', [says('late')]);
    const provider = assistant({
      provider: main,
      fallbackProvider: scripted('spare', [says('in time')]),
      rateLimit: limiter,
      estimateTokens: () => 3_000,
    });
    expect(read(provider.stream(HELLO, { timeout: 2_000 })).shown).toBe('in time');
    expect(main.asked).toStrictEqual([]);
    const patient: string[] = [];
    provider.stream(HELLO, { timeout: 4_000 }).subscribe((chunk) => patient.push(chunk.type));
    scheduler.advanceTo(3_000);
    expect([patient, main.asked.length]).toStrictEqual([['text', 'finish'], 1]);
  });

  test('is enough for a place that is about to come free, however long an answer takes', () => {
    const places = new Bulkhead({ maxConcurrent: 1, queueTimeout: Infinity, scheduler, events });
    const provider = assistant({
      provider: scripted('main', [says('soon')]),
      fallbackProvider: scripted('spare', [says('at once')]),
      bulkhead: places,
    });
    const running = (): Subject<never> => {
      const source = new Subject<never>();
      source.pipe(bulkhead(places)).subscribe();
      return source;
    };
    const first = running();
    scheduler.advanceTo(10_000);
    first.complete();
    const second = running();
    expect(read(provider.stream(HELLO, { timeout: 5_000 })).shown).toBe('at once');
    scheduler.advanceTo(19_900);
    const shown: string[] = [];
    provider.stream(HELLO, { timeout: 5_000 }).subscribe((chunk) => shown.push(chunk.type));
    second.complete();
    expect(shown).toStrictEqual(['text', 'finish']);
  });

  test('that is over while it waits is a timeout of the call, not a refusal of the bulkhead', () => {
    const places = new Bulkhead({ maxConcurrent: 1, queueTimeout: Infinity, scheduler, events });
    const provider = assistant({ provider: scripted('main', [NEVER]), bulkhead: places });
    provider.stream(HELLO).subscribe();
    const errors: unknown[] = [];
    provider
      .stream(HELLO, { timeout: 100 })
      .subscribe({ error: ({ name, kind }) => errors.push(name, kind, scheduler.now()) });
    scheduler.advanceTo(1_000);
    expect([errors, places.queueSize]).toStrictEqual([['StreamTimeoutError', 'total', 100], 0]);
  });
});

test('what a provider inside says about its limits is heard by whoever is outside', () => {
  const heard = vi.fn();
  const main = scripted('main', [
    (_request, { limitsReported }) => {
      limitsReported?.([{ dimension: 'tokens', remaining: 5 }]);
      return says('a');
    },
  ]);
  const inner = limiterOf({ burstWindow: 100 });
  const provider = assistant({ provider: main, rateLimit: inner, estimateTokens: () => 1 });
  read(provider.stream(HELLO, { limitsReported: heard }));
  expect(heard.mock.calls).toStrictEqual([[[{ dimension: 'tokens', remaining: 5 }]]]);
  expect(inner.state.balances.tokens).toBeLessThanOrEqual(5);
});
