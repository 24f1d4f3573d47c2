import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { type LanguageModel as AnyModel, extractReasoningMiddleware, wrapLanguageModel } from 'ai';
import {
  type LanguageModel as AnyModel6,
  extractReasoningMiddleware as extractReasoningMiddleware6,
  wrapLanguageModel as wrapLanguageModel6,
} from 'ai-6';
import { createAnthropic as createAnthropic6 } from 'ai-6-anthropic';
import { createOpenAI as createOpenAI6 } from 'ai-6-openai';
import { createOpenAICompatible as createOpenAICompatible6 } from 'ai-6-openai-compatible';
import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { ProviderError } from '../../../src/chat/errors.ts';
import type { ChatProvider, ChatRequest } from '../../../src/chat/provider.ts';
import {
  type AiSdkConfig,
  aiSdk,
  type LanguageModel,
  wholeEvents,
} from '../../../src/providers/ai-sdk/index.ts';
import { closingTime } from '../../support/closing-time.ts';
import {
  byteByByte,
  closeAtOnce,
  combine,
  contentPolicyViolation,
  contextLengthExceeded,
  crlf,
  cutAfter,
  DEFAULT_ANSWER,
  endAfter,
  errorAfter,
  errorAfterRole,
  errorFirst,
  type Fault,
  glued,
  httpStatus,
  keepAlive,
  lastUnterminated,
  malformedAfter,
  multiLineData,
  notAStream,
  ok,
  overloaded,
  proxyPage,
  quotaExhausted,
  rateLimited,
  reset,
  resetAfter,
  serverError,
  splitCodePoints,
  splitFrames,
  stallAfter,
  startFaultServer,
  unauthorized,
} from '../../support/fault-server.ts';
import { ask, failureOf, KEY, REQUEST, wallThat } from '../surroundings.ts';

type Build = (url: string, settings?: { fetch?: typeof globalThis.fetch }) => ChatProvider;

const asProvider = (model: LanguageModel, config?: AiSdkConfig) => aiSdk(model, { name: 'wall', ...config });
const at = (url: string, settings: { fetch?: typeof globalThis.fetch } = {}) => ({
  baseURL: `${url}/v1`,
  apiKey: KEY,
  ...settings,
});

const MODELS: { model: string; provider: Build }[] = [
  {
    model: 'openai.chat',
    provider: (url, settings) => asProvider(createOpenAI(at(url, settings)).chat('wall-1')),
  },
  {
    model: 'openai.responses',
    provider: (url, settings) => asProvider(createOpenAI(at(url, settings)).responses('wall-1')),
  },
  {
    model: 'openai-compatible',
    provider: (url, settings) =>
      asProvider(createOpenAICompatible({ name: 'any', ...at(url, settings) }).chatModel('wall-1')),
  },
  {
    model: 'anthropic',
    provider: (url, settings) => asProvider(createAnthropic(at(url, settings))('wall-1')),
  },
  {
    model: 'openai.chat of ai 6',
    provider: (url, settings) => asProvider(createOpenAI6(at(url, settings)).chat('wall-1')),
  },
  {
    model: 'openai.responses of ai 6',
    provider: (url, settings) => asProvider(createOpenAI6(at(url, settings)).responses('wall-1')),
  },
  {
    model: 'openai-compatible of ai 6',
    provider: (url, settings) =>
      asProvider(createOpenAICompatible6({ name: 'any', ...at(url, settings) }).chatModel('wall-1')),
  },
  {
    model: 'anthropic of ai 6',
    provider: (url, settings) => asProvider(createAnthropic6(at(url, settings))('wall-1')),
  },
];

