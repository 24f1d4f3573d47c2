import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { lastValueFrom, take, toArray } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import type { ChatChunk } from '../../../src/chat/chunk.ts';
import { toResponse } from '../../../src/chat/collectors.ts';
import type { ProviderError } from '../../../src/chat/errors.ts';
import { isProviderError } from '../../../src/chat/errors.ts';
import type { ChatRequest } from '../../../src/chat/provider.ts';
import { EventBus } from '../../../src/core/event-bus.ts';
import { openAICompatible } from '../../../src/providers/openai-compatible/index.ts';
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
  emptyChoicesFirst,
  endAfter,
  errorAfter,
  errorAfterRole,
  errorFirst,
  type Fault,
  type FaultServer,
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

const KEY = 'sk-very-secret-1234';
const REQUEST = { messages: [{ role: 'user', content: 'Hello' }] } as const;

type Config = Partial<Parameters<typeof openAICompatible>[0]>;
const open: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function wallThat(script: Fault | Fault[] = ok()): Promise<FaultServer> {
  const wall = await startFaultServer({ script });
  open.push(wall);
  return wall;
}

const providerAt = (url: string, config: Config = {}) =>
  openAICompatible({ name: 'wall', baseURL: `${url}/v1`, model: 'wall-1', apiKey: KEY, ...config });

interface Outcome {
  readonly text: string;
  readonly chunks: readonly ChatChunk[];
  readonly error: unknown;
}

function ask(provider: ReturnType<typeof openAICompatible>, request = REQUEST): Promise<Outcome> {
  return new Promise((resolve) => {
    const chunks: ChatChunk[] = [];
    const end = (error: unknown): void => resolve({ text: textOf(chunks), chunks, error });
    provider.stream(request).subscribe({
      next: (chunk) => chunks.push(chunk),
      error: end,
      complete: () => end(undefined),
    });
  });
}

const textOf = (chunks: readonly ChatChunk[]): string =>
  chunks.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join('');

async function failureOf(script: Fault | Fault[], config?: Config): Promise<ProviderError> {
  const wall = await wallThat(script);
  const { error } = await ask(providerAt(wall.url, config));
  if (!isProviderError(error)) throw new Error(`expected a ProviderError, got ${String(error)}`);
  await wall.idle();
  return error;
}

/** A server of a few lines, for what no script of the wall says. */
async function serverThat(answer: RequestListener): Promise<string> {
  const server: Server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close() {
      server.close();
      server.closeAllConnections();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that sends these frames, `null` for a line end between writes, and closes. */
const framesOf = (...frames: (object | string)[]): Promise<string> =>
  serverThat((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(
      frames
        .map((frame) => (typeof frame === 'string' ? frame : `data: ${JSON.stringify(frame)}\n\n`))
        .join(''),
    );
  });

const delta = (delta: object, finish_reason: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason }],
});

