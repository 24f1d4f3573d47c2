import { LLMock } from '@copilotkit/aimock';
import { from, lastValueFrom, NEVER, type Observable, of, take, throwError, toArray } from 'rxjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Bulkhead } from '../../src/bulkhead/index.ts';
import {
  type ChatChunk,
  type ChatProvider,
  isContent,
  ProviderError,
  type ProviderErrorKind,
  ResilientProvider,
  type ResilientProviderConfig,
  StreamInterruptedError,
  text,
} from '../../src/chat/index.ts';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { messageOf } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { openAICompatible } from '../../src/providers/openai-compatible/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { closingTime } from '../support/closing-time.ts';
import {
  combine,
  contentPolicyViolation,
  contextLengthExceeded,
  cutAfter,
  DEFAULT_ANSWER,
  endAfter,
  errorAfter,
  errorAfterRole,
  errorFirst,
  type Fault,
  type FaultServer,
  glued,
  httpStatus,
  malformedAfter,
  ok,
  overloaded,
  proxyPage,
  quotaExhausted,
  rateLimited,
  reset,
  serverError,
  silence,
  stallAfter,
  startFaultServer,
  unauthorized,
} from '../support/fault-server.ts';

const HELLO = [{ role: 'user', content: 'Hello' }] as const;

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const one of open.splice(0)) await one.close();
});

async function wallThat(...script: Fault[]): Promise<FaultServer> {
  const wall = await startFaultServer({ script });
  open.push(wall);
  return wall;
}

const at = (wall: FaultServer, name = 'wall'): ChatProvider =>
  openAICompatible({ name, baseURL: `${wall.url}/v1`, model: `${name}-1`, events: new EventBus() });

/** A provider that plays these streams, one an attempt, the last one again and again. */
function scripted(
  name: string,
  ...attempts: (Observable<ChatChunk> | Error)[]
): ChatProvider & { asked: number } {
  const provider = {
    name,
    asked: 0,
    stream(): Observable<ChatChunk> {
      const attempt = attempts[Math.min(provider.asked++, attempts.length - 1)] ?? NEVER;
      return attempt instanceof Error ? throwError(() => attempt) : attempt;
    },
  };
  return provider;
}
const FINISH: ChatChunk = { type: 'finish', reason: 'stop' };
const says = (...words: string[]): Observable<ChatChunk> =>
  of(...words.map((word): ChatChunk => ({ type: 'text', text: word })), FINISH);
const failing = (kind: ProviderErrorKind, provider = 'main'): ProviderError =>
  new ProviderError(`${provider}: ${kind}`, { kind, provider });

function resilient(config: ResilientProviderConfig): ResilientProvider {
  return new ResilientProvider({ events: new EventBus(), ...config });
}

const quick = { maxRetries: 2, backoff: fixedBackoff(1) };

interface Outcome {
  readonly chunks: readonly ChatChunk[];
  /** What a reader who obeys the marks has on the screen. */
  readonly shown: string;
  readonly error: unknown;
}

function read(stream: Observable<ChatChunk>): Promise<Outcome> {
  return new Promise((resolve) => {
    const chunks: ChatChunk[] = [];
    let shown = '';
    const end = (error: unknown): void => resolve({ chunks, shown, error });
    stream.subscribe({
      next(chunk) {
        chunks.push(chunk);
        if (chunk.type === 'text') shown += chunk.text;
        if (chunk.type === 'retract') shown = '';
      },
      error: end,
      complete: () => end(undefined),
    });
  });
}
const typesOf = (chunks: readonly ChatChunk[]): string[] => chunks.map(({ type }) => type);

/** Faults that another attempt at the same provider cures. */
const PASSING: Fault[] = [
  rateLimited(),
  rateLimited({ retryAfterMs: 5 }),
  overloaded(),
  serverError(),
  proxyPage(502),
  reset(),
  errorFirst({ kind: 'overloaded' }),
  errorAfterRole({ kind: 'server' }),
  endAfter(0),
  cutAfter('headers'),
];
const PASSING_AFTER_CONTENT: Fault[] = [
  cutAfter(3),
  endAfter(3),
  errorAfter(3, { kind: 'overloaded' }),
  combine(glued(), endAfter(3)),
];
/** Faults that no repetition cures, and the kind of error that they are. */
const LASTING: [Fault, ProviderErrorKind][] = [
  [quotaExhausted(), 'quota'],
  [unauthorized(), 'auth'],
  [httpStatus(404), 'invalid'],
  [contextLengthExceeded(), 'context-length'],
  [contentPolicyViolation(), 'content-filter'],
  [malformedAfter(3), 'malformed'],
  [proxyPage(), 'malformed'],
];
const byName = <F extends Fault>(faults: readonly F[]): { name: string; fault: F }[] =>
  faults.map((fault) => ({ name: fault.name, fault }));