describe.each(MODELS)('$model', ({ model, provider: build }) => {
  test.each([
    ok(),
    crlf(),
    multiLineData(),
    splitCodePoints(),
    splitFrames(),
    byteByByte(),
    glued(),
    keepAlive(3),
  ])('an answer is exact: $name', async (fault) => {
    const wall = await wallThat(fault);
    const { text, chunks, error } = await ask(build(wall.url));
    expect(error).toBeUndefined();
    expect(text).toBe(DEFAULT_ANSWER);
    expect(chunks.at(-1)).toMatchObject({
      type: 'finish',
      reason: 'stop',
      provider: 'wall',
      model: 'wall-1',
    });
    expect(wall.attempts.length).toBe(1);
    await wall.idle();
  });

  test.each(['length', 'content-filter'] as const)('says why it ended: %s', async (finishReason) => {
    const wall = await wallThat(ok({ finishReason }));
    const { chunks } = await ask(build(wall.url));
    expect(chunks.at(-1)).toMatchObject({ type: 'finish', reason: finishReason });
  });

  const rows: [Fault, Partial<ProviderError>][] = [
    [rateLimited({ retryAfter: 2 }), { kind: 'rate-limit', status: 429, retryable: true, retryAfter: 2_000 }],
    [rateLimited({ retryAfterMs: 70 }), { kind: 'rate-limit', retryAfter: 70 }],
    [rateLimited({ message: 'Please try again in 6.57s.' }), { kind: 'rate-limit', retryAfter: 6_570 }],
    [rateLimited({ headers: { 'x-should-retry': 'false' } }), { kind: 'rate-limit', retryable: false }],
    [quotaExhausted(), { kind: 'quota', retryable: false }],
    [overloaded(), { kind: 'overloaded', retryable: true }],
    [serverError(), { kind: 'server', status: 500, retryable: true, requestId: 'req_wall-0' }],
    [unauthorized(), { kind: 'auth', status: 401 }],
    [httpStatus(404), { kind: 'invalid', status: 404, retryable: false }],
    [contextLengthExceeded(), { kind: 'context-length', status: 400, retryable: false }],
    [contentPolicyViolation(), { kind: 'content-filter', status: 400, retryable: false }],
    [proxyPage(502), { kind: 'server', status: 502, retryable: true }],
    [proxyPage(), { kind: 'truncated' }],
    [notAStream(), { kind: 'truncated' }],
    [reset(), { kind: 'transport', retryable: true }],
    [closeAtOnce(), { kind: 'transport', retryable: true }],
    [cutAfter('headers'), { kind: 'transport', retryable: true }],
    [cutAfter(3), { kind: 'transport', retryable: true }],
    [resetAfter(3), { kind: 'transport', retryable: true }],
    [endAfter('headers'), { kind: 'truncated', retryable: true }],
    [endAfter(0), { kind: 'truncated', retryable: true }],
    [endAfter(3), { kind: 'truncated', retryable: true }],
    [malformedAfter(2), { kind: 'malformed', retryable: false }],
    [malformedAfter(2, { data: '42' }), { kind: 'malformed' }],
    [
      errorFirst({ kind: 'rate-limit', message: 'try again in 1.5s' }),
      { kind: 'rate-limit', retryAfter: 1_500, status: undefined },
    ],
    [errorAfterRole({ kind: 'overloaded' }), { kind: 'overloaded', retryable: true }],
    [errorAfter(3), { kind: 'server', retryable: true }],
    [errorAfter(3, { kind: 'quota', followedBy: 'done' }), { kind: 'quota', retryable: false }],
    [errorAfter(3, { kind: 'context-length', followedBy: 'stall' }), { kind: 'context-length' }],
  ];
  test.each(rows.map(([fault, expected]) => ({ name: fault.name, fault, expected })))(
    'a failure is one attempt and a ProviderError: $name: $expected.kind',
    async ({ fault, expected }) => {
      const wall = await wallThat(fault);
      expect(await failureOf(build(wall.url))).toMatchObject({ provider: 'wall', ...expected });
      expect(wall.attempts.length).toBe(1);
      await wall.idle();
    },
  );

  test('a port where nobody listens: transport', async () => {
    const wall = await startFaultServer();
    await wall.close();
    expect(await failureOf(build(wall.url))).toMatchObject({
      kind: 'transport',
      message: expect.stringMatching(/refused. Is the server running/),
    });
  });

  test.each([stallAfter('request'), stallAfter('headers'), stallAfter(0), stallAfter(3, { pingEvery: 5 })])(
    'unsubscribing closes the socket within 100 ms: $name',
    async (fault) => {
      const wall = await wallThat(fault);
      const heard: unknown[] = [];
      const subscription = build(wall.url)
        .stream(REQUEST)
        .subscribe({ error: (e) => heard.push(e), complete: () => heard.push('complete') });
      expect(await closingTime(wall, () => subscription.unsubscribe())).toBeLessThan(100);
      expect(heard).toStrictEqual([]);
    },
  );

  test('unsubscribing inside the first chunk closes the socket', async () => {
    const wall = await wallThat(combine(glued(), stallAfter(5)));
    const chunks = await lastValueFrom(build(wall.url).stream(REQUEST).pipe(take(1), toArray()));
    expect(chunks).toStrictEqual([{ type: 'text', text: 'The ' }]);
    await wall.idle();
  });

  test("the caller's abort is the stream's error, never its completion", async () => {
    const wall = await wallThat(stallAfter(3));
    const controller = new AbortController();
    const answer = ask(build(wall.url), REQUEST, { signal: controller.signal });
    await wall.attempt(0);
    controller.abort();
    expect((await answer).error).toMatchObject({ name: 'AbortError' });
    await wall.idle();
  });

  test(`${model} is asked per subscription, never before`, async () => {
    const wall = await wallThat();
    const stream = build(wall.url).stream(REQUEST);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(wall.attempts.length).toBe(0);
    await Promise.all([lastValueFrom(stream), lastValueFrom(stream)]);
    expect(wall.attempts.length).toBe(2);
  });
});

