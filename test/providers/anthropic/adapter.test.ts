import Anthropic from '@anthropic-ai/sdk';
import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { ProviderError } from '../../../src/chat/errors.ts';
import type { ChatProvider } from '../../../src/chat/provider.ts';
import { EventBus } from '../../../src/core/event-bus.ts';
import { type AnthropicConfig, anthropic } from '../../../src/providers/anthropic/index.ts';
import { closingTime } from '../../support/closing-time.ts';
import {
  byteByByte,
  closeAtOnce,
  combine,
  connectionClose,
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
  withoutDone,
  wrongContentType,
} from '../../support/fault-server.ts';
import { ask, bodyOf, failureOf, KEY, REQUEST, wallThat } from '../surroundings.ts';

type Options = Pick<AnthropicConfig, 'malformed' | 'events' | 'prefill' | 'contextWindow'>;
type Way = (url: string, options?: Options) => ChatProvider;

const model = 'claude-sonnet-4-5';
const overFetch: Way = (url, options) =>
  anthropic({ name: 'wall', baseURL: url, apiKey: KEY, model, maxTokens: 64, ...options });
// A client with its own retries, as users make it.
const throughClient: Way = (url, options) =>
  anthropic({
    name: 'wall',
    client: new Anthropic({ baseURL: url, apiKey: KEY, logLevel: 'off' }),
    model,
    maxTokens: 64,
    ...options,
  });

const frames = (...all: readonly object[]): string =>
  all
    .map((frame) => `event: ${(frame as { type: string }).type}\ndata: ${JSON.stringify(frame)}\n\n`)
    .join('');
const started = (fields: object = {}): object => ({ type: 'message_start', message: { model, ...fields } });
const block = (index: number, content_block: object): object => ({
  type: 'content_block_start',
  index,
  content_block,
});
const delta = (index: number, delta: object): object => ({ type: 'content_block_delta', index, delta });
const closed = (index: number): object => ({ type: 'content_block_stop', index });
const ended = (stop_reason: string, usage?: object): object => ({
  type: 'message_delta',
  delta: { stop_reason },
  ...(usage && { usage }),
});
const stopped = { type: 'message_stop' };
const text = (text: string): object => delta(0, { type: 'text_delta', text });
const finish = (reason: string): object => ({ type: 'finish', reason, provider: 'wall', model });