describe('over real HTTP', () => {
  test.each(byName(PASSING))('one retry cures $name, and nothing of it is seen', async ({ fault }) => {
    const wall = await wallThat(fault, ok());
    const { chunks, shown, error } = await read(
      resilient({ provider: at(wall), retry: quick }).stream(HELLO),
    );
    expect(error).toBeUndefined();
    expect(shown).toBe(DEFAULT_ANSWER);
    expect(new Set(typesOf(chunks))).toStrictEqual(new Set(['text', 'usage', 'finish']));
    expect(wall.attempts.length).toBe(2);
    await wall.idle();
  });

  test.each(byName(PASSING_AFTER_CONTENT))(
    "'fail': $name is an error with the partial answer",
    async ({ fault }) => {
      const wall = await wallThat(fault, ok());
      const { chunks, error } = await read(resilient({ provider: at(wall), retry: quick }).stream(HELLO));
      expect(error).toMatchObject({
        name: 'StreamInterruptedError',
        provider: 'wall',
        text: 'The quick brown ',
      });
      expect((error as Error).cause).toMatchObject({ name: 'ProviderError', retryable: true });
      expect(typesOf(chunks)).toStrictEqual(['text', 'text', 'text']);
      expect(wall.attempts.length).toBe(1);
      await wall.idle();
    },
  );

  test.each(byName(PASSING_AFTER_CONTENT))(
    "'restart': $name begins anew behind a retract",
    async ({ fault }) => {
      const wall = await wallThat(fault, fault, ok());
      const provider = resilient({ provider: at(wall), retry: quick, recovery: 'restart' });
      const { chunks, shown, error } = await read(provider.stream(HELLO));
      expect(error).toBeUndefined();
      expect(shown).toBe(DEFAULT_ANSWER);
      expect(typesOf(chunks).filter((type) => type === 'retract').length).toBe(2);
      expect(provider.stats).toMatchObject({ attempts: 3, retracted: 2, completed: 1, active: 0 });
      await wall.idle();
    },
  );

  test.each(byName(PASSING_AFTER_CONTENT))(
    "'continue': after $name only the rest is delivered, though the model says all of it again",
    async ({ fault }) => {
      const wall = await wallThat(fault, ok());
      const provider = resilient({ provider: at(wall), retry: quick, recovery: 'continue' });
      const { chunks, shown, error } = await read(provider.stream(HELLO));
      expect(error).toBeUndefined();
      expect(shown).toBe(DEFAULT_ANSWER);
      expect(typesOf(chunks).filter((type) => type !== 'text')).toStrictEqual(['resume', 'usage', 'finish']);
      expect(provider.stats).toMatchObject({ attempts: 2, continued: 1, retracted: 0 });
      await wall.idle();
    },
  );

  test.each(byName([...PASSING, ...PASSING_AFTER_CONTENT]))(
    'chat() gives the exact answer despite $name',
    async ({ fault }) => {
      const wall = await wallThat(fault, ok());
      const response = await resilient({ provider: at(wall), retry: quick }).chat(HELLO);
      expect(response).toStrictEqual({
        text: DEFAULT_ANSWER,
        reasoning: '',
        toolCalls: [],
        usage: { inputTokens: 10, outputTokens: 9, totalTokens: 19, cachedTokens: 0, reasoningTokens: 0 },
        finishReason: 'stop',
        provider: 'wall',
        model: 'wall-1',
        requestId: expect.any(String),
        attempts: 2,
        ledger: [
          expect.objectContaining({ provider: 'wall', outcome: 'failed', error: expect.any(Error) }),
          expect.objectContaining({ provider: 'wall', outcome: 'completed', model: 'wall-1' }),
        ],
        timeToFirstToken: expect.any(Number),
        totalUsage: expect.objectContaining({ outputTokens: expect.any(Number) }),
      });
      await wall.idle();
    },
  );

  test.each(LASTING.map(([fault, kind]) => ({ name: fault.name, fault, kind })))(
    '$name is not retried',
    async ({ fault, kind }) => {
      const wall = await wallThat(fault);
      const provider = resilient({ provider: at(wall), retry: quick });
      await expect(provider.chat(HELLO)).rejects.toMatchObject({ kind });
      expect(wall.attempts.length).toBe(1);
      await wall.idle();
    },
  );

  test.each<{ name: string; fault: Fault; patience?: number }>(
    [
      ...byName(PASSING),
      ...byName([silence(), stallAfter(3)]).map((row) => ({ ...row, patience: 1_500 })),
      ...LASTING.map(([fault]) => ({ name: fault.name, fault })),
    ].filter(({ name }) => name !== httpStatus(404).name && name !== contentPolicyViolation().name),
  )('another provider answers after $name, and the response says so', async ({ fault, patience }) => {
    const [main, spare] = [await wallThat(fault), await wallThat(ok())];
    const provider = resilient({
      provider: at(main, 'main'),
      fallbackProvider: at(spare, 'spare'),
      timeout: patience && { first: patience, each: patience },
    });
    expect(await provider.chat(HELLO)).toMatchObject({
      text: DEFAULT_ANSWER,
      provider: 'spare',
      model: 'spare-1',
      attempts: 2,
    });
    await Promise.all([main.idle(), spare.idle()]);
  });

  test.each([httpStatus(404), contentPolicyViolation()])(
    'nobody else is asked after $name',
    async (fault) => {
      const [main, spare] = [await wallThat(fault), await wallThat(ok())];
      const provider = resilient({ provider: at(main, 'main'), fallbackProvider: at(spare, 'spare') });
      await expect(provider.chat(HELLO)).rejects.toMatchObject({ name: 'ProviderError', provider: 'main' });
      expect(spare.attempts.length).toBe(0);
    },
  );

  test('a server that asks for too much patience is not waited for', async () => {
    const [main, spare] = [await wallThat(rateLimited({ retryAfter: 120 })), await wallThat(ok())];
    const provider = resilient({
      provider: at(main, 'main'),
      fallbackProvider: at(spare, 'spare'),
      retry: quick,
    });
    expect(await provider.chat(HELLO, { timeout: 2_000 })).toMatchObject({ provider: 'spare', attempts: 2 });
  });

  test("a server's own delay is waited for", async () => {
    const wall = await wallThat(rateLimited({ retryAfterMs: 150 }), ok());
    await resilient({ provider: at(wall), retry: quick }).chat(HELLO);
    const [first, second] = wall.attempts;
    expect((second?.startedAt ?? 0) - (first?.startedAt ?? 0)).toBeGreaterThanOrEqual(150);
  });

  test.each(
    byName([silence(), stallAfter('headers'), stallAfter(3), combine(stallAfter(3, { pingEvery: 5 }))]),
  )(
    'unsubscribing from $name closes the socket within 100 ms and counts against nobody',
    async ({ fault }) => {
      const wall = await wallThat(fault);
      const provider = resilient({ provider: at(wall), retry: quick });
      const subscription = provider.stream(HELLO).subscribe();
      expect(await closingTime(wall, () => subscription.unsubscribe())).toBeLessThan(100);
      expect(provider.stats).toMatchObject({ cancelled: 1, failed: 0, active: 0, attempts: 1 });
      expect(provider.circuitBreaker.stats).toMatchObject({
        failureCount: 0,
        successCount: 0,
        activeCount: 0,
      });
    },
  );

  test('a hundred calls at once through a provider that fails every third: all exact, nothing left', async () => {
    const faults = [...PASSING, ...PASSING_AFTER_CONTENT];
    const wall = await startFaultServer({
      script: (index) => (index % 3 === 0 ? (faults[(index / 3) % faults.length] ?? ok()) : ok()),
    });
    open.push(wall);
    const bulkhead = new Bulkhead({ maxConcurrent: 20, maxQueue: 100, queueTimeout: 20_000 });
    const provider = resilient({
      provider: at(wall),
      bulkhead,
      circuitBreaker: { failureThreshold: 1_000 },
      retry: { maxRetries: 20, backoff: fixedBackoff(1) },
    });
    const answers = await Promise.all(Array.from({ length: 100 }, () => provider.chat(HELLO)));
    expect(new Set(answers.map((answer) => answer.text))).toStrictEqual(new Set([DEFAULT_ANSWER]));
    await wall.idle();
    expect([bulkhead.activeCount, bulkhead.queueSize, provider.stats.active]).toStrictEqual([0, 0, 0]);
    expect(provider.circuitBreaker.stats.activeCount).toBe(0);
  });

  test('a mock by others is understood as well, also when it cuts the stream', async () => {
    const mock = new LLMock({ port: 0, chunkSize: 5, logLevel: 'silent' });
    const answer = { content: 'Hello from the other side.' };
    const cut = { latency: 15, truncateAfterChunks: 3 };
    mock.on({ userMessage: 'Hello', sequenceIndex: 0 }, answer, cut);
    mock.on({ userMessage: 'Hello' }, answer, { latency: 1 });
    const url = await mock.start();
    open.push({ close: () => mock.stop() });
    const provider = resilient({
      provider: openAICompatible({ baseURL: `${url}/v1`, model: 'gpt-4o' }),
      retry: quick,
      recovery: 'restart',
    });
    mock.nextRequestError(503, { message: 'overloaded' });
    const chunks = await lastValueFrom(provider.stream(HELLO).pipe(toArray()));
    expect(chunks.map(({ type }) => type)).toContain('retract');
    expect(await lastValueFrom(from(chunks).pipe(text()))).toBe(answer.content);
    expect(mock.getRequests()).toHaveLength(3);
  });
});

