import OpenAI, { AzureOpenAI } from 'openai';
import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { ChatChunk } from '../../../src/chat/chunk.ts';
import type { ProviderError } from '../../../src/chat/errors.ts';
import { ResilientProvider } from '../../../src/chat/index.ts';
import type { ChatProvider, ChatRequest } from '../../../src/chat/provider.ts';
import { type OpenAIConfig, openai } from '../../../src/providers/openai/index.ts';
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
} from '../../support/fault-server.ts';
import { ask, failureOf, KEY, REQUEST, serverThat, wallThat } from '../surroundings.ts';

type Build = (url: string, config?: Partial<OpenAIConfig>) => ChatProvider;

const clientAt = (url: string): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, logLevel: 'off' });
const through =
  (api: 'chat' | 'responses', way: 'client' | 'fetch'): Build =>
  (url, config) =>
    openai({
      name: 'wall',
      model: 'wall-1',
      api,
      ...(way === 'client' ? { client: clientAt(url) } : { baseURL: `${url}/v1`, apiKey: KEY }),
      ...config,
    });

const WAYS = [
  { way: 'chat, client', provider: through('chat', 'client') },
  { way: 'chat, fetch', provider: through('chat', 'fetch') },
  { way: 'responses, client', provider: through('responses', 'client') },
  { way: 'responses, fetch', provider: through('responses', 'fetch') },
];
const CHAT = WAYS.slice(0, 2);
const RESPONSES = WAYS.slice(2);

const reasoningOf = (chunks: readonly ChatChunk[]): string =>
  chunks.map((chunk) => (chunk.type === 'reasoning' ? chunk.text : '')).join('');

/** A provider whose one reply consists of these frames. */
async function framesOf(build: Build, ...frames: (object | string)[]): Promise<ChatProvider> {
  const body = frames
    .map((frame) => (typeof frame === 'string' ? frame : `data: ${JSON.stringify(frame)}\n\n`))
    .join('');
  return build((await wallThat(httpStatus(200, { body, contentType: 'text/event-stream' }))).url);
}