describe('wholeEvents()', () => {
  const whole = (build: Build, url: string) => build(url, { fetch: wholeEvents() });

  test.each(
    MODELS.flatMap(({ model, provider }) =>
      [
        ok(),
        crlf(),
        byteByByte(),
        lastUnterminated(),
        combine(lastUnterminated(), crlf()),
        combine(lastUnterminated(), byteByByte()),
        cutAfter('done'),
        resetAfter('done'),
      ].map((fault) => ({ model, provider, name: fault.name, fault })),
    ),
  )('$model loses nothing of a whole answer: $name', async ({ provider, fault }) => {
    const wall = await wallThat(fault);
    const { text, chunks, error } = await ask(whole(provider, wall.url));
    expect([text, error]).toStrictEqual([DEFAULT_ANSWER, undefined]);
    expect(chunks.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' });
    await wall.idle();
  });

  const failures: [Fault, object][] = [
    [cutAfter(3), { kind: 'transport' }],
    [resetAfter(3), { kind: 'transport' }],
    [endAfter(3), { kind: 'truncated' }],
    [combine(lastUnterminated(), endAfter(3)), { kind: 'truncated' }],
    [rateLimited({ retryAfter: 2 }), { kind: 'rate-limit', status: 429, retryAfter: 2_000 }],
    [errorAfter(3, { kind: 'overloaded' }), { kind: 'overloaded' }],
  ];
  test.each(
    MODELS.flatMap(({ model, provider }) =>
      failures.map(([fault, expected]) => ({ model, provider, name: fault.name, fault, expected })),
    ),
  )('$model fails as ever: $name', async ({ provider, fault, expected }) => {
    const wall = await wallThat(fault);
    expect(await failureOf(whole(provider, wall.url))).toMatchObject(expected);
    await wall.idle();
  });

  test.each(MODELS)('unsubscribing from $model closes the socket within 100 ms', async ({ provider }) => {
    const wall = await wallThat(stallAfter(3, { pingEvery: 5 }));
    const subscription = whole(provider, wall.url).stream(REQUEST).subscribe();
    expect(await closingTime(wall, () => subscription.unsubscribe())).toBeLessThan(100);
  });

  test('an event that was torn stays torn, and what is no stream of events is left alone', async () => {
    const bodies: Record<string, string> = { torn: 'data: {"a"', ended: 'data: {"a":1}', page: '<p>' };
    const send = wholeEvents(async (input) => {
      const name = new URL(input as string).pathname.slice(1);
      const type = name === 'page' ? 'text/html' : 'text/event-stream';
      return new Response(bodies[name], { status: 203, headers: { 'content-type': type, 'x-a': '1' } });
    });
    const seen = await Promise.all(
      Object.keys(bodies).map(async (name) => {
        const response = await send(`http://localhost/${name}`);
        return [await response.text(), response.status, response.headers.get('x-a')];
      }),
    );
    expect(seen).toStrictEqual([
      ['data: {"a"', 203, '1'],
      ['data: {"a":1}\n\n', 203, '1'],
      ['<p>', 203, '1'],
    ]);
  });
});

const streamOf = (parts: readonly object[], end = true) =>
  new ReadableStream<{ type: string }>({
    start(controller) {
      for (const part of parts) controller.enqueue({ type: '', ...part });
      if (end) controller.close();
    },
  });

/** A model whose stream has these parts, of any specification. */
function modelOf(parts: readonly object[], fields: Partial<LanguageModel> = {}) {
  const calls: Record<string, unknown>[] = [];
  const model = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'mock-1',
    async doStream(options: object) {
      calls.push({ ...options });
      return {
        stream: streamOf(parts),
        response: { headers: { 'x-request-id': 'req_1' } },
      };
    },
    ...fields,
  };
  return { model, calls };
}