describe('a call', () => {
  test('begins at the subscription, and every subscription is one', async () => {
    const main = scripted('main', says('a'));
    const stream = resilient({ provider: main }).stream(HELLO);
    expect(main.asked).toBe(0);
    await Promise.all([lastValueFrom(stream), lastValueFrom(stream)]);
    expect(main.asked).toBe(2);
  });

  test('takes messages or a whole request, and tells the provider which attempt it is', async () => {
    const heard: unknown[] = [];
    const provider: ChatProvider = {
      name: 'main',
      stream(request, context) {
        heard.push([request, context?.attempt, context?.callId]);
        return heard.length < 2 ? throwError(() => failing('server')) : says('a');
      },
    };
    const request = { messages: HELLO, temperature: 0 };
    await resilient({ provider, retry: quick }).chat(request, { callId: 'c1' });
    await resilient({ provider }).chat(HELLO);
    expect(heard).toStrictEqual([
      [request, 1, 'c1'],
      [request, 2, 'c1'],
      [{ messages: HELLO }, 1, expect.stringMatching(/^call-\d+$/)],
    ]);
  });

  test('that is stopped inside its first chunk delivers nothing more', async () => {
    const chunks = await lastValueFrom(
      resilient({ provider: scripted('main', says('a', 'b')) })
        .stream(HELLO)
        .pipe(take(1), toArray()),
    );
    expect(chunks).toStrictEqual([{ type: 'text', text: 'a' }]);
  });

  test('of a provider that throws instead of answering fails with what it threw', async () => {
    const thrown = new Error('no such method');
    const provider: ChatProvider = {
      name: 'main',
      stream() {
        throw thrown;
      },
    };
    const ended: unknown[] = [];
    const events = new EventBus();
    events.on('attempt_ended').subscribe(({ data }) => ended.push(data.outcome));
    await expect(resilient({ provider, events }).chat(HELLO)).rejects.toBe(thrown);
    expect(ended).toStrictEqual(['failed']);
  });

  test('collects reasoning and tool calls, each as a whole', async () => {
    const provider = scripted(
      'main',
      of<ChatChunk[]>(
        { type: 'reasoning', text: 'Hm' },
        { type: 'reasoning', text: '.' },
        { type: 'tool-call', index: 1, id: 'call_2', name: 'g', arguments: '{}' },
        { type: 'tool-call', index: 0, id: 'call_1', name: 'f', arguments: '' },
        { type: 'tool-call', index: 0, arguments: '{"a":' },
        { type: 'tool-call', index: 0, arguments: '1}' },
        { type: 'finish', reason: 'tool-calls' },
      ),
    );
    expect(await resilient({ provider }).chat(HELLO)).toMatchObject({
      text: '',
      reasoning: 'Hm.',
      usage: undefined,
      finishReason: 'tool-calls',
      toolCalls: [
        { id: 'call_1', name: 'f', arguments: '{"a":1}' },
        { id: 'call_2', name: 'g', arguments: '{}' },
      ],
    });
  });

  test('whose answer is empty but whole is a success', async () => {
    const provider = scripted('main', says());
    expect(await resilient({ provider }).chat(HELLO)).toMatchObject({
      text: '',
      timeToFirstToken: undefined,
    });
  });

  test('never keeps tool calls of an attempt that was taken back', async () => {
    const tool: ChatChunk = { type: 'tool-call', index: 0, id: 'call_1', name: 'f', arguments: '{' };
    const provider = scripted('main', of(tool), says('no tool'));
    const response = await resilient({ provider, retry: { maxRetries: 1, backoff: fixedBackoff(0) } }).chat(
      HELLO,
    );
    expect([response.text, response.toolCalls]).toStrictEqual(['no tool', []]);
  });

  test('does not fill the memory with a preamble that never ends', async () => {
    const usage: ChatChunk = { type: 'usage', usage: {} };
    const empty: ChatChunk = { type: 'text', text: '' };
    const chatty = scripted('main', of(...Array.from({ length: 2_000 }, () => usage)));
    await expect(resilient({ provider: chatty }).chat(HELLO)).rejects.toMatchObject({ kind: 'malformed' });
    const alive = scripted('main', of(...Array.from({ length: 2_000 }, () => empty), FINISH));
    expect((await resilient({ provider: alive }).chat(HELLO)).finishReason).toBe('stop');
  });
});