describe('a good answer', () => {
  test.each([
    ok(),
    crlf(),
    multiLineData(),
    combine(crlf(), multiLineData()),
    { name: 'bare CR', lineEnd: '\r' } satisfies Fault,
    lastUnterminated(),
    combine(withoutDone(), lastUnterminated()),
    splitCodePoints(),
    splitFrames(),
    byteByByte(),
    combine(byteByByte(), crlf()),
    glued(),
    emptyChoicesFirst(),
    keepAlive(3),
    keepAlive(3, { before: 'preamble' }),
    withoutDone(),
    wrongContentType(),
    wrongContentType('application/json'),
    combine(cutAfter('finish')),
    resetAfter('finish'),
    cutAfter('done'),
    errorAfter('finish'),
  ])('is exact: $name', async (fault) => {
    const wall = await wallThat(fault);
    const { text, chunks, error } = await ask(providerAt(wall.url));
    expect(error).toBeUndefined();
    expect(text).toBe(DEFAULT_ANSWER);
    expect(chunks.at(-1)).toStrictEqual({
      type: 'finish',
      reason: 'stop',
      provider: 'wall',
      model: 'wall-1',
      requestId: 'req_wall-0',
    });
    await wall.idle();
  });

  test('ends with its usage, then the finish', async () => {
    const wall = await wallThat(ok({ usage: { input: 7, output: 9 } }));
    const { chunks } = await ask(providerAt(wall.url));
    expect(chunks.at(-2)).toStrictEqual({
      type: 'usage',
      usage: { inputTokens: 7, outputTokens: 9, totalTokens: 16, cachedTokens: 0, reasoningTokens: 0 },
    });
  });

  test('has no usage where it is not asked for, and the field is not sent', async () => {
    const wall = await wallThat();
    const { chunks } = await ask(providerAt(wall.url, { usage: false }));
    expect(chunks.map(({ type }) => type)).not.toContain('usage');
    expect(wall.attempts[0]?.body).not.toHaveProperty('stream_options');
  });

  test('separates what the model thinks from what it says', async () => {
    const wall = await wallThat(ok({ reasoning: 'Let me think.' }));
    const { text, chunks } = await ask(providerAt(wall.url));
    expect(text).toBe(DEFAULT_ANSWER);
    expect(chunks.map((chunk) => (chunk.type === 'reasoning' ? chunk.text : '')).join('')).toBe(
      'Let me think.',
    );
  });

  test.each([
    ['length', 'length'],
    ['content-filter', 'content-filter'],
  ] as const)('says why it ended: %s', async (finishReason, reason) => {
    const wall = await wallThat(ok({ finishReason }));
    const { chunks } = await ask(providerAt(wall.url));
    expect(chunks.at(-1)).toMatchObject({ type: 'finish', reason });
  });

  test('carries tool calls, piece by piece', async () => {
    const url = await framesOf(
      delta({ role: 'assistant', content: null }),
      delta({
        tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }],
      }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{"a":' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '1}' } }] }),
      delta({}, 'tool_calls'),
    );
    const { chunks } = await ask(providerAt(url));
    expect(chunks).toStrictEqual([
      { type: 'tool-call', index: 0, id: 'call_1', name: 'f', arguments: '' },
      { type: 'tool-call', index: 0, arguments: '{"a":' },
      { type: 'tool-call', index: 0, arguments: '1}' },
      { type: 'finish', reason: 'tool-calls', provider: 'wall' },
    ]);
  });

  test('has as many tool calls as the model made, also where the server counts none of them', async () => {
    const call = (id: string, name: string, index?: number) =>
      delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '{}' } }] });
    const asked = [
      { type: 'tool-call', index: 0, id: 'call_1', name: 'f', arguments: '{}' },
      { type: 'tool-call', index: 1, id: 'call_2', name: 'f', arguments: '{}' },
      { type: 'tool-call', index: 2, id: 'call_3', name: 'g', arguments: '{}' },
    ];
    for (const index of [0, undefined]) {
      const url = await framesOf(
        call('call_1', 'f', index),
        call('call_2', 'f', index),
        call('call_3', 'g', index),
        delta({}, 'tool_calls'),
      );
      const { chunks } = await ask(providerAt(url));
      expect(chunks.slice(0, -1), `index ${index}`).toStrictEqual(asked);
    }
  });

  test('goes on with a tool call whose pieces have ids of their own, or say its name again', async () => {
    const piece = (id: string, called: object) => delta({ tool_calls: [{ index: 0, id, function: called }] });
    const url = await framesOf(
      piece('call_1', { name: 'f', arguments: '{"a":' }),
      piece('call_2', { arguments: '1' }),
      piece('call_1', { name: 'f', arguments: '}' }),
      delta({}, 'tool_calls'),
    );
    const { chunks } = await ask(providerAt(url));
    expect(chunks.map((chunk) => (chunk.type === 'tool-call' ? chunk.index : chunk.type))).toStrictEqual([
      0,
      0,
      0,
      'finish',
    ]);
  });

  test('is the first of several choices', async () => {
    const other = { choices: [{ index: 1, delta: { content: 'other' }, finish_reason: 'stop' }] };
    const url = await framesOf(other, delta({ content: 'A' }), other, delta({ content: 'B' }, 'stop'));
    expect((await ask(providerAt(url))).text).toBe('AB');
  });

  test('takes the older function call for a tool call, and a refusal for what the model said', async () => {
    const url = await framesOf(
      delta({ function_call: { name: 'f', arguments: '{}' } }),
      delta({ refusal: 'No.' }),
      delta({}, 'function_call'),
    );
    const { chunks } = await ask(providerAt(url));
    expect(chunks.slice(0, -1)).toStrictEqual([
      { type: 'tool-call', index: 0, name: 'f', arguments: '{}' },
      { type: 'text', text: 'No.' },
    ]);
  });

  test('that is proven does not wait for ever for its accounts', async () => {
    const wall = await wallThat(stallAfter('finish'));
    const { text, error } = await ask(providerAt(wall.url));
    expect([text, error]).toStrictEqual([DEFAULT_ANSWER, undefined]);
    await wall.idle();
  });

  test('completes at [DONE] although the connection stays open, and then closes it', async () => {
    const wall = await wallThat(stallAfter('done'));
    const { text, error } = await ask(providerAt(wall.url));
    expect([text, error]).toStrictEqual([DEFAULT_ANSWER, undefined]);
    expect(wall.openSockets).toBe(1);
    await wall.idle();
  });

  test('leaves its connection to the next request', async () => {
    const ports = new Set<number | undefined>();
    let closed: Promise<unknown> | undefined;
    const url = await serverThat((request, response) => {
      ports.add(request.socket.remotePort);
      response.writeHead(200);
      response.write(`data: ${JSON.stringify(delta({ content: 'hi' }, 'stop'))}\n\ndata: [DONE]\n\n`);
      setTimeout(() => response.end(), 5);
      closed = new Promise((resolve) => response.once('close', resolve));
    });
    for (let i = 0; i < 3; i++) {
      await ask(providerAt(url));
      await closed;
      // The client hears of that end a little later than the server, and nobody is told when.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(ports.size).toBe(1);
  });
});