const usage = { inputTokens: { total: 3, cacheRead: 1 }, outputTokens: { total: 4, reasoning: 2 } };
const finish = (unified: string, raw?: string): object => ({
  type: 'finish',
  finishReason: { unified, raw },
  usage,
});
const say = (delta: string): object => ({ type: 'text-delta', id: '1', delta });

const outcomeOf = (...parts: object[]) => ask(asProvider(modelOf(parts).model));

describe('the parts of a stream', () => {
  test('become chunks; parts of other types are signs of life', async () => {
    const { model } = modelOf([
      { type: 'stream-start', warnings: [] },
      { type: 'response-metadata', id: 'r', modelId: 'mock-1-2026' },
      { type: 'reasoning-delta', id: '0', delta: 'Hm.' },
      { type: 'ping' },
      say(''),
      say('Hi'),
      finish('stop', 'stop'),
    ]);
    const heard: string[] = [];
    const { chunks, error } = await ask(asProvider(model), REQUEST, {
      headersReceived: () => heard.push('headers'),
      keepAliveReceived: () => heard.push('alive'),
    });
    expect(error).toBeUndefined();
    expect(chunks).toStrictEqual([
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'Hi' },
      { type: 'usage', usage: { inputTokens: 3, outputTokens: 4, cachedTokens: 1, reasoningTokens: 2 } },
      { type: 'finish', reason: 'stop', provider: 'wall', model: 'mock-1-2026', requestId: 'req_1' },
    ]);
    expect(heard).toStrictEqual(['headers', 'alive', 'alive', 'alive', 'alive', 'alive']);
  });

  test('of a v2 model say the same in fewer words', async () => {
    const { chunks } = await outcomeOf(say('Hi'), {
      type: 'finish',
      finishReason: 'other',
      usage: {
        inputTokens: 3,
        outputTokens: undefined,
        totalTokens: 9,
        reasoningTokens: 2,
        cachedInputTokens: 1,
      },
    });
    expect(chunks.slice(1)).toMatchObject([
      { usage: { inputTokens: 3, totalTokens: 9, cachedTokens: 1, reasoningTokens: 2 } },
      { reason: 'other' },
    ]);
  });

  test('carry tool calls: in pieces, whole, or in a form whose pieces are of no use', async () => {
    const { chunks } = await outcomeOf(
      { type: 'tool-input-start', id: 'call_1', toolName: 'f' },
      { type: 'tool-input-delta', id: 'call_1', delta: '{"a":' },
      { type: 'tool-input-delta', id: 'call_1', delta: '1}' },
      { type: 'tool-call', toolCallId: 'call_1', toolName: 'f', input: '{"a":1}' },
      { type: 'tool-call', toolCallId: 'call_2', toolName: 'g', input: '{}' },
      { type: 'tool-input-start', id: 'call_3', toolName: 'h', inputEncoding: 'text' },
      { type: 'tool-input-delta', id: 'call_3', delta: 'raw' },
      { type: 'tool-call', toolCallId: 'call_3', toolName: 'h', input: '"raw"' },
      // What the service searches by itself is no business of the caller's.
      { type: 'tool-input-start', id: 'call_4', toolName: 'search', providerExecuted: true },
      { type: 'tool-input-delta', id: 'call_4', delta: '{}' },
      { type: 'tool-call', toolCallId: 'call_4', toolName: 'search', input: '{}', providerExecuted: true },
      { type: 'tool-call', toolCallId: 'call_5', toolName: 'search', input: '{}', providerExecuted: true },
      finish('tool-calls'),
    );
    expect(chunks.filter(({ type }) => type === 'tool-call')).toStrictEqual([
      { type: 'tool-call', index: 0, id: 'call_1', name: 'f', arguments: '' },
      { type: 'tool-call', index: 0, arguments: '{"a":' },
      { type: 'tool-call', index: 0, arguments: '1}' },
      { type: 'tool-call', index: 1, id: 'call_2', name: 'g', arguments: '' },
      { type: 'tool-call', index: 1, arguments: '{}' },
      { type: 'tool-call', index: 2, id: 'call_3', name: 'h', arguments: '' },
      { type: 'tool-call', index: 2, arguments: '"raw"' },
    ]);
  });

  test.each([
    ['v4, interrupted', finish('interrupted'), 'truncated'],
    ['v3, other without a word of the provider', finish('other'), 'truncated'],
    ['v2, unknown', { type: 'finish', finishReason: 'unknown', usage: {} }, 'truncated'],
    ['error', finish('error'), 'server'],
    ['no finish at all', say('B'), 'truncated'],
  ])('do not prove an answer whole: %s', async (_, part, kind) => {
    expect((await outcomeOf(say('A'), part)).error).toMatchObject({ kind });
  });

  test('may go on after a finish, and then need another one', async () => {
    const goesOn = [say('A'), finish('stop'), say('B')];
    expect((await outcomeOf(...goesOn)).error).toMatchObject({ kind: 'truncated' });
    const { text, chunks, error } = await outcomeOf(...goesOn, finish('length'));
    expect([text, error]).toStrictEqual(['AB', undefined]);
    expect(chunks.filter(({ type }) => type === 'finish')).toMatchObject([{ reason: 'length' }]);
  });

  test('that come after the finish and fail do not touch the answer', async () => {
    const { text, error } = await outcomeOf(say('A'), finish('stop'), { type: 'error', error: 'late' });
    expect([text, error]).toStrictEqual(['A', undefined]);
  });

  test('need no end of the connection once the answer is proven', async () => {
    const stream = streamOf([say('A'), finish('stop')], false);
    const { model } = modelOf([], { doStream: async () => ({ stream }) });
    expect(await ask(asProvider(model))).toMatchObject({ text: 'A', error: undefined });
  });
});