describe.each([
  ['over fetch', overFetch, { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' }],
  ['through the official client', throughClient, { authorization: `Bearer ${KEY}` }],
])('%s', (_, provider, authorised) => {
  describe('a good answer', () => {
    test.each([
      ok(),
      crlf(),
      multiLineData(),
      combine(crlf(), multiLineData()),
      lastUnterminated(),
      splitCodePoints(),
      splitFrames(),
      byteByByte(),
      glued(),
      keepAlive(3),
      keepAlive(3, { before: 'preamble' }),
      wrongContentType(),
      wrongContentType('application/json'),
      cutAfter('done'),
      resetAfter('done'),
      stallAfter('done'),
      errorAfter('done'),
    ])('is exact: $name', async (fault) => {
      const wall = await wallThat(fault);
      const { text, chunks, error } = await ask(provider(wall.url));
      expect(error).toBeUndefined();
      expect(text).toBe(DEFAULT_ANSWER);
      expect(chunks.slice(-2)).toStrictEqual([
        { type: 'usage', usage: { inputTokens: 10, outputTokens: 9, totalTokens: 19 } },
        { ...finish('stop'), requestId: 'req_wall-0' },
      ]);
      await wall.idle();
      expect(wall.attempts.length).toBe(1);
    });

    test('may be thought over first', async () => {
      const wall = await wallThat(ok({ reasoning: 'Hm, well.' }));
      const { chunks, text } = await ask(provider(wall.url));
      expect(chunks.slice(0, 2)).toStrictEqual([
        { type: 'reasoning', text: 'Hm, ' },
        { type: 'reasoning', text: 'well.' },
      ]);
      expect(text).toBe(DEFAULT_ANSWER);
    });
  });

  describe('every failure is a ProviderError with its kind', () => {
    const inOneMinute = new Date(Date.now() + 60_000).toISOString();
    const rows: [Fault, Partial<ProviderError>, words: RegExp][] = [
      [
        rateLimited({ retryAfter: 2 }),
        { kind: 'rate-limit', status: 429, retryable: true, retryAfter: 2_000, requestId: 'req_wall-0' },
        /answered 429: "This request would exceed/,
      ],
      [rateLimited({ headers: { 'x-should-retry': 'false' } }), { retryable: false }, /429/],
      [quotaExhausted(), { kind: 'quota', status: 402, retryable: false }, /plan and billing/],
      [
        httpStatus(400, { type: 'invalid_request_error', message: 'Your credit balance is too low.' }),
        { kind: 'quota', status: 400, retryable: false },
        /credit balance.*plan and billing/,
      ],
      [overloaded(), { kind: 'overloaded', status: 529, retryable: true }, /"Overloaded"/],
      [serverError(), { kind: 'server', status: 500, retryable: true }, /their side/],
      [serverError({ status: 504, type: 'timeout_error' }), { kind: 'server', status: 504 }, /their side/],
      [unauthorized(), { kind: 'auth', status: 401, retryable: false }, /Check the API key/],
      [unauthorized({ message: `invalid x-api-key: ${KEY}` }), { kind: 'auth' }, /x-api-key: \[key\]/],
      [httpStatus(403, { type: 'permission_error' }), { kind: 'auth', status: 403 }, /Check the API key/],
      [httpStatus(404, { type: 'not_found_error' }), { kind: 'invalid' }, /the model "claude-sonnet-4-5"/],
      [httpStatus(400), { kind: 'invalid', status: 400, retryable: false }, /Check the request/],
      [httpStatus(413, { type: 'request_too_large' }), { kind: 'invalid', status: 413 }, /413/],
      [httpStatus(400, { body: '' }), { kind: 'invalid' }, /gave no reason/],
      [contextLengthExceeded(), { kind: 'context-length', retryable: false }, /Shorten the conversation/],
      [contentPolicyViolation(), { kind: 'content-filter', retryable: false }, /by policy/],
      [proxyPage(), { kind: 'malformed', status: 200, retryable: false }, /a page instead.*"Sign in"/],
      [proxyPage(502), { kind: 'server', status: 502, retryable: true }, /"502 Bad Gateway"/],
      [notAStream(), { kind: 'malformed', retryable: false }, /a JSON document instead of a stream/],
      [httpStatus(200, { body: '' }), { kind: 'truncated' }, /before it began/],
      [reset(), { kind: 'transport', retryable: true }, /closed before a reply came.*http:\/\/127/],
      [closeAtOnce(), { kind: 'transport', retryable: true }, /closed before a reply came/],
      [cutAfter('headers'), { kind: 'transport', retryable: true }, /in the middle of the answer/],
      [cutAfter(3), { kind: 'transport', requestId: 'req_wall-0' }, /in the middle of the answer/],
      [resetAfter(3), { kind: 'transport', retryable: true }, /in the middle of the answer/],
      [cutAfter('finish'), { kind: 'transport' }, /in the middle of the answer/],
      [endAfter('headers'), { kind: 'truncated', retryable: true }, /before it began/],
      [endAfter(0), { kind: 'truncated', retryable: true }, /not whole/],
      [endAfter(3), { kind: 'truncated', retryable: true }, /without a stop_reason and a message_stop/],
      [combine(endAfter(3), lastUnterminated()), { kind: 'truncated' }, /not whole/],
      [withoutDone(), { kind: 'truncated', retryable: true }, /not whole/],
      [combine(connectionClose(), cutAfter(3)), { kind: 'truncated' }, /not whole/],
      [malformedAfter(2), { kind: 'malformed', retryable: false }, /not of the Messages protocol/],
      [malformedAfter(2, { data: '42' }), { kind: 'malformed' }, /"42"/],
      [malformedAfter(2, { data: 'null' }), { kind: 'malformed' }, /"null"/],
      [malformedAfter(2, { data: '{"delta":{"type":"text_delta","text":7}}' }), { kind: 'malformed' }, /"7"/],
      [malformedAfter(2, { data: '{"choices":[]}' }), { kind: 'malformed' }, /choices/],
      [
        errorFirst({ kind: 'overloaded' }),
        { kind: 'overloaded', status: undefined, retryable: true, requestId: 'req_wall-0' },
        /inside the stream: "Overloaded"/,
      ],
      [errorAfterRole({ kind: 'rate-limit' }), { kind: 'rate-limit' }, /inside the stream/],
      [errorAfter(3), { kind: 'server', retryable: true }, /inside the stream/],
      [errorAfter('finish', { kind: 'overloaded' }), { kind: 'overloaded' }, /inside the stream/],
      [errorAfter(3, { kind: 'quota', followedBy: 'done' }), { kind: 'quota' }, /inside the stream/],
      [errorAfter(3, { kind: 'overloaded', followedBy: 'stall' }), { kind: 'overloaded' }, /Overloaded/],
      [errorFirst({ kind: 'auth' }), { kind: 'auth' }, /inside the stream/],
      [errorFirst({ kind: 'context-length' }), { kind: 'context-length' }, /inside the stream/],
      [errorFirst({ kind: 'content-filter' }), { kind: 'content-filter' }, /by policy/],
    ];
    test.each(rows.map(([fault, expected, words]) => ({ name: fault.name, fault, expected, words })))(
      '$name: $expected.kind',
      async ({ fault, expected, words }) => {
        const wall = await wallThat(fault);
        const error = await failureOf(provider(wall.url));
        expect(error).toMatchObject(expected);
        expect(error.message).toMatch(words);
        await wall.idle();
        expect(wall.attempts.length).toBe(1);
      },
    );

    test.each([
      ['requests', inOneMinute],
      ['output-tokens', inOneMinute],
    ])('a 429 without retry-after, but with the reset of %s', async (dimension, resetAt) => {
      const headers = {
        [`anthropic-ratelimit-${dimension}-remaining`]: '0',
        [`anthropic-ratelimit-${dimension}-reset`]: resetAt,
      };
      const wall = await wallThat(rateLimited({ headers }));
      const { retryAfter } = await failureOf(provider(wall.url));
      expect(retryAfter).toBeGreaterThan(30_000);
      expect(retryAfter).toBeLessThanOrEqual(60_000);
    });

    test('a port where nobody listens', async () => {
      const wall = await startFaultServer();
      await wall.close();
      const error = await failureOf(provider(wall.url));
      expect(error).toMatchObject({ kind: 'transport', retryable: true });
      expect(error.message).toContain('refused. Is the server running');
      expect(error.message).toContain(`${wall.url}/v1/messages`);
    });

    test('message_stop without a stop_reason proves nothing', async () => {
      const url = await bodyOf(frames(started(), block(0, { type: 'text', text: '' }), text('A'), stopped));
      expect(await failureOf(provider(url))).toMatchObject({ kind: 'truncated' });
    });
  });

  test('a frame that cannot be read may be skipped, and the bus hears of it', async () => {
    const wall = await wallThat(malformedAfter(2));
    const events = new EventBus();
    const skipped: unknown[] = [];
    events.on('frame_skipped').subscribe(({ source, data }) => skipped.push([source, data.error.kind]));
    const outcome = await ask(provider(wall.url, { malformed: 'skip', events }));
    expect(outcome.error).toBeUndefined();
    expect(outcome.text).toBe('The quick fox jumps over the lazy 🐕.');
    expect(skipped).toStrictEqual([['wall', 'malformed']]);
  });

  describe('unsubscribing', () => {
    test.each([
      stallAfter('request'),
      stallAfter('headers'),
      stallAfter(0),
      stallAfter(3),
      stallAfter(3, { pingEvery: 5 }),
      stallAfter('finish'),
    ])('closes the socket within 100 ms: $name', async (fault) => {
      const wall = await wallThat(fault);
      const heard: unknown[] = [];
      const subscription = provider(wall.url)
        .stream(REQUEST)
        .subscribe({ error: (error) => heard.push(error), complete: () => heard.push('complete') });
      expect(await closingTime(wall, () => subscription.unsubscribe())).toBeLessThan(100);
      expect(heard).toStrictEqual([]);
    });

    test('inside the first chunk closes the socket, and nothing more is delivered', async () => {
      const wall = await wallThat(combine(glued(), stallAfter(5)));
      const chunks = await lastValueFrom(provider(wall.url).stream(REQUEST).pipe(take(1), toArray()));
      expect(chunks).toStrictEqual([{ type: 'text', text: 'The ' }]);
      await wall.idle();
    });

    test("the caller's abort closes the socket and is the stream's error, never its completion", async () => {
      const wall = await wallThat(stallAfter(3));
      const controller = new AbortController();
      const outcome = ask(provider(wall.url), REQUEST, { signal: controller.signal });
      expect(await closingTime(wall, () => controller.abort())).toBeLessThan(100);
      expect((await outcome).error).toMatchObject({ name: 'AbortError' });
    });
  });

  test('a request says what the caller wants in the words of the protocol', async () => {
    const wall = await wallThat();
    const outcome = await ask(provider(wall.url), {
      model: 'claude-opus-4-1',
      temperature: 0,
      maxTokens: 5,
      tools: [{ name: 'f', description: 'does f', parameters: { type: 'object' } }],
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Ask f and g.' },
        {
          role: 'assistant',
          content: '',
          toolCalls: [
            { id: 'toolu_1', name: 'f', arguments: '{"a":1}' },
            { id: 'toolu_2', name: 'g', arguments: '' },
          ],
        },
        { role: 'tool', content: '42', toolCallId: 'toolu_1' },
        { role: 'tool', content: '43', toolCallId: 'toolu_2' },
        { role: 'system', content: 'Be kind.' },
        {
          role: 'assistant',
          content: 'Once more.',
          toolCalls: [{ id: 'toolu_3', name: 'f', arguments: '{}' }],
        },
        { role: 'tool', content: '44', toolCallId: 'toolu_3' },
        { role: 'user', content: 'And?' },
        { role: 'assistant', content: 'The answer \n' },
      ],
      extra: { top_k: 1 },
    });
    expect(outcome.error).toBeUndefined();
    const [attempt] = wall.attempts;
    expect(attempt?.path).toBe('/v1/messages');
    expect(attempt?.headers).toMatchObject(authorised);
    expect(attempt?.body).toStrictEqual({
      model: 'claude-opus-4-1',
      max_tokens: 5,
      system: 'Be brief.\n\nBe kind.',
      stream: true,
      temperature: 0,
      top_k: 1,
      tools: [{ name: 'f', description: 'does f', input_schema: { type: 'object' } }],
      messages: [
        { role: 'user', content: 'Ask f and g.' },
        {
          role: 'assistant',
          content: [
            { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } },
            { type: 'tool_use', id: 'toolu_2', name: 'g', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'toolu_1', content: '42' },
            { type: 'tool_result', tool_use_id: 'toolu_2', content: '43' },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Once more.' },
            { type: 'tool_use', id: 'toolu_3', name: 'f', input: {} },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_3', content: '44' }] },
        { role: 'user', content: 'And?' },
        { role: 'assistant', content: 'The answer' },
      ],
    });
  });

  test('nothing is sent before a subscription, and every subscription is a request', async () => {
    const wall = await wallThat();
    const stream = provider(wall.url).stream(REQUEST);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(wall.attempts.length).toBe(0);
    await Promise.all([lastValueFrom(stream), lastValueFrom(stream)]);
    expect(wall.attempts.map(({ body }) => body.max_tokens)).toStrictEqual([64, 64]);
  });

  test('headers and signs of life are told', async () => {
    const wall = await wallThat(keepAlive(3));
    let headers = 0;
    let signs = 0;
    await ask(provider(wall.url), REQUEST, {
      headersReceived: () => headers++,
      keepAliveReceived: () => signs++,
    });
    expect(headers).toBe(1);
    expect(signs).toBeGreaterThanOrEqual(3);
  });
});

describe('what the events mean', () => {
  const chunksOf = async (...events: readonly object[]) => {
    const { chunks, error } = await ask(overFetch(await bodyOf(frames(...events))));
    expect(error).toBeUndefined();
    return chunks;
  };

  test.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool-calls'],
    ['refusal', 'content-filter'],
    ['pause_turn', 'other'],
    ['something_new', 'other'],
  ])('stop_reason %s is %s', async (stopReason, reason) => {
    expect(await chunksOf(started(), text('A'), ended(stopReason), stopped)).toStrictEqual([
      { type: 'text', text: 'A' },
      finish(reason),
    ]);
  });

  test('tool calls are numbered among themselves, piece by piece, interleaved', async () => {
    const json = (index: number, partial_json: string) =>
      delta(index, { type: 'input_json_delta', partial_json });
    const chunks = await chunksOf(
      started(),
      block(0, { type: 'text', text: '' }),
      block(1, { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }),
      json(1, ''),
      json(1, '{"a":'),
      block(2, { type: 'tool_use', id: 'toolu_2', name: 'g', input: {} }),
      json(2, '{}'),
      json(1, '1}'),
      closed(1),
      closed(2),
      ended('tool_use'),
      stopped,
    );
    expect(chunks).toStrictEqual([
      { type: 'tool-call', index: 0, id: 'toolu_1', name: 'f', arguments: '' },
      { type: 'tool-call', index: 0, arguments: '{"a":' },
      { type: 'tool-call', index: 1, id: 'toolu_2', name: 'g', arguments: '' },
      { type: 'tool-call', index: 1, arguments: '{}' },
      { type: 'tool-call', index: 0, arguments: '1}' },
      finish('tool-calls'),
    ]);
  });

  test.each([
    [{}, '{}'],
    [{ a: 1 }, '{"a":1}'],
  ])('a tool call without pieces has the arguments that it started with: %j', async (input, json) => {
    const tool = block(0, { type: 'tool_use', id: 'toolu_1', name: 'f', input });
    const chunks = await chunksOf(started(), tool, closed(0), ended('tool_use'), stopped);
    expect(chunks.slice(0, 2)).toStrictEqual([
      { type: 'tool-call', index: 0, id: 'toolu_1', name: 'f', arguments: '' },
      { type: 'tool-call', index: 0, arguments: json },
    ]);
  });

  test("the server's own tools, citations, signatures and whatever is new are passed over", async () => {
    const chunks = await chunksOf(
      started(),
      { type: 'ping' },
      { type: 'invented', message: 'news' },
      block(0, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '{"query":"x"}' }),
      closed(0),
      block(1, { type: 'redacted_thinking', data: 'c2ln' }),
      delta(1, { type: 'signature_delta', signature: 'c2ln' }),
      delta(1, { type: 'citations_delta', citation: {} }),
      delta(1, { type: 'invented_delta' }),
      block(2, { type: 'text', text: 'A' }),
      ended('end_turn'),
      stopped,
    );
    expect(chunks).toStrictEqual([{ type: 'text', text: 'A' }, finish('stop')]);
  });

  test('arguments of a tool call that never began are no arguments', async () => {
    const stray = delta(3, { type: 'input_json_delta', partial_json: '{"a":1}' });
    const url = await bodyOf(frames(started(), stray, ended('tool_use'), stopped));
    expect(await failureOf(overFetch(url))).toMatchObject({ kind: 'malformed' });
  });

  test('usage is cumulative; what the cache gave and took is input too', async () => {
    const start = { input_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 };
    const chunks = await chunksOf(
      started({ usage: { ...start, output_tokens: 1 } }),
      text('A'),
      ended('end_turn', {
        input_tokens: 6,
        cache_read_input_tokens: null,
        output_tokens: 9,
        output_tokens_details: { thinking_tokens: 4 },
      }),
      stopped,
    );
    expect(chunks.at(-2)).toStrictEqual({
      type: 'usage',
      usage: {
        inputTokens: 126,
        outputTokens: 9,
        totalTokens: 135,
        cachedTokens: 100,
        reasoningTokens: 4,
      },
    });
  });

  test('output tokens that are only begun to be counted are unknown', async () => {
    const chunks = await chunksOf(
      started({ usage: { input_tokens: 5, output_tokens: 1 } }),
      text('A'),
      ended('end_turn'),
      stopped,
    );
    expect(chunks.at(-2)).toStrictEqual({ type: 'usage', usage: { inputTokens: 5 } });
  });
});