describe.each(WAYS)('$way', ({ provider: build }) => {
  describe('an answer is exact', () => {
    test.each([
      ok(),
      crlf(),
      multiLineData(),
      lastUnterminated(),
      splitCodePoints(),
      splitFrames(),
      byteByByte(),
      glued(),
      keepAlive(3),
      keepAlive(3, { before: 'preamble' }),
      cutAfter('done'),
    ])('$name', async (fault) => {
      const wall = await wallThat(fault);
      const { text, chunks, error } = await ask(build(wall.url));
      expect(error).toBeUndefined();
      expect(text).toBe(DEFAULT_ANSWER);
      expect(chunks.slice(-2)).toStrictEqual([
        {
          type: 'usage',
          usage: { inputTokens: 10, outputTokens: 9, totalTokens: 19, cachedTokens: 0, reasoningTokens: 0 },
        },
        { type: 'finish', reason: 'stop', provider: 'wall', model: 'wall-1', requestId: 'req_wall-0' },
      ]);
      expect(wall.attempts.length).toBe(1);
      await wall.idle();
    });

    test('and what the model thinks is kept apart from it', async () => {
      const wall = await wallThat(ok({ reasoning: 'Let me think.' }));
      const { text, chunks } = await ask(build(wall.url));
      expect([reasoningOf(chunks), text]).toStrictEqual(['Let me think.', DEFAULT_ANSWER]);
    });

    test.each(['length', 'content-filter'] as const)('and says why it ended: %s', async (finishReason) => {
      const wall = await wallThat(ok({ finishReason }));
      const { chunks } = await ask(build(wall.url));
      expect(chunks.at(-1)).toMatchObject({ type: 'finish', reason: finishReason });
    });
  });

  describe('a failure is one attempt and a ProviderError with its kind', () => {
    const rows: [Fault, Partial<ProviderError>][] = [
      [
        rateLimited({ retryAfter: 2 }),
        { kind: 'rate-limit', status: 429, retryable: true, retryAfter: 2_000 },
      ],
      [rateLimited({ retryAfterMs: 70 }), { kind: 'rate-limit', retryAfter: 70 }],
      [rateLimited({ message: 'Please try again in 6.57s.' }), { kind: 'rate-limit', retryAfter: 6_570 }],
      [
        rateLimited({
          headers: { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '12ms' },
        }),
        { kind: 'rate-limit', retryAfter: 12 },
      ],
      [rateLimited({ headers: { 'x-should-retry': 'false' } }), { kind: 'rate-limit', retryable: false }],
      [quotaExhausted(), { kind: 'quota', status: 429, retryable: false }],
      [overloaded(), { kind: 'overloaded', status: 503, retryable: true }],
      [serverError(), { kind: 'server', status: 500, retryable: true, requestId: 'req_wall-0' }],
      [unauthorized({ message: `Incorrect API key: ${KEY}` }), { kind: 'auth', status: 401 }],
      [httpStatus(404), { kind: 'invalid', status: 404, retryable: false }],
      [contextLengthExceeded(), { kind: 'context-length', status: 400, retryable: false }],
      [contentPolicyViolation(), { kind: 'content-filter', status: 400, retryable: false }],
      [proxyPage(), { kind: 'malformed', status: 200, retryable: false }],
      [proxyPage(502), { kind: 'server', status: 502, retryable: true }],
      [notAStream(), { kind: 'malformed', retryable: false }],
      [httpStatus(200, { body: '' }), { kind: 'truncated' }],
      [reset(), { kind: 'transport', retryable: true }],
      [closeAtOnce(), { kind: 'transport', retryable: true }],
      [cutAfter('headers'), { kind: 'transport', retryable: true }],
      [cutAfter(3), { kind: 'transport', retryable: true, requestId: 'req_wall-0' }],
      [resetAfter(3), { kind: 'transport', retryable: true }],
      [endAfter('headers'), { kind: 'truncated', retryable: true }],
      [endAfter(0), { kind: 'truncated', retryable: true }],
      [endAfter(3), { kind: 'truncated', retryable: true }],
      [combine(connectionClose(), cutAfter(3)), { kind: 'truncated' }],
      [malformedAfter(2), { kind: 'malformed', retryable: false }],
      [malformedAfter(2, { data: '42' }), { kind: 'malformed' }],
      [
        errorFirst({ kind: 'rate-limit', message: 'try again in 1.5s' }),
        { kind: 'rate-limit', retryAfter: 1_500 },
      ],
      [errorAfterRole({ kind: 'overloaded' }), { kind: 'overloaded', retryable: true }],
      [errorAfter(3), { kind: 'server', retryable: true }],
      [errorAfter(3, { kind: 'quota', followedBy: 'done' }), { kind: 'quota', retryable: false }],
      [errorAfter(3, { kind: 'context-length', followedBy: 'stall' }), { kind: 'context-length' }],
    ];
    test.each(rows.map(([fault, expected]) => ({ name: fault.name, fault, expected })))(
      '$name: $expected.kind',
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
      const { error } = await ask(build(wall.url));
      expect(error).toMatchObject({
        kind: 'transport',
        message: expect.stringMatching(/refused. Is the server running/),
      });
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

  test('headers and signs of life are reported', async () => {
    const wall = await wallThat(keepAlive(2));
    const heard: string[] = [];
    await ask(build(wall.url), REQUEST, {
      headersReceived: () => heard.push('headers'),
      keepAliveReceived: () => heard.push('alive'),
    });
    expect(heard.slice(0, 3)).toStrictEqual(['headers', 'alive', 'alive']);
  });

  test('is sent per subscription, never before', async () => {
    const wall = await wallThat();
    const stream = build(wall.url).stream(REQUEST);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(wall.attempts.length).toBe(0);
    await Promise.all([lastValueFrom(stream), lastValueFrom(stream)]);
    expect(wall.attempts.length).toBe(2);
    expect(wall.attempts[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test('a frame that cannot be read may be skipped', async () => {
    const wall = await wallThat(malformedAfter(2));
    const { text, error } = await ask(build(wall.url, { malformed: 'skip' }));
    expect([text, error]).toStrictEqual(['The quick fox jumps over the lazy 🐕.', undefined]);
  });
});

test('an answer that is over does not wait for the connection to end, and closes it', async () => {
  const walls = await Promise.all(
    WAYS.map(async ({ provider }) => {
      const wall = await wallThat(stallAfter('done'));
      expect((await ask(provider(wall.url))).text).toBe(DEFAULT_ANSWER);
      return wall;
    }),
  );
  await Promise.all(walls.map((wall) => wall.idle()));
});

test("the client's own timeout is one", async () => {
  const wall = await wallThat(stallAfter('request'));
  const client = new OpenAI({ baseURL: `${wall.url}/v1`, apiKey: KEY, timeout: 20, logLevel: 'off' });
  const { error } = await ask(openai({ client, model: 'wall-1' }));
  expect(error).toMatchObject({ kind: 'timeout', retryable: true });
  await wall.idle();
});

test('a client for Azure finds its own way to the deployment', async () => {
  const wall = await wallThat();
  const client = new AzureOpenAI({
    endpoint: wall.url,
    apiKey: KEY,
    apiVersion: '2024-10-21',
    logLevel: 'off',
  });
  const { text } = await ask(openai({ client, model: 'gpt-5' }));
  expect(text).toBe(DEFAULT_ANSWER);
  expect(wall.attempts[0]?.path).toBe('/openai/deployments/gpt-5/chat/completions?api-version=2024-10-21');
});

const TALK: ChatRequest = {
  model: 'other',
  temperature: 0,
  maxTokens: 5,
  tools: [{ name: 'f', description: 'does f', parameters: { type: 'object' } }],
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'f', arguments: '{}' }] },
    { role: 'tool', content: '42', toolCallId: 'call_1' },
    { role: 'assistant', content: 'It is 42.' },
  ],
  extra: { seed: 1 },
};

test.each(CHAT)('$way: says what the caller wants in the words of Chat Completions', async ({ provider }) => {
  const wall = await wallThat();
  await ask(provider(wall.url), TALK);
  expect(wall.attempts[0]?.path).toBe('/v1/chat/completions');
  expect(wall.attempts[0]?.body).toMatchObject({
    model: 'other',
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0,
    max_completion_tokens: 5,
    seed: 1,
  });
  expect(wall.attempts[0]?.body).not.toHaveProperty('max_tokens');
});

test.each(RESPONSES)('$way: says what the caller wants in the words of Responses', async ({ provider }) => {
  const wall = await wallThat();
  await ask(provider(wall.url), TALK);
  expect(wall.attempts[0]?.path).toBe('/v1/responses');
  expect(wall.attempts[0]?.body).toStrictEqual({
    model: 'other',
    stream: true,
    temperature: 0,
    max_output_tokens: 5,
    seed: 1,
    tools: [
      { type: 'function', name: 'f', description: 'does f', parameters: { type: 'object' }, strict: false },
    ],
    input: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
      { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_1', output: '42' },
      { role: 'assistant', content: 'It is 42.' },
    ],
  });
});

describe.each(RESPONSES)('$way, events', ({ provider: build }) => {
  const call = (fields: object = {}): object => ({
    type: 'response.output_item.added',
    output_index: 3,
    item: { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '' },
    ...fields,
  });
  const completed = { type: 'response.completed', response: { model: 'm' } };

  test('tool calls come piece by piece, counted from 0, and are the reason of the end', async () => {
    const provider = await framesOf(
      build,
      call(),
      { type: 'response.function_call_arguments.delta', output_index: 3, delta: '{"a":' },
      { type: 'response.function_call_arguments.delta', output_index: 3, delta: '1}' },
      call({ type: 'response.output_item.done', item: { type: 'function_call', arguments: '{"a":1}' } }),
      // One whose arguments come only with its end.
      call({ output_index: 4, item: { type: 'function_call', call_id: 'call_2', name: 'g' } }),
      call({
        type: 'response.output_item.done',
        output_index: 4,
        item: { type: 'function_call', arguments: '{}' },
      }),
      completed,
    );
    expect((await ask(provider)).chunks).toStrictEqual([
      { type: 'tool-call', index: 0, id: 'call_1', name: 'f', arguments: '' },
      { type: 'tool-call', index: 0, arguments: '{"a":' },
      { type: 'tool-call', index: 0, arguments: '1}' },
      { type: 'tool-call', index: 1, id: 'call_2', name: 'g', arguments: '' },
      { type: 'tool-call', index: 1, arguments: '{}' },
      { type: 'finish', reason: 'tool-calls', provider: 'wall', model: 'm', requestId: 'req_wall-0' },
    ]);
  });

  test('a refusal is what the model said, its full thoughts are reasoning, unknown events are nothing', async () => {
    const provider = await framesOf(
      build,
      { type: 'response.reasoning_text.delta', delta: 'Hm.' },
      { type: 'response.web_search_call.searching', output_index: 0 },
      { type: 'response.refusal.delta', delta: 'No.' },
      { type: 'response.output_text.delta', delta: '' },
      completed,
      { type: 'response.output_text.delta', delta: 'late' },
    );
    expect((await ask(provider)).chunks.slice(0, -1)).toStrictEqual([
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'No.' },
    ]);
  });

  test.each([
    [errorAfter(3, { kind: 'rate-limit', shape: 'flat' }), { kind: 'rate-limit' }],
    [errorAfter(3, { kind: 'overloaded', shape: 'failed' }), { kind: 'overloaded' }],
    [
      errorFirst({
        kind: 'rate-limit',
        headers: { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '50.529s' },
      }),
      { kind: 'rate-limit', retryAfter: 50_529 },
    ],
    [withoutDone(), { kind: 'truncated', message: expect.stringMatching(/response\.completed/) }],
  ] as const)('$name', async (fault, expected) => {
    const wall = await wallThat(fault);
    expect((await ask(build(wall.url))).error).toMatchObject(expected);
  });

  test.each([
    ['invalid_prompt', 'invalid'],
    ['bio_policy', 'content-filter'],
    ['image_content_policy_violation', 'content-filter'],
    ['image_too_large', 'invalid'],
    ['data_residency_mismatch', 'invalid'],
    ['server_error', 'server'],
  ])('response.failed with the code %s: %s', async (code, kind) => {
    const provider = await framesOf(build, {
      type: 'response.failed',
      response: { error: { code, message: 'Sorry.' } },
    });
    expect((await ask(provider)).error).toMatchObject({ kind });
  });

  test.each([
    { type: 'response.output_text.delta', delta: 7 },
    { type: 'response.function_call_arguments.delta', output_index: 9, delta: '{}' },
    { no: 'type' },
  ])('a frame that is not of the protocol: %j', async (frame) => {
    const provider = await framesOf(build, frame, completed);
    expect((await ask(provider)).error).toMatchObject({ kind: 'malformed' });
  });

  test('an incomplete answer for a reason that is not known is whole, and ended for another reason', async () => {
    const provider = await framesOf(build, {
      type: 'response.incomplete',
      response: { incomplete_details: { reason: 'new' } },
    });
    expect((await ask(provider)).chunks).toMatchObject([{ type: 'finish', reason: 'other' }]);
  });
});

describe('a background response', () => {
  const DELTAS = ['A', 'B', 'C', 'D'];
  const EVENTS: object[] = [
    { type: 'response.created', response: { id: 'resp_1', model: 'wall-1' } },
    {
      type: 'response.output_item.added',
      output_index: 5,
      item: { type: 'function_call', call_id: 'call_1', name: 'f' },
    },
    ...DELTAS.map((delta) => ({ type: 'response.output_text.delta', delta })),
    { type: 'response.function_call_arguments.delta', output_index: 5, delta: '{}' },
    { type: 'response.completed', response: { id: 'resp_1', model: 'wall-1', usage: { output_tokens: 4 } } },
  ];

  /** Sends two deltas and hangs up; whoever comes back is sent the rest. */
  async function service(): Promise<{ url: string; asked: string[] }> {
    const asked: string[] = [];
    const url = await serverThat((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://wall');
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      const after = Number(searchParams.get('starting_after') ?? -1);
      const events = EVENTS.map((event, sequence_number) => ({ ...event, sequence_number }));
      const sent = request.method === 'POST' ? events.slice(0, 4) : events.slice(after + 1);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(sent.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
    });
    return { url, asked };
  }

  test.each(RESPONSES)('$way: is read on from where it broke', async ({ provider: build }) => {
    const { url, asked } = await service();
    const provider = build(url);
    let token: string | undefined;
    const checkpoint = (place: string): void => {
      token = place;
    };
    const request = { ...REQUEST, extra: { background: true } };
    const first = await ask(provider, request, { checkpoint });
    expect(first).toMatchObject({ text: 'AB', error: { kind: 'truncated' } });
    const rest = await ask(provider, request, { checkpoint, resume: token });
    expect(rest.chunks).toStrictEqual([
      { type: 'text', text: 'C' },
      { type: 'text', text: 'D' },
      { type: 'tool-call', index: 0, arguments: '{}' },
      { type: 'usage', usage: { outputTokens: 4 } },
      { type: 'finish', reason: 'tool-calls', provider: 'wall', model: 'wall-1' },
    ]);
    expect(asked).toStrictEqual([
      `POST /v1/responses Bearer ${KEY}`,
      `GET /v1/responses/resp_1?stream=true&starting_after=3 Bearer ${KEY}`,
    ]);
    expect(provider.capabilities?.resume).toBe(true);
  });

  test.each(RESPONSES)(
    '$way: goes on where it broke, for whoever wants to continue',
    async ({ provider: build }) => {
      const { url, asked } = await service();
      const provider = new ResilientProvider({ provider: build(url), retry: 1, recovery: 'continue' });
      const { chunks, error } = await ask(provider, { ...REQUEST, extra: { background: true } });
      expect(error).toBeUndefined();
      expect(chunks.flatMap((chunk) => (chunk.type === 'text' ? [chunk.text] : chunk.type))).toStrictEqual([
        'tool-call',
        'A',
        'B',
        'resume',
        'C',
        'D',
        'tool-call',
        'usage',
        'finish',
      ]);
      expect(asked.map((request) => request.slice(0, 4))).toStrictEqual(['POST', 'GET ']);
    },
  );

  test('is the only one that can be resumed', async () => {
    const { url } = await service();
    const places: string[] = [];
    await ask(RESPONSES[0]?.provider(url) as ChatProvider, REQUEST, {
      checkpoint: (place) => places.push(place),
    });
    expect(places).toStrictEqual([]);
    expect(CHAT[0]?.provider(url).capabilities?.resume).toBe(false);
  });

  test.each(['', '{}', 'null'])('is not found by another token: %j', async (resume) => {
    const { url, asked } = await service();
    const { error } = await ask(RESPONSES[1]?.provider(url) as ChatProvider, REQUEST, { resume });
    expect(error).toMatchObject({ name: 'ConfigurationError' });
    expect(asked).toStrictEqual([]);
  });
});

describe('configuration', () => {
  const client = clientAt('http://localhost');

  test('takes the name from the host, and the service itself for granted', () => {
    expect(openai({ client, model: 'm' }).name).toBe('localhost');
    expect(openai({ apiKey: KEY, model: 'm' }).name).toBe('api.openai.com');
  });

  test('says how long a conversation may be', () => {
    expect(openai({ client, model: 'm', contextWindow: 128_000 }).capabilities?.contextWindow).toBe(128_000);
  });

  test.each([
    [{ client }, 'option "model" must be a string, got undefined'],
    [
      { client: {}, model: 'm' },
      'option "client" must be a client of the package "openai", got an object (Object)',
    ],
    [{ client: null, model: 'm' }, 'option "client"'],
    [
      { client, model: 'm', baseURL: 'http://a' },
      'option "client" has a "baseURL", "apiKey", "headers" and "fetch"',
    ],
    [{ client, model: 'm', apiKey: KEY }, 'option "client" has'],
    [{ client, model: 'm', headers: { a: 'b' } }, 'option "client" has'],
    [{ client, model: 'm', fetch }, 'option "client" has'],
    [{ model: 'm', api: 'realtime' }, 'option "api" must be "chat" or "responses", got "realtime"'],
    [{ model: 'm', baseURL: 'api.openai.com' }, 'option "baseURL" must be a URL'],
    [{ model: 'm', apiKey: 'sk secret' }, 'option "apiKey"'],
    [{ model: 'm', contextWindow: 0 }, 'option "contextWindow" must be a whole number of at least 1, got 0'],
    [{ model: 'm', retries: 3 }, 'unknown option "retries"'],
  ])('%# is refused at once, saying %j', (config, message) => {
    expect(() => openai(config as never)).toThrow(message);
  });
});