describe('a request', () => {
  test('says what the caller wants in the words of the protocol', async () => {
    const wall = await wallThat();
    const provider = providerAt(wall.url, { headers: { 'x-team': 'blue' } });
    const request = {
      model: 'other',
      temperature: 0,
      maxTokens: 5,
      tools: [{ name: 'f', description: 'does f', parameters: { type: 'object' } }],
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'f', arguments: '{}' }] },
        { role: 'tool', content: '42', toolCallId: 'call_1' },
      ],
      extra: { seed: 1, max_tokens: 6 },
    } as const;
    await lastValueFrom(provider.stream(request));
    const [attempt] = wall.attempts;
    expect(attempt?.path).toBe('/v1/chat/completions');
    expect(attempt?.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'x-team': 'blue' });
    expect(attempt?.body).toStrictEqual({
      model: 'other',
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      max_tokens: 6,
      seed: 1,
      tools: [
        { type: 'function', function: { name: 'f', description: 'does f', parameters: { type: 'object' } } },
      ],
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', content: '42', tool_call_id: 'call_1' },
      ],
    });
  });

  test('has no empty lists, which OpenAI refuses, and nothing that is undefined', async () => {
    const wall = await wallThat();
    const provider = providerAt(wall.url, { usage: false });
    const { text: content, toolCalls } = await lastValueFrom(provider.stream(REQUEST).pipe(toResponse()));
    const request: ChatRequest = {
      model: undefined,
      temperature: undefined,
      maxTokens: undefined,
      tools: [],
      extra: undefined,
      messages: [
        { role: 'assistant', content, toolCalls },
        { role: 'user', content: 'Go on.' },
      ],
    };
    await lastValueFrom(provider.stream(request));
    expect(wall.attempts[1]?.body).toStrictEqual({
      model: 'wall-1',
      stream: true,
      messages: [
        { role: 'assistant', content: DEFAULT_ANSWER },
        { role: 'user', content: 'Go on.' },
      ],
    });
  });

  test('is sent per subscription, never before', async () => {
    const wall = await wallThat();
    const stream = providerAt(wall.url).stream(REQUEST);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(wall.attempts.length).toBe(0);
    await Promise.all([lastValueFrom(stream), lastValueFrom(stream)]);
    expect(wall.attempts.length).toBe(2);
  });

  test('keeps the query of the base URL and bears a slash at its end', async () => {
    const wall = await wallThat();
    await ask(openAICompatible({ baseURL: `${wall.url}/v1/?api-version=1`, model: 'm' }));
    expect(wall.attempts[0]?.path).toBe('/v1/chat/completions?api-version=1');
    expect(wall.attempts[0]?.headers.authorization).toBeUndefined();
  });
});