test('a conversation with broken arguments is refused before anything is sent', async () => {
  const wall = await wallThat();
  const error = await failureOf(overFetch(wall.url), {
    messages: [
      { role: 'assistant', content: '', toolCalls: [{ id: 'toolu_1', name: 'f', arguments: '{"a":' }] },
    ],
  });
  expect(error).toMatchObject({ kind: 'invalid' });
  expect(error.message).toContain('a call of the tool "f" whose arguments are no JSON object');
  expect(wall.attempts.length).toBe(0);
});

test("the client's own timeout is a timeout", async () => {
  const wall = await wallThat(stallAfter('request'));
  const client = new Anthropic({ baseURL: wall.url, apiKey: KEY, timeout: 30, logLevel: 'off' });
  const error = await failureOf(anthropic({ name: 'wall', client, model, maxTokens: 1 }));
  expect(error).toMatchObject({ kind: 'timeout', retryable: true });
  await wall.idle();
});

describe('prefill', () => {
  test.each([
    ['claude-2.1', true],
    ['claude-3-opus-20240229', true],
    ['claude-3-5-sonnet-latest', true],
    ['claude-opus-4-20250514', true],
    ['claude-sonnet-4-5-20250929', true],
    ['anthropic.claude-haiku-4-5-v1:0', true],
    ['claude-opus-4-6', false],
    ['claude-sonnet-5', false],
    ['claude-sonnet-5-5', false],
    ['something-else', false],
  ])('%s: %s', (model, prefill) => {
    expect(anthropic({ model, maxTokens: 1 }).capabilities).toStrictEqual({
      prefill,
      contextWindow: undefined,
    });
  });

  test('may be said otherwise', () => {
    expect(
      overFetch('http://localhost', { prefill: false, contextWindow: 200_000 }).capabilities,
    ).toStrictEqual({ prefill: false, contextWindow: 200_000 });
  });
});

describe('bad configuration is refused at once', () => {
  const good = { model: 'm', maxTokens: 1 };
  test.each([
    [{ model: 'm' }, 'option "maxTokens" must be a finite number, got undefined'],
    [{ ...good, maxTokens: 0 }, 'option "maxTokens" must be a whole number of at least 1, got 0'],
    [{ ...good, baseURL: 'api.anthropic.com' }, 'option "baseURL" must be a URL that starts with http'],
    [{ ...good, client: {} }, 'option "client" must be a client of the package "@anthropic-ai/sdk"'],
    [
      { ...good, client: new Anthropic({ apiKey: KEY }), apiKey: KEY },
      'option "client" has "baseURL", "apiKey", "version", "fetch" and "headers" of its own: set them there',
    ],
    [{ ...good, client: new Anthropic({ apiKey: KEY }), headers: { a: 'b' } }, 'option "client" has'],
    [{ ...good, retries: 3 }, 'unknown option "retries"'],
    [{ ...good, apiKey: 'sk-secret\n' }, 'option "apiKey" must be a string of visible ASCII'],
  ])('%j', (config, message) => {
    expect(() => anthropic(config as never)).toThrow(message);
  });
});