describe('what a model fails with', () => {
  const named = (name: string, fields: object = {}): Error =>
    Object.assign(new Error('because'), { name, ...fields });
  test.each<[unknown, object]>([
    ['as a string: rate limit reached', { kind: 'rate-limit' }],
    [{ message: 'Overloaded', type: 'overloaded_error' }, { kind: 'overloaded' }],
    [
      {
        message: 'slow down',
        data: {
          error: {
            message: 'slow down',
            code: 'rate_limit_exceeded',
            headers: { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '50.529s' },
          },
        },
      },
      { kind: 'rate-limit', retryAfter: 50_529, requestId: 'req_1' },
    ],
    [named('AI_LoadAPIKeyError'), { kind: 'auth' }],
    [named('AI_UnsupportedFunctionalityError'), { kind: 'invalid', retryable: false }],
    [named('AI_EmptyResponseBodyError'), { kind: 'truncated' }],
    [named('AI_InvalidResponseDataError', { data: {} }), { kind: 'malformed' }],
    [
      named('AI_JSONParseError', { text: '{"torn' }),
      { kind: 'malformed', message: expect.stringMatching(/torn/) },
    ],
    [
      named('AI_TypeValidationError', { value: { odd: 1 } }),
      { kind: 'malformed', message: expect.stringMatching(/odd/) },
    ],
    [
      named('AI_TypeValidationError', { value: { error: { message: 'Overloaded' } } }),
      { kind: 'overloaded' },
    ],
    [
      named('AI_APICallError', { statusCode: 200, cause: named('AI_EmptyResponseBodyError') }),
      { kind: 'truncated' },
    ],
    [new TypeError('terminated'), { kind: 'transport' }],
    [named('Error', { code: 'ECONNRESET' }), { kind: 'transport' }],
    [named('TimeoutError'), { kind: 'timeout' }],
    [new Error('a bug'), { kind: 'server', message: expect.stringMatching(/a bug/) }],
    [undefined, { kind: 'server' }],
  ])('%o', async (thrown, expected) => {
    const inside = await outcomeOf(say('A'), { type: 'error', error: thrown });
    expect(inside).toMatchObject({ text: 'A', error: { name: 'ProviderError', ...expected } });
    const { requestId: _, ...before } = expected as Partial<ProviderError>;
    const { model } = modelOf([], { doStream: () => Promise.reject(thrown) });
    expect((await ask(asProvider(model))).error).toMatchObject({ name: 'ProviderError', ...before });
  });
});

