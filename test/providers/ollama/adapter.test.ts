import { Ollama } from 'ollama';
import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import type { ProviderError } from '../../../src/chat/errors.ts';
import type { ChatProvider } from '../../../src/chat/provider.ts';
import { EventBus } from '../../../src/core/event-bus.ts';
import { type OllamaConfig, ollama } from '../../../src/providers/ollama/index.ts';
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
  errorFirst,
  type Fault,
  glued,
  httpStatus,
  keepAlive,
  lastUnterminated,
  malformedAfter,
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
import { ask, bodyOf, failureOf, KEY, REQUEST, serverThat, wallThat } from '../surroundings.ts';

type Options = Pick<OllamaConfig, 'malformed' | 'events' | 'prefill' | 'contextWindow'>;
type Way = (url: string, options?: Options) => ChatProvider;

const model = 'llama3.2';
const overFetch: Way = (url, options) => ollama({ name: 'wall', host: url, apiKey: KEY, model, ...options });
const throughClient: Way = (url, options) =>
  ollama({
    name: 'wall',
    client: new Ollama({ host: url, headers: { authorization: `Bearer ${KEY}` } }),
    model,
    ...options,
  });

const lines = (...all: readonly object[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('');
const said = (message: object): object => ({
  model,
  message: { role: 'assistant', ...message },
  done: false,
});
const done = (fields: object = { done_reason: 'stop' }): object => ({
  model,
  message: { role: 'assistant', content: '' },
  done: true,
  ...fields,
});
const finish = (reason: string): object => ({ type: 'finish', reason, provider: 'wall', model });

describe.each([
  ['over fetch', overFetch],
  ['through the official client', throughClient],
])('%s', (_, provider) => {
  describe('a good answer', () => {
    test.each([
      ok(),
      crlf(),
      lastUnterminated(),
      splitCodePoints(),
      splitFrames(),
      byteByByte(),
      combine(byteByByte(), crlf()),
      glued(),
      keepAlive(3),
      wrongContentType(),
      wrongContentType('application/json'),
      notAStream(),
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
        finish('stop'),
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
    const rows: [Fault, Partial<ProviderError>, words: RegExp][] = [
      [rateLimited({ retryAfter: 2 }), { kind: 'rate-limit', status: 429, retryAfter: 2_000 }, /too many/],
      [quotaExhausted(), { kind: 'quota', status: 402, retryable: false }, /plan and billing/],
      [overloaded(), { kind: 'overloaded', status: 503, retryable: true }, /maximum pending requests/],
      [serverError(), { kind: 'server', status: 500, retryable: true }, /llama runner process/],
      [httpStatus(502), { kind: 'server', status: 502 }, /their side/],
      [unauthorized(), { kind: 'auth', status: 401, retryable: false }, /Check the API key/],
      [unauthorized({ message: `bad ${KEY}` }), { kind: 'auth' }, /"bad /],
      [httpStatus(403), { kind: 'auth', status: 403 }, /Check the API key/],
      [
        httpStatus(404, { message: 'model "llama3.2" not found, try pulling it first' }),
        { kind: 'invalid', status: 404, retryable: false },
        /try pulling it first.*the model "llama3.2"/,
      ],
      [httpStatus(400), { kind: 'invalid', status: 400, retryable: false }, /invalid request/],
      [httpStatus(400, { body: '' }), { kind: 'invalid' }, /gave no reason/],
      [contextLengthExceeded(), { kind: 'context-length', retryable: false }, /Shorten the conversation/],
      [contentPolicyViolation(), { kind: 'content-filter', retryable: false }, /by policy/],
      [proxyPage(), { kind: 'malformed', status: 200, retryable: false }, /a page instead.*"Sign in"/],
      [proxyPage(502), { kind: 'server', status: 502, retryable: true }, /"502 Bad Gateway"/],
      [httpStatus(200, { body: '' }), { kind: 'truncated' }, /before it began/],
      [httpStatus(200, { body: 'data: {"choices":[]}\n\n' }), { kind: 'malformed' }, /a page instead/],
      [httpStatus(200, { body: '["A"]' }), { kind: 'malformed' }, /a JSON document instead/],
      [reset(), { kind: 'transport', retryable: true }, /closed before a reply came.*http:\/\/127/],
      [closeAtOnce(), { kind: 'transport', retryable: true }, /closed before a reply came/],
      [cutAfter('headers'), { kind: 'transport', retryable: true }, /in the middle of the answer/],
      [cutAfter(3), { kind: 'transport', retryable: true }, /in the middle of the answer/],
      [resetAfter(3), { kind: 'transport', retryable: true }, /in the middle of the answer/],
      [endAfter('headers'), { kind: 'truncated', retryable: true }, /before it began/],
      [endAfter(3), { kind: 'truncated', retryable: true }, /without a done_reason/],
      [combine(endAfter(3), lastUnterminated()), { kind: 'truncated' }, /not whole/],
      [withoutDone(), { kind: 'truncated', retryable: true }, /not whole/],
      [combine(connectionClose(), cutAfter(3)), { kind: 'truncated' }, /not whole/],
      [malformedAfter(0), { kind: 'malformed', retryable: false }, /not of the Ollama chat protocol/],
      [malformedAfter(2), { kind: 'malformed', retryable: false }, /not of the Ollama chat protocol/],
      [malformedAfter(2, { data: '42' }), { kind: 'malformed' }, /"42"/],
      [malformedAfter(0, { data: '42' }), { kind: 'malformed' }, /a page instead.*"42/],
      [malformedAfter(2, { data: 'null' }), { kind: 'malformed' }, /"null"/],
      [malformedAfter(2, { data: '{"done":false}' }), { kind: 'malformed' }, /done/],
      [malformedAfter(2, { data: '{"message":{"content":7}}' }), { kind: 'malformed' }, /"7"/],
      [errorFirst(), { kind: 'server', status: undefined, retryable: true }, /inside the stream: "llama/],
      [errorAfter(3), { kind: 'server', retryable: true }, /inside the stream/],
      [errorAfter(3, { kind: 'overloaded' }), { kind: 'overloaded' }, /inside the stream: "server busy/],
      [errorAfter(3, { kind: 'auth', shape: 'status' }), { kind: 'auth' }, /inside the stream/],
      [errorAfter(3, { kind: 'rate-limit' }), { kind: 'rate-limit' }, /inside the stream/],
      [errorAfter(3, { kind: 'context-length' }), { kind: 'context-length' }, /inside the stream/],
      [errorAfter(3, { followedBy: 'done' }), { kind: 'server' }, /inside the stream/],
      [errorAfter(3, { followedBy: 'stall' }), { kind: 'server' }, /inside the stream/],
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

    test('a port where nobody listens', async () => {
      const wall = await startFaultServer();
      await wall.close();
      const error = await failureOf(provider(wall.url));
      expect(error).toMatchObject({ kind: 'transport', retryable: true });
      expect(error.message).toContain('refused. Is the server running');
      expect(error.message).toContain(`${wall.url}/api/chat`);
    });

    test.each([{}, { done_reason: '' }, { done_reason: null }])(
      'done with %j: the runner was lost, and the answer is not whole',
      async (fields) => {
        const url = await bodyOf(lines(said({ content: 'A' }), done(fields)));
        expect(await failureOf(provider(url))).toMatchObject({ kind: 'truncated' });
      },
    );
  });

  test('a line that cannot be read may be skipped, and the bus hears of it', async () => {
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
    test.each([stallAfter('request'), stallAfter('headers'), stallAfter(3), stallAfter(3, { pingEvery: 5 })])(
      'closes the socket within 100 ms: $name',
      async (fault) => {
        const wall = await wallThat(fault);
        const heard: unknown[] = [];
        const subscription = provider(wall.url)
          .stream(REQUEST)
          .subscribe({ error: (error) => heard.push(error), complete: () => heard.push('complete') });
        expect(await closingTime(wall, () => subscription.unsubscribe())).toBeLessThan(100);
        expect(heard).toStrictEqual([]);
      },
    );

    test('inside the first chunk closes the socket, and nothing more is delivered', async () => {
      const wall = await wallThat(combine(glued(), stallAfter(5)));
      const chunks = await lastValueFrom(provider(wall.url).stream(REQUEST).pipe(take(1), toArray()));
      expect(chunks).toStrictEqual([{ type: 'text', text: 'The ' }]);
      await wall.idle();
    });

    test('at once sends nothing, or closes what was sent', async () => {
      const wall = await wallThat(stallAfter(3));
      provider(wall.url).stream(REQUEST).subscribe().unsubscribe();
      await new Promise((resolve) => setTimeout(resolve, 20));
      await wall.idle();
      expect(wall.openSockets).toBe(0);
    });

    test('from one stream leaves another of the same client alone', async () => {
      const wall = await wallThat([stallAfter(3), combine(ok(), { name: 'slow', tokenDelay: 10 })]);
      const shared = provider(wall.url);
      const left = shared.stream(REQUEST).subscribe();
      await wall.attempt(0);
      const kept = ask(shared);
      await wall.attempt(1);
      left.unsubscribe();
      expect(await kept).toMatchObject({ text: DEFAULT_ANSWER, error: undefined });
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
      model: 'qwen3',
      temperature: 0,
      maxTokens: 5,
      tools: [{ name: 'f', description: 'does f', parameters: { type: 'object' } }],
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'assistant', content: 'Wait.', toolCalls: [{ id: 'call_0', name: 'g', arguments: '' }] },
        { role: 'tool', content: '41', toolCallId: 'call_0' },
        { role: 'assistant', content: '', toolCalls: [{ id: 'call_0', name: 'f', arguments: '{"a":1}' }] },
        { role: 'tool', content: '42', toolCallId: 'call_0' },
      ],
      extra: { keep_alive: '1h', options: { num_ctx: 4_096, num_predict: 6 } },
    });
    expect(outcome.error).toBeUndefined();
    const [attempt] = wall.attempts;
    expect(attempt?.path).toBe('/api/chat');
    expect(attempt?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(attempt?.body).toStrictEqual({
      model: 'qwen3',
      stream: true,
      keep_alive: '1h',
      options: { temperature: 0, num_predict: 6, num_ctx: 4_096 },
      tools: [
        { type: 'function', function: { name: 'f', description: 'does f', parameters: { type: 'object' } } },
      ],
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'assistant',
          content: 'Wait.',
          tool_calls: [{ id: 'call_0', function: { name: 'g', arguments: {} } }],
        },
        { role: 'tool', content: '41', tool_call_id: 'call_0', tool_name: 'g' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'call_0', function: { name: 'f', arguments: { a: 1 } } }],
        },
        { role: 'tool', content: '42', tool_call_id: 'call_0', tool_name: 'f' },
      ],
    });
  });

  test('nothing is sent before a subscription, and every subscription is a request', async () => {
    const wall = await wallThat();
    const stream = provider(wall.url).stream(REQUEST);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(wall.attempts.length).toBe(0);
    await Promise.all([lastValueFrom(stream), lastValueFrom(stream)]);
    expect(wall.attempts.map(({ body }) => body)).toStrictEqual([
      { model, messages: [{ role: 'user', content: 'Hello' }], stream: true },
      { model, messages: [{ role: 'user', content: 'Hello' }], stream: true },
    ]);
  });

  test('a server that never ends a line is cut off', async () => {
    let sent = 0;
    const url = await serverThat((_request, response) => {
      response.writeHead(200);
      const block = '{'.padEnd(65_536, 'x');
      const more = (): void => {
        while (!response.destroyed && response.write(block)) sent += block.length;
        sent += block.length;
      };
      response.on('drain', more);
      more();
    });
    const error = await failureOf(provider(url));
    expect(error).toMatchObject({ kind: 'malformed' });
    expect(error.message).toContain('more than 1048576 characters');
    expect(sent).toBeLessThan(64 * 1_048_576);
  });
});

describe('what the lines mean', () => {
  const chunksOf = async (...all: readonly object[]) => {
    const { chunks, error } = await ask(overFetch(await bodyOf(lines(...all))));
    expect(error).toBeUndefined();
    return chunks;
  };

  test.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['load', 'other'],
    ['something_new', 'other'],
  ])('done_reason %s is %s', async (doneReason, reason) => {
    expect(await chunksOf(said({ content: 'A' }), done({ done_reason: doneReason }))).toStrictEqual([
      { type: 'text', text: 'A' },
      finish(reason),
    ]);
  });

  test('tool calls come whole, are numbered, and make the finish theirs', async () => {
    const call = (fields: object) => ({ function: { name: 'f', arguments: { a: 1 } }, ...fields });
    const chunks = await chunksOf(
      said({ content: '', tool_calls: [call({ id: 'call_x' }), call({})] }),
      said({ content: '', tool_calls: [call({ function: { name: 'g' } })] }),
      done(),
    );
    expect(chunks).toStrictEqual([
      { type: 'tool-call', index: 0, id: 'call_x', name: 'f', arguments: '{"a":1}' },
      { type: 'tool-call', index: 1, id: 'call_1', name: 'f', arguments: '{"a":1}' },
      { type: 'tool-call', index: 2, id: 'call_2', name: 'g', arguments: '{}' },
      finish('tool-calls'),
    ]);
  });

  test('counts that are not told are unknown', async () => {
    const chunks = await chunksOf(said({ content: 'A' }), done({ done_reason: 'stop', eval_count: 9 }));
    expect(chunks.at(-2)).toStrictEqual({ type: 'usage', usage: { outputTokens: 9 } });
  });

  test('what comes after done is no part of the answer', async () => {
    const chunks = await chunksOf(said({ content: 'A' }), done(), said({ content: 'B' }), { error: 'late' });
    expect(chunks).toStrictEqual([{ type: 'text', text: 'A' }, finish('stop')]);
  });

  test('a last line that is torn by the end of the body: truncated, not malformed', async () => {
    const url = await bodyOf(lines(said({ content: 'A' })), '{"message":{"con');
    expect(await failureOf(overFetch(url))).toMatchObject({ kind: 'truncated' });
  });
});

describe('the official client', () => {
  test('is left as it was, also its own fetch', async () => {
    const wall = await wallThat();
    const fetch = vi.fn(globalThis.fetch);
    const client = new Ollama({ host: wall.url, fetch });
    await ask(ollama({ client, model }));
    expect(fetch.mock.calls.length).toBe(1);
    const stream = await client.chat({ model, messages: [], stream: true });
    let text = '';
    for await (const { message } of stream) text += message.content;
    expect(text).toBe(DEFAULT_ANSWER);
    expect(fetch.mock.calls.length).toBe(2);
  });

  test('that goes around its own fetch is refused, and its stream closed', async () => {
    const wall = await wallThat(stallAfter(3));
    const inner = new Ollama({ host: wall.url });
    const client = { fetch, chat: (request: never) => inner.chat(request) };
    const error = await failureOf(ollama({ name: 'wall', client, model }));
    expect(error).toMatchObject({ kind: 'invalid', retryable: false });
    expect(error.message).toContain('its client goes around its own fetch');
    await wall.idle();
  });

  test('whose preparation fails fails the stream', async () => {
    const client = { fetch, chat: () => Promise.reject(new TypeError('no such image')) };
    expect(await failureOf(ollama({ name: 'wall', client, model }))).toMatchObject({
      message: expect.stringContaining('no such image'),
    });
  });

  test('gives its host to the name of the provider', () => {
    expect(ollama({ client: new Ollama({ host: 'http://10.0.0.7:11434/sub/' }), model }).name).toBe(
      '10.0.0.7:11434',
    );
  });
});

test('a conversation with broken arguments is refused before anything is sent', async () => {
  const wall = await wallThat();
  const error = await failureOf(overFetch(wall.url), {
    messages: [{ role: 'assistant', content: '', toolCalls: [{ id: 'call_0', name: 'f', arguments: '[]' }] }],
  });
  expect(error).toMatchObject({ kind: 'invalid' });
  expect(error.message).toContain('a call of the tool "f" whose arguments are no JSON object');
  expect(wall.attempts.length).toBe(0);
});

test('what the model can do is as the configuration says', () => {
  expect(ollama({ model }).capabilities).toStrictEqual({ prefill: false, contextWindow: undefined });
  expect(overFetch('http://localhost', { prefill: true, contextWindow: 8_192 }).capabilities).toStrictEqual({
    prefill: true,
    contextWindow: 8_192,
  });
});

describe('bad configuration is refused at once', () => {
  test.each([
    [{}, 'option "model" must be a string, got undefined'],
    [{ model, host: 'localhost:11434' }, 'option "host" must be a URL that starts with http:// or https://'],
    [{ model, host: 'http://me:secret@host' }, 'option "host" must not contain a user name or a password'],
    [{ model, client: {} }, 'option "client" must be a client of the package "ollama"'],
    [
      { model, client: new Ollama(), host: 'http://localhost' },
      'option "client" has "host", "apiKey", "fetch"',
    ],
    [{ model, contextWindow: 0 }, 'option "contextWindow" must be a whole number of at least 1, got 0'],
  ])('%j', (config, message) => {
    expect(() => ollama(config as never)).toThrow(message);
  });
});