describe('patience and cancellation', () => {
  test("the caller's patience ends the call with a timeout, fallbacks included", async () => {
    vi.useFakeTimers();
    const [main, spare] = [scripted('main', failing('server')), scripted('spare', NEVER)];
    const provider = resilient({ provider: main, fallbackProvider: spare });
    const failure = provider.chat(HELLO, { timeout: 500 }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(500);
    expect(await failure).toMatchObject({ name: 'StreamTimeoutError', kind: 'total', after: 500 });
    expect(spare.asked).toBe(1);
    expect(provider.stats).toMatchObject({ failed: 1, active: 0 });
  });

  test('an abort rejects with its reason, whatever that is, and is nobody’s failure', async () => {
    for (const reason of [undefined, 'a string', new Error('mine')]) {
      const controller = new AbortController();
      const provider = resilient({ provider: scripted('main', NEVER), retry: quick });
      const chat = provider.chat(HELLO, { signal: controller.signal });
      controller.abort(reason);
      await expect(chat).rejects.toBe(controller.signal.reason);
      expect(provider.stats).toMatchObject({ cancelled: 1, failed: 0, attempts: 1 });
      expect(provider.circuitBreaker.stats).toMatchObject({
        failureCount: 0,
        successCount: 0,
        activeCount: 0,
      });
    }
  });

  test('a signal that has already aborted asks nobody', async () => {
    const main = scripted('main', says('a'));
    await expect(
      resilient({ provider: main }).chat(HELLO, { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(main.asked).toBe(0);
  });

  test('a bad timeout is refused by name', async () => {
    const provider = resilient({ provider: scripted('main', says('a')) });
    expect(() => provider.stream(HELLO, { timeout: 0 })).toThrow(
      'ResilientProvider.stream: option "timeout"',
    );
    await expect(provider.chat(HELLO, { timeout: Number.NaN })).rejects.toThrow('option "timeout"');
  });
});

describe('policies', () => {
  test('every provider has a circuit of its own, named after it', async () => {
    const events = new EventBus();
    const opened: string[] = [];
    events.on('circuit_opened').subscribe(({ source }) => opened.push(source));
    const provider = resilient({
      provider: scripted('main', failing('server')),
      fallbackProviders: [scripted('second', failing('server')), scripted('third', says('a'))],
      circuitBreaker: { failureThreshold: 2 },
      events,
    });
    for (let i = 0; i < 3; i++) expect((await provider.chat(HELLO)).text).toBe('a');
    expect(opened).toStrictEqual(['main', 'second']);
    expect(provider.circuitBreaker.state).toBe('open');
    expect(provider.isHealthy()).toBe(true);
  });

  test('of which an option is undefined take it from the provider, as those that do not name it', () => {
    const events = new EventBus();
    const told: string[] = [];
    events.subscribe(({ type, source }) => told.push(`${source}: ${type}`));
    const silent = { name: undefined, events: undefined, scheduler: undefined };
    const provider = resilient({
      provider: scripted('main', NEVER),
      circuitBreaker: silent,
      throttle: silent,
      rateLimit: { requestsPerSecond: 1, burstSize: 2, maxQueue: 0, ...silent },
      bulkhead: { maxConcurrent: 1, ...silent },
      name: 'assistant',
      events,
    });
    // One has the only place, one waits for it, and for one there is no permit left.
    const calls = [1, 2, 3].map(() => provider.stream(HELLO).subscribe({ error() {} }));
    provider.circuitBreaker.forceOpen();
    for (const call of calls) call.unsubscribe();
    expect(told).toEqual(
      expect.arrayContaining(['main: bulkhead_queued', 'main: rate_limited', 'main: circuit_opened']),
    );
  });

  test('a shared object guards the first provider alone', async () => {
    const circuitBreaker = new CircuitBreaker({ name: 'shared', failureThreshold: 1 });
    const spare = scripted('spare', failing('server'), says('a'));
    const provider = resilient({
      provider: scripted('main', failing('server')),
      fallbackProvider: spare,
      circuitBreaker,
    });
    expect(provider.circuitBreaker).toBe(circuitBreaker);
    await expect(provider.chat(HELLO)).rejects.toMatchObject({ name: 'FallbackExhaustedError' });
    expect(circuitBreaker.state).toBe('open');
    expect((await provider.chat(HELLO)).text).toBe('a');
  });

  test('is unhealthy when no provider would be asked, and healthy again when the wait is over', async () => {
    vi.useFakeTimers();
    const provider = resilient({
      provider: scripted('main', failing('server')),
      circuitBreaker: { failureThreshold: 1, recoveryTimeout: 1_000 },
    });
    expect(provider.isHealthy()).toBe(true);
    await expect(provider.chat(HELLO)).rejects.toThrow();
    expect(provider.isHealthy()).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(provider.isHealthy()).toBe(true);
    provider.circuitBreaker.forceOpen();
    expect(provider.isHealthy()).toBe(false);
  });

  test('is healthy at once where an open circuit need not wait: who asks first would never ask again', async () => {
    const provider = resilient({
      provider: scripted('main', failing('server'), says('a')),
      circuitBreaker: { failureThreshold: 1, recoveryTimeout: 0 },
    });
    await expect(provider.chat(HELLO)).rejects.toThrow();
    expect([provider.circuitBreaker.state, provider.isHealthy()]).toStrictEqual(['open', true]);
    expect((await provider.chat(HELLO)).text).toBe('a');
  });

  test("errors of the caller do not open a circuit, and the provider's own do", async () => {
    for (const [kind, state] of [
      ['invalid', 'closed'],
      ['auth', 'closed'],
      ['context-length', 'closed'],
      ['content-filter', 'closed'],
      ['quota', 'open'],
      ['transport', 'open'],
      ['truncated', 'open'],
      ['malformed', 'open'],
    ] as const) {
      const provider = resilient({
        provider: scripted('main', failing(kind)),
        circuitBreaker: { failureThreshold: 1 },
      });
      await expect(provider.chat(HELLO)).rejects.toMatchObject({ kind });
      expect([kind, provider.circuitBreaker.state]).toStrictEqual([kind, state]);
    }
  });

  test('a provider that completes without a finish counts as a failure', async () => {
    const provider = resilient({
      provider: scripted('main', of<ChatChunk>({ type: 'text', text: 'a' })),
      circuitBreaker: { failureThreshold: 1 },
    });
    await expect(provider.chat(HELLO)).rejects.toMatchObject({ kind: 'truncated' });
    expect(provider.circuitBreaker.state).toBe('open');
  });
});

describe('nesting', () => {
  test('a ResilientProvider among the fallbacks brings its own retries, and they are not multiplied', async () => {
    const deep = scripted('deep', failing('server', 'deep'));
    const inner = resilient({ provider: deep, retry: { maxRetries: 1, backoff: fixedBackoff(0) } });
    const outer = resilient({
      provider: scripted('main', failing('server')),
      fallbackProvider: inner,
      retry: { maxRetries: 5, backoff: fixedBackoff(0) },
    });
    await expect(outer.chat(HELLO)).rejects.toMatchObject({ name: 'FallbackExhaustedError' });
    expect(deep.asked).toBe(2);
  });

  test('marks of both add up to one exact answer, which names who really spoke', async () => {
    const broken = of<ChatChunk>({ type: 'text', text: 'half' });
    const inner = resilient({
      provider: scripted('b', broken),
      fallbackProvider: scripted('c', says('whole')),
      recovery: 'restart',
    });
    const outer = resilient({
      provider: scripted('a', broken),
      fallbackProvider: inner,
      recovery: 'restart',
    });
    const { chunks, shown } = await read(outer.stream(HELLO));
    expect(shown).toBe('whole');
    expect(chunks).toStrictEqual([
      { type: 'text', text: 'half' },
      { type: 'retract' },
      { type: 'switch', from: 'a', to: 'b' },
      { type: 'text', text: 'half' },
      { type: 'retract' },
      { type: 'switch', from: 'b', to: 'c' },
      { type: 'text', text: 'whole' },
      FINISH,
    ]);
    expect((await outer.chat(HELLO)).provider).toBe('c');
  });

  test('an interrupted inner answer can be restarted by the outer one, and is not wrapped twice', async () => {
    const half: ChatChunk = { type: 'text', text: 'half' };
    const inner = resilient({ provider: scripted('a', of(half), says('whole')) });
    const outer = resilient({ provider: inner, retry: { maxRetries: 1, backoff: fixedBackoff(0) } });
    expect((await outer.chat(HELLO)).text).toBe('whole');
    const again = resilient({ provider: resilient({ provider: scripted('a', of(half)) }) });
    const { error } = await read(again.stream(HELLO));
    expect(error).toMatchObject({ name: 'StreamInterruptedError', text: 'half', kind: 'truncated' });
    expect((error as Error).cause).toMatchObject({ name: 'ProviderError' });
  });
});

test('the bus hears the whole story of a call', async () => {
  const events = new EventBus();
  const story: unknown[] = [];
  events.subscribe(({ type, source, data }) => {
    if (/^(stream|first|provider)_/.test(type)) story.push([type, source, data]);
  });
  const half = of<ChatChunk>({ type: 'text', text: 'half' });
  const provider = resilient({
    name: 'assistant',
    provider: scripted('main', half),
    fallbackProvider: scripted('spare', says('whole')),
    recovery: 'restart',
    events,
  });
  await read(provider.stream(HELLO));
  const error = expect.objectContaining({ name: 'ProviderError', kind: 'truncated' });
  expect(story).toStrictEqual([
    ['stream_started', 'assistant', { provider: 'main', model: undefined }],
    ['first_token', 'assistant', { provider: 'main', after: expect.any(Number) }],
    ['stream_retracted', 'assistant', { provider: 'main', error }],
    ['provider_switched', 'assistant', { from: 'main', to: 'spare', error }],
    ['first_token', 'assistant', { provider: 'spare', after: expect.any(Number) }],
    [
      'stream_ended',
      'assistant',
      {
        provider: 'spare',
        model: undefined,
        requestedModel: undefined,
        outcome: 'completed',
        duration: expect.any(Number),
      },
    ],
  ]);
  expect(provider.stats).toStrictEqual({
    calls: 1,
    active: 0,
    completed: 1,
    failed: 0,
    cancelled: 0,
    attempts: 2,
    retracted: 1,
    continued: 0,
    switched: 1,
    providers: {
      main: expect.objectContaining({ attempts: 1, failed: 1, errors: { truncated: 1 } }),
      spare: expect.objectContaining({ attempts: 1, completed: 1, errors: {} }),
    },
  });
});

test('a retract is announced with the error that led to it, also after a retry', async () => {
  const events = new EventBus();
  const kinds: unknown[] = [];
  events.on('stream_retracted').subscribe(({ data }) => kinds.push(data.error.kind));
  const half = of<ChatChunk>({ type: 'text', text: 'half' });
  await resilient({ provider: scripted('main', half, says('whole')), retry: quick, events }).chat(HELLO);
  expect(kinds).toStrictEqual(['truncated']);
});

test('a call that is cancelled at a mark says nothing after it, not even to the bus', async () => {
  const events = new EventBus();
  const types: string[] = [];
  events.subscribe(({ type }) => types.push(type));
  const provider = resilient({
    provider: scripted('main', failing('server')),
    fallbackProvider: scripted('spare', says('a')),
    events,
  });
  const chunks = await lastValueFrom(provider.stream(HELLO).pipe(take(1), toArray()));
  expect(chunks).toStrictEqual([{ type: 'switch', from: 'main', to: 'spare' }]);
  expect(types).toStrictEqual([
    'stream_started',
    'attempt_started',
    'attempt_ended',
    'fallback_used',
    'attempt_started',
    'provider_switched',
    'attempt_ended',
    'stream_ended',
  ]);
});

describe('bad configuration is refused at once', () => {
  const provider = scripted('main', says('a'));
  test.each([
    [{}, 'option "provider" must be a ChatProvider'],
    [{ provider: {} }, 'option "provider" must be a ChatProvider'],
    [{ provider, retry: -1 }, 'option "retry"'],
    [{ provider, retry: { maxRetries: 1.5 } }, 'option "retry.maxRetries" must be a whole number'],
    [{ provider, retry: { commitOn: () => true } }, 'option "retry" must not hold "commitOn"'],
    [{ provider, timeout: 0 }, 'option "timeout"'],
    [{ provider, timeout: { first: 5, with: () => NEVER } }, 'unknown option "timeout.with"'],
    [
      { provider, timeout: { first: 5, headers: 6 } },
      'option "timeout.headers" must not be longer than "first"',
    ],
    [{ provider, timeout: { each: 5, total: 4 } }, 'option "timeout.each" must not be longer than "total"'],
    [{ provider, timeout: { minTokensPerSecond: Infinity } }, 'option "timeout.minTokensPerSecond"'],
    [{ provider, fallbackOn: { cancelled: true } }, 'fallbackOn'],
    [{ provider, fallbackOn: { quota: 1 } }, 'option "fallbackOn.quota" must be true or false'],
    [{ provider, circuitBreaker: { failureThreshold: 0 } }, 'option "circuitBreaker.failureThreshold"'],
    [{ provider, bulkhead: { maxConcurrent: 0 } }, 'option "bulkhead.maxConcurrent"'],
    [{ provider, rateLimit: { requestsPerSecond: 0 } }, 'option "rateLimit.requestsPerSecond"'],
    [{ provider, recovery: 'repair' }, 'option "recovery" must be "fail", "restart" or "continue"'],
    [
      { provider, fallbackProvider: provider, fallbackProviders: [] },
      'has no place beside "fallbackProviders"',
    ],
    [{ provider, fallbackProviders: [{}] }, 'option "fallbackProviders.0" must be a ChatProvider'],
    [{ provider, retries: 3 }, 'unknown option "retries"'],
    [{ provider: { ...provider, name: '' } }, 'option "provider" must be a ChatProvider with a name'],
    [{ provider, fallbackProvider: provider }, 'option "fallbackProvider.name" must be its own'],
    [
      { provider, fallbackProviders: [{ ...provider, name: 'other' }, provider] },
      `option "fallbackProviders.1.name" must be its own, or nobody could tell who answered, got "${provider.name}"`,
    ],
  ])('%#: %s', (config, message) => {
    expect(() => new ResilientProvider(config as never)).toThrow(message);
    expect(() => new ResilientProvider(config as never)).toThrow(/^ResilientProvider: /);
  });
});

describe('a call that cannot be meant is refused at once', () => {
  const assistant = new ResilientProvider({ provider: scripted('main', says('a')) });
  const hello = [{ role: 'user', content: 'hello' }];
  test.each([
    ['hello', {}, 'option "messages" must be an array of messages'],
    [[], {}, 'option "messages" must hold at least one message'],
    [[{ role: 'user' }], {}, 'option "messages.0.content" must be a string'],
    [{ messages: [{ role: 'robot', content: 'a' }] }, {}, 'option "messages.0.role" must be "system"'],
    [hello, { timeot: 5 }, 'unknown option "timeot"'],
    [hello, { timeout: 0 }, 'option "timeout"'],
    [hello, { signal: 'now' }, 'option "signal" must be an AbortSignal'],
  ])('%#: %s', async (input, options, message) => {
    expect(() => assistant.stream(input as never, options as never)).toThrow(message);
    await expect(assistant.chat(input as never, options as never)).rejects.toThrow(message);
  });
});

test('only what the model says is content', () => {
  const yes: ChatChunk[] = [
    { type: 'text', text: ' ' },
    { type: 'reasoning', text: 'a' },
    { type: 'tool-call', index: 0, arguments: '{' },
  ];
  const no: ChatChunk[] = [
    { type: 'text', text: '' },
    { type: 'reasoning', text: '' },
    { type: 'tool-call', index: 0, id: 'call_1', name: 'f', arguments: '' },
    { type: 'usage', usage: {} },
    { type: 'finish', reason: 'stop' },
    { type: 'retract' },
    { type: 'resume' },
    { type: 'switch', from: 'a', to: 'b' },
  ];
  expect([...yes, ...no].map(isContent)).toStrictEqual([...yes.map(() => true), ...no.map(() => false)]);
});

test('a StreamInterruptedError says what broke it', () => {
  const error = new StreamInterruptedError('main', { text: 'half', reasoning: '' }, failing('auth'));
  expect(error).toMatchObject({ kind: 'auth', retryable: false, text: 'half' });
  expect(error.message).toBe(
    'The answer of "main" broke off after 4 characters, which are in the field "text": main: auth',
  );
});

test('a StreamInterruptedError hands on how long the provider asks to wait', () => {
  const busy = new ProviderError('busy', { kind: 'rate-limit', provider: 'main', retryAfter: 5 });
  expect(new StreamInterruptedError('main', { text: 'half', reasoning: '' }, busy).retryAfter).toBe(5);
});

test('a policy that is made of a config is called after the provider that it guards', async () => {
  const [main, spare] = [scripted('main', failing('server')), scripted('spare', NEVER)];
  const assistant = resilient({
    provider: main,
    fallbackProvider: spare,
    bulkhead: { maxConcurrent: 1, maxQueue: 0 },
  });
  const first = assistant.stream([{ role: 'user', content: 'a' }]).subscribe();
  const error: unknown = await assistant.chat([{ role: 'user', content: 'b' }]).catch((thrown) => thrown);
  expect(messageOf(error)).toContain('Bulkhead "spare" is full');
  first.unsubscribe();
});