describe('a call', () => {
  const request: ChatRequest = {
    model: 'mock-1',
    temperature: 0,
    maxTokens: 5,
    tools: [{ name: 'f', description: 'does f', parameters: { type: 'object' } }],
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'f', arguments: '{"a":1}' }] },
      { role: 'tool', content: '42', toolCallId: 'call_1' },
      { role: 'assistant', content: 'It is 42.' },
    ],
    extra: { providerOptions: { openai: { user: 'me' } }, maxOutputTokens: 6 },
  };

  test('says what the caller wants in the words of the SDK', async () => {
    const { model, calls } = modelOf([finish('stop')]);
    await ask(asProvider(model), request);
    expect(calls).toStrictEqual([
      {
        prompt: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
          {
            role: 'assistant',
            content: [{ type: 'tool-call', toolCallId: 'call_1', toolName: 'f', input: { a: 1 } }],
          },
          {
            role: 'tool',
            content: [
              {
                type: 'tool-result',
                toolCallId: 'call_1',
                toolName: 'f',
                output: { type: 'text', value: '42' },
              },
            ],
          },
          { role: 'assistant', content: [{ type: 'text', text: 'It is 42.' }] },
        ],
        temperature: 0,
        maxOutputTokens: 6,
        tools: [{ type: 'function', name: 'f', description: 'does f', inputSchema: { type: 'object' } }],
        providerOptions: { openai: { user: 'me' } },
        abortSignal: expect.any(AbortSignal),
      },
    ]);
  });

  test.each(MODELS)('is understood by $model', async ({ provider }) => {
    const wall = await wallThat();
    const { text, error } = await ask(provider(wall.url), { ...request, model: 'wall-1', extra: {} });
    expect([text, error]).toStrictEqual([DEFAULT_ANSWER, undefined]);
    expect(JSON.stringify(wall.attempts[0]?.body)).toContain('It is 42.');
  });

  test('of a model that the SDK has wrapped hears what the middleware makes of it', async () => {
    const wall = await wallThat(ok({ answer: '<think>Hm.</think>Hello!' }));
    const options = { tagName: 'think' };
    for (const model of [
      wrapLanguageModel({
        model: createOpenAI(at(wall.url)).chat('wall-1'),
        middleware: extractReasoningMiddleware(options),
      }),
      wrapLanguageModel6({
        model: createOpenAI6(at(wall.url)).chat('wall-1'),
        middleware: extractReasoningMiddleware6(options),
      }),
    ]) {
      const { chunks, text } = await ask(asProvider(model));
      const thoughts = chunks.flatMap((chunk) => (chunk.type === 'reasoning' ? chunk.text : []));
      expect([thoughts.join(''), text]).toStrictEqual(['Hm.', 'Hello!']);
    }
  });

  test('for another model is refused, and so is a tool call that nobody can read', async () => {
    const { model, calls } = modelOf([finish('stop')]);
    const other = await ask(asProvider(model), { ...REQUEST, model: 'gpt-5' });
    expect(other.error).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/"mock-1".*"gpt-5"/),
    });
    const torn = {
      role: 'assistant',
      content: '',
      toolCalls: [{ id: '1', name: 'f', arguments: '{' }],
    } as const;
    expect((await ask(asProvider(model), { messages: [torn] })).error).toMatchObject({ kind: 'invalid' });
    expect(calls).toStrictEqual([]);
  });
});

describe('configuration', () => {
  test('takes the name from the model, and says what the model can do', () => {
    const provider = aiSdk(createOpenAI(at('http://localhost')).chat('gpt-5'), {
      prefill: true,
      contextWindow: 8_192,
    });
    expect(provider.name).toBe('openai.chat');
    expect(provider.capabilities).toStrictEqual({ prefill: true, contextWindow: 8_192 });
  });

  test('models of every specification fit by their types', () => {
    const build = (model: Exclude<AnyModel | AnyModel6, string>): ChatProvider => aiSdk(model);
    for (const specificationVersion of ['v2', 'v3', 'v4'] as const)
      expect(build({ ...modelOf([]).model, specificationVersion } as never).name).toBe('mock');
  });

  test.each([
    [
      'openai/gpt-5',
      {},
      'aiSdk: option "model" must be a language model of the AI SDK, of the specification v2 or v3 or v4, got "openai/gpt-5"',
    ],
    [undefined, {}, 'got undefined'],
    [{ ...modelOf([]).model, specificationVersion: 'v1' }, {}, 'option "model" must be a language model'],
    [
      modelOf([]).model,
      { contextWindow: 0 },
      'option "contextWindow" must be a whole number of at least 1, got 0',
    ],
    [modelOf([]).model, { prefill: 1 }, 'option "prefill" must be a boolean, got 1'],
    [modelOf([]).model, { retries: 1 }, 'unknown option "retries"'],
  ])('%# is refused at once', (model, config, message) => {
    expect(() => aiSdk(model as never, config as never)).toThrow(message);
  });
});