describe('every failure is a ProviderError with its kind', () => {
  const rows: [Fault, Partial<ProviderError>, words: RegExp][] = [
    [
      rateLimited({ retryAfter: 2 }),
      { kind: 'rate-limit', status: 429, retryable: true, retryAfter: 2_000 },
      /answered 429/,
    ],
    [
      rateLimited({ message: 'Please try again in 6.57s.' }),
      { kind: 'rate-limit', retryAfter: 6_570 },
      /6\.57s/,
    ],
    [
      rateLimited({
        headers: { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '12ms' },
      }),
      { kind: 'rate-limit', retryAfter: 12 },
      /429/,
    ],
    [
      rateLimited({ headers: { 'x-should-retry': 'false' } }),
      { kind: 'rate-limit', retryable: false },
      /429/,
    ],
    [
      httpStatus(400, { headers: { 'x-should-retry': 'true' } }),
      { kind: 'invalid', retryable: true },
      /Check the request/,
    ],
    [quotaExhausted(), { kind: 'quota', status: 429, retryable: false }, /plan and billing/],
    [overloaded(), { kind: 'overloaded', status: 503, retryable: true }, /overloaded/],
    [serverError(), { kind: 'server', status: 500, retryable: true }, /their side/],
    [
      unauthorized(),
      { kind: 'auth', status: 401, retryable: false, requestId: 'req_wall-0' },
      /Check the API key/,
    ],
    [
      unauthorized({ message: `Incorrect API key provided: ${KEY}` }),
      { kind: 'auth', retryable: false },
      /provided: \[key\]/,
    ],
    [httpStatus(404), { kind: 'invalid', status: 404 }, /Check the base URL and the model "wall-1"/],
    [httpStatus(422, { body: { detail: 'no such field' } }), { kind: 'invalid' }, /no such field/],
    [httpStatus(400, { body: { error: 'as a bare string' } }), { kind: 'invalid' }, /as a bare string/],
    [httpStatus(400, { body: '' }), { kind: 'invalid' }, /gave no reason/],
    [httpStatus(500, { body: 'x'.repeat(1e6) }), { kind: 'server' }, /x…"/],
    [contextLengthExceeded(), { kind: 'context-length', retryable: false }, /Shorten the conversation/],
    [contentPolicyViolation(), { kind: 'content-filter', retryable: false }, /by policy/],
    [
      proxyPage(),
      { kind: 'malformed', status: 200, retryable: false },
      /a page instead of a stream.*"Sign in".*right URL/,
    ],
    [proxyPage(502), { kind: 'server', status: 502, retryable: true }, /"502 Bad Gateway"/],
    [
      notAStream(),
      { kind: 'malformed', retryable: false },
      /a JSON document instead of a stream.*support streaming/,
    ],
    [
      httpStatus(200, { body: { error: { message: 'Overloaded', type: 'overloaded_error' } } }),
      { kind: 'overloaded' },
      /Overloaded/,
    ],
    [httpStatus(200, { body: '' }), { kind: 'truncated' }, /before it began/],
    [httpStatus(200, { body: 'Welcome to nginx' }), { kind: 'malformed' }, /"Welcome to nginx"/],
    [
      httpStatus(200, { body: '{"model":"llama","done":false}\n{"done":true}\n' }),
      { kind: 'malformed' },
      /instead of a stream/,
    ],
    [reset(), { kind: 'transport', retryable: true }, /closed before a reply came/],
    [closeAtOnce(), { kind: 'transport', retryable: true }, /closed before a reply came.*http:\/\/127/],
    [cutAfter('headers'), { kind: 'transport', retryable: true }, /in the middle of the answer/],
    [
      cutAfter(3),
      { kind: 'transport', retryable: true, requestId: 'req_wall-0' },
      /in the middle of the answer/,
    ],
    [resetAfter(3), { kind: 'transport', retryable: true }, /in the middle of the answer/],
    [endAfter('headers'), { kind: 'truncated', retryable: true }, /before it began/],
    [endAfter(0), { kind: 'truncated', retryable: true }, /not whole/],
    [endAfter(3), { kind: 'truncated', retryable: true }, /without a finish_reason/],
    [combine(endAfter(3), lastUnterminated()), { kind: 'truncated' }, /not whole/],
    [combine(connectionClose(), cutAfter(3)), { kind: 'truncated' }, /not whole/],
    [malformedAfter(2), { kind: 'malformed', retryable: false }, /not of the chat completions protocol/],
    [malformedAfter(2, { data: '42' }), { kind: 'malformed' }, /"42"/],
    [malformedAfter(2, { data: 'null' }), { kind: 'malformed' }, /"null"/],
    [malformedAfter(2, { data: '{"choices":[{"delta":{"content":7}}]}' }), { kind: 'malformed' }, /"7"/],
    [
      errorFirst({ kind: 'rate-limit' }),
      { kind: 'rate-limit', status: undefined, retryable: true },
      /inside the stream/,
    ],
    [errorAfterRole({ kind: 'overloaded' }), { kind: 'overloaded' }, /inside the stream/],
    [errorAfter(3), { kind: 'server' }, /inside the stream/],
    [errorAfter(3, { shape: 'event' }), { kind: 'server' }, /inside the stream/],
    [errorAfter(3, { shape: 'vllm', kind: 'invalid' }), { kind: 'invalid' }, /inside the stream/],
    [errorAfter(3, { shape: 'openrouter', kind: 'rate-limit' }), { kind: 'rate-limit' }, /inside the stream/],
    [
      errorAfter(3, { kind: 'quota', followedBy: 'done' }),
      { kind: 'quota', retryable: false },
      /inside the stream/,
    ],
    [
      errorAfter(3, { kind: 'context-length', followedBy: 'stall' }),
      { kind: 'context-length' },
      /inside the stream/,
    ],
    [errorFirst({ kind: 'content-filter' }), { kind: 'content-filter' }, /by policy/],
    [errorFirst({ kind: 'rate-limit', message: 'try again in 1.5s' }), { retryAfter: 1_500 }, /1\.5s/],
  ];
  test.each(rows.map(([fault, expected, words]) => ({ name: fault.name, fault, expected, words })))(
    '$name: $expected.kind',
    async ({ fault, expected, words }) => {
      const error = await failureOf(fault);
      expect(error).toMatchObject({ provider: 'wall', ...expected });
      expect(error.message).toMatch(words);
      expect(error.message).toMatch(/^Provider "wall" /);
      expect(error.message.length).toBeLessThan(600);
      expect(JSON.stringify([error, error.message, error.stack, String(error.cause)])).not.toContain(KEY);
    },
  );

  test('a port where nobody listens', async () => {
    const wall = await startFaultServer();
    await wall.close();
    const { error } = await ask(providerAt(wall.url));
    expect(error).toMatchObject({ kind: 'transport', retryable: true });
    expect((error as Error).message).toContain('refused. Is the server running');
    expect((error as Error).message).toContain(`${wall.url}/v1/chat/completions`);
  });

  test('a host that does not exist', async () => {
    const { error } = await ask(providerAt('http://nowhere.invalid'));
    expect(error).toMatchObject({ kind: 'transport' });
    expect((error as Error).message).toContain('host name is not known');
  });

  test('https where only http is spoken', async () => {
    const wall = await wallThat();
    const { error } = await ask(providerAt(wall.url.replace('http:', 'https:')));
    expect(error).toMatchObject({ kind: 'transport' });
    expect((error as Error).message).toContain('Should it be http: instead of https:');
  });

  test('a refusal whose body does not end: its status has said enough', async () => {
    let closed: Promise<unknown> | undefined;
    const url = await serverThat((_request, response) => {
      closed = new Promise((resolve) => response.once('close', resolve));
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' });
      response.write('{"error":');
    });
    const { error } = await ask(providerAt(url));
    expect(error).toMatchObject({ kind: 'rate-limit', status: 429, retryAfter: 7_000 });
    await closed;
  });

  test('an error as a bare line, in the middle of the stream', async () => {
    const url = await framesOf(delta({ content: 'A' }), 'error: {"code":500,"message":"slot lost"}\n\n');
    expect((await ask(providerAt(url))).error).toMatchObject({
      kind: 'server',
      message: expect.stringMatching(/slot lost/),
    });
  });

  test('a last frame that is torn by the end of the body: truncated, not malformed', async () => {
    const url = await framesOf(delta({ content: 'A' }), 'data: {"choices":[{"delta":{"con');
    expect((await ask(providerAt(url))).error).toMatchObject({ kind: 'truncated' });
  });

  test.each([
    ['error', 'server'],
    ['abort', 'truncated'],
    ['insufficient_system_resource', 'overloaded'],
  ])('a finish_reason that says the answer was broken off: %s', async (reason, kind) => {
    const url = await framesOf(delta({ content: 'A' }), delta({}, reason), 'data: [DONE]\n\n');
    expect((await ask(providerAt(url))).error).toMatchObject({ kind });
  });

  test('none after the finish: the answer is whole', async () => {
    const after = [
      delta({}, 'error'),
      'data: {garbled\n\n',
      { error: { message: 'late' } },
      'error: {"message":"late"}\n\n',
    ];
    for (const frame of [...after, `data: ${'x'.repeat(1_100_000)}`]) {
      const url = await framesOf(delta({ content: 'A' }, 'stop'), frame);
      const { text, error } = await ask(providerAt(url));
      expect([text, error]).toStrictEqual(['A', undefined]);
    }
  });

  test('[DONE] alone proves nothing', async () => {
    const url = await framesOf(delta({ content: 'A' }), 'data: [DONE]\n\n');
    expect((await ask(providerAt(url))).error).toMatchObject({ kind: 'truncated' });
  });

  test('a fetch that gives up by itself is a timeout, one that was aborted a cancellation', async () => {
    for (const [name, kind] of [
      ['TimeoutError', 'timeout'],
      ['AbortError', 'cancelled'],
    ]) {
      const fetch = () => Promise.reject(new DOMException('no more', name));
      const { error } = await ask(providerAt('http://127.0.0.1:9', { fetch }));
      expect(error).toMatchObject({ kind });
    }
  });
});

test('a frame that cannot be read may be skipped, and the bus hears of it', async () => {
  const wall = await wallThat(malformedAfter(2));
  const events = new EventBus();
  const skipped: unknown[] = [];
  events.on('frame_skipped').subscribe(({ source, data }) => skipped.push([source, data.error.kind]));
  const { text, error } = await ask(providerAt(wall.url, { malformed: 'skip', events }));
  expect(error).toBeUndefined();
  expect(text).toBe('The quick fox jumps over the lazy 🐕.');
  expect(skipped).toStrictEqual([['wall', 'malformed']]);
});

test('a server that never ends a line is cut off', async () => {
  let sent = 0;
  const url = await serverThat((_request, response) => {
    response.writeHead(200);
    const block = 'data: '.padEnd(65_536, 'x');
    const more = (): void => {
      while (!response.destroyed && response.write(block)) sent += block.length;
      sent += block.length;
    };
    response.on('drain', more);
    more();
  });
  const { error } = await ask(providerAt(url));
  expect(error).toMatchObject({ kind: 'malformed' });
  expect((error as Error).message).toContain('more than 1048576 characters without ending the event');
  expect(sent).toBeLessThan(64 * 1_048_576);
});

describe('unsubscribing', () => {
  test.each([
    stallAfter('request'),
    stallAfter('headers'),
    stallAfter(0),
    stallAfter(3),
    stallAfter(3, { pingEvery: 5 }),
  ])('closes the socket within 100 ms: $name', async (fault) => {
    const wall = await wallThat(fault);
    const heard: unknown[] = [];
    const subscription = providerAt(wall.url)
      .stream(REQUEST)
      .subscribe({ error: (e) => heard.push(e), complete: () => heard.push('complete') });
    expect(await closingTime(wall, () => subscription.unsubscribe())).toBeLessThan(100);
    expect(heard).toStrictEqual([]);
  });

  test('inside the first chunk closes the socket, and nothing more is delivered', async () => {
    const wall = await wallThat(combine(glued(), stallAfter(5)));
    const chunks = await lastValueFrom(providerAt(wall.url).stream(REQUEST).pipe(take(1), toArray()));
    expect(chunks).toStrictEqual([{ type: 'text', text: 'The ' }]);
    await wall.idle();
  });

  test("the caller's abort closes the socket and is the stream's error, never its completion", async () => {
    const wall = await wallThat(stallAfter(3));
    const controller = new AbortController();
    const heard: unknown[] = [];
    providerAt(wall.url)
      .stream(REQUEST, { signal: controller.signal })
      .subscribe({ error: (e: Error) => heard.push(e.name), complete: () => heard.push('complete') });
    expect(await closingTime(wall, () => controller.abort())).toBeLessThan(100);
    expect(heard).toStrictEqual(['AbortError']);
  });
});

describe('bad configuration is refused at once', () => {
  const good = { baseURL: 'http://localhost/v1', model: 'm' };
  test.each([
    [
      { ...good, baseURL: 'localhost:11434' },
      'option "baseURL" must be a URL that starts with http:// or https://, got "localhost:11434"',
    ],
    [
      { baseURL: 'http://localhost/v1/chat/completions', model: 'm' },
      'option "baseURL" must not end in "/chat/completions"',
    ],
    [{ ...good, baseURL: '' }, 'option "baseURL"'],
    [{ ...good, model: '' }, 'option "model" must not be empty, got ""'],
    [{ baseURL: good.baseURL }, 'option "model" must be a string, got undefined'],
    [{ ...good, malformed: 'ignore' }, 'option "malformed" must be "fail" or "skip", got "ignore"'],
    [{ ...good, usage: 1 }, 'option "usage" must be a boolean, got 1'],
    [{ ...good, fetch: 'fetch' }, 'option "fetch" must be a function, got "fetch"'],
    [{ ...good, retries: 3 }, 'unknown option "retries"'],
  ])('%j', (config, message) => {
    expect(() => openAICompatible(config as never)).toThrow(message);
  });

  test.each([
    [{ ...good, apiKey: 'sk-secret\n' }, 'option "apiKey"'],
    [{ ...good, apiKey: '' }, 'option "apiKey"'],
    [{ ...good, baseURL: 'https://me:sk-secret@host/v1' }, 'option "baseURL" must not contain a user name'],
    [{ ...good, headers: { 'api-key': 'sk-secret\n\0' } }, 'option "headers"'],
  ])('without showing a secret: %#', (config, message) => {
    let error: unknown;
    try {
      openAICompatible(config);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ name: 'ConfigurationError' });
    expect((error as Error).message).toContain(message);
    expect(`${(error as Error).stack}${String((error as Error).cause)}`).not.toContain('sk-secret');
  });
});
