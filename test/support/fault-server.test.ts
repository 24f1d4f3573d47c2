/**
 * Every fault is proven on the wire: the bytes are read from a plain socket and the chunks of the HTTP body told apart,
 * so nothing here depends on how fast a client reads. Delays are only ever bounded from below.
 */
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type Attempt,
  byteByByte,
  closeAtOnce,
  combine,
  connectionClose,
  contentPolicyViolation,
  contextLengthExceeded,
  crlf,
  cutAfter,
  DEFAULT_ANSWER,
  type ErrorSpec,
  emptyChoicesFirst,
  endAfter,
  errorAfter,
  errorAfterRole,
  errorFirst,
  type Fault,
  type FaultServer,
  type FaultServerOptions,
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
  silence,
  silenceAfterHeaders,
  slowFirstToken,
  slowHeaders,
  splitCodePoints,
  splitFrames,
  stallAfter,
  startFaultServer,
  tokensOf,
  trickle,
  unauthorized,
  withoutDone,
  wrongContentType,
} from './fault-server.ts';

const PATHS = {
  chat: '/v1/chat/completions',
  responses: '/v1/responses',
  messages: '/v1/messages',
  ollama: '/api/chat',
};
type Protocol = keyof typeof PATHS;
const PROTOCOLS = Object.keys(PATHS) as Protocol[];
const STREAMED = ['chat', 'responses', 'messages'] as const;

const walls: FaultServer[] = [];
afterEach(async () => {
  await Promise.all(walls.splice(0).map((wall) => wall.close()));
});

async function wallOf(
  script?: FaultServerOptions['script'],
  options: FaultServerOptions = {},
): Promise<FaultServer> {
  const wall = await startFaultServer({ ...options, ...(script !== undefined && { script }) });
  walls.push(wall);
  return wall;
}

// --- reading the wire ---

interface Wire {
  /** 0 when there was no response. */
  readonly status: number;
  readonly headers: Record<string, string>;
  /** The body, in the pieces in which it was written. */
  readonly chunks: Buffer[];
  readonly body: string;
  /** The body ended as HTTP wants it. */
  readonly complete: boolean;
  /** How the connection ended: politely, or with the error of a reset. */
  readonly end: 'FIN' | 'ECONNRESET';
}

function parse(raw: Buffer, end: Wire['end']): Wire {
  const split = raw.indexOf('\r\n\r\n');
  if (split < 0) return { status: 0, headers: {}, chunks: [], body: '', complete: false, end };
  const [statusLine = '', ...lines] = raw.subarray(0, split).toString().split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  let rest = raw.subarray(split + 4);
  const chunks: Buffer[] = [];
  let complete = false;
  if (headers['transfer-encoding'] === 'chunked') {
    while (rest.length > 0 && !complete) {
      const lineEnd = rest.indexOf('\r\n');
      const size = Number.parseInt(rest.subarray(0, lineEnd).toString(), 16);
      if (size > 0) chunks.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
      rest = rest.subarray(lineEnd + 2 + size + 2);
      complete = size === 0;
    }
  } else {
    chunks.push(rest);
    complete = rest.length === Number(headers['content-length']);
  }
  const body = Buffer.concat(chunks).toString();
  return { status: Number(statusLine.split(' ')[1]), headers, chunks, body, complete, end };
}

interface Conversation {
  /** Resolves when so much of the body (or, without an argument, the headers) has arrived. */
  has(text?: string): Promise<void>;
  readonly done: Promise<Wire>;
  hangUp(): void;
  /** Hangs up as soon as the request is out. */
  leave(): void;
}

/** Asks over a plain socket and keeps every byte of the answer. */
function ask(wall: FaultServer, protocol: Protocol = 'chat', body: object = { stream: true }): Conversation {
  const socket = connect(Number(new URL(wall.url).port), '127.0.0.1');
  const text = JSON.stringify(body);
  socket.write(
    `POST ${PATHS[protocol]} HTTP/1.1\r\nhost: wall\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  const parts: Buffer[] = [];
  const look = new Set<() => void>();
  socket.on('data', (part: Buffer) => {
    parts.push(part);
    for (const again of look) again();
  });
  const done = new Promise<Wire>((resolve) => {
    let end: Wire['end'] = 'FIN';
    socket.on('error', () => {
      end = 'ECONNRESET';
    });
    socket.on('close', () => resolve(parse(Buffer.concat(parts), end)));
  });
  const has = (wanted = '\r\n\r\n') =>
    new Promise<void>((resolve) => {
      const again = () => {
        if (!Buffer.concat(parts).includes(wanted)) return;
        look.delete(again);
        resolve();
      };
      look.add(again);
      again();
    });
  return { has, done, hangUp: () => socket.destroy(), leave: () => socket.destroySoon() };
}

/** The wire of the first attempt at a wall with this one fault. */
async function wireOf(
  fault: Fault,
  protocol: Protocol = 'chat',
  options: FaultServerOptions = {},
): Promise<Wire> {
  const wall = await wallOf(fault, options);
  return ask(wall, protocol).done;
}

interface Event {
  readonly event?: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever came over the wire; the expectations tell its shape
  readonly data?: any;
  readonly comment?: string;
}

const parsed = (data: string): unknown => (data === '[DONE]' ? data : JSON.parse(data));

/** A reader of well-formed streams only; what is malformed throws. */
function eventsOf(body: string, protocol: Protocol = 'chat'): Event[] {
  if (protocol === 'ollama')
    return body.split(/\r?\n/).flatMap((line) => (line ? [{ data: parsed(line) }] : []));
  return body.split(/\r?\n\r?\n/).flatMap((block): Event[] => {
    if (block === '') return [];
    if (block.startsWith(':')) return [{ comment: block.slice(2) }];
    const field = (name: string) =>
      block
        .split(/\r?\n/)
        .flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
    const [event] = field('event');
    return [{ ...(event !== undefined && { event }), data: parsed(field('data').join('\n')) }];
  });
}

const textOf: Record<Protocol, (event: Event) => string> = {
  chat: ({ data }) => data?.choices?.[0]?.delta?.content ?? '',
  responses: ({ data }) => (data?.type === 'response.output_text.delta' ? data.delta : ''),
  messages: ({ data }) => (data?.delta?.type === 'text_delta' ? data.delta.text : ''),
  ollama: ({ data }) => data?.message?.content ?? '',
};
const thoughtOf: Record<Protocol, (event: Event) => string> = {
  chat: ({ data }) => data?.choices?.[0]?.delta?.reasoning_content ?? '',
  responses: ({ data }) => (data?.type === 'response.reasoning_summary_text.delta' ? data.delta : ''),
  messages: ({ data }) => (data?.delta?.type === 'thinking_delta' ? data.delta.thinking : ''),
  ollama: ({ data }) => data?.message?.thinking ?? '',
};
const spoken = (body: string, protocol: Protocol = 'chat') =>
  eventsOf(body, protocol).map(textOf[protocol]).filter(Boolean);

/** The proof of completion in each protocol. */
const terminal: Record<Protocol, (event: Event | undefined) => boolean> = {
  chat: (event) => event?.data === '[DONE]',
  responses: (event) => event?.data?.type === 'response.completed',
  messages: (event) => event?.data?.type === 'message_stop',
  ollama: (event) => event?.data?.done === true,
};

const firstTokens = (count: number) => tokensOf(DEFAULT_ANSWER).slice(0, count);

describe('tokensOf', () => {
  it.each([
    ['The quick  brown\nfox', ['The ', 'quick  ', 'brown\n', 'fox']],
    ['  indented', ['  ', 'indented']],
    ['', []],
  ])('splits %j into words with the white space behind them', (text, tokens) => {
    expect(tokensOf(text)).toStrictEqual(tokens);
    expect(tokens.join('')).toBe(text);
  });
});

describe.each(PROTOCOLS)('%s: a good answer', (protocol) => {
  it('is whole, a token a frame, and proves its end', async () => {
    const wire = await wireOf(ok(), protocol);
    expect(wire).toMatchObject({ status: 200, complete: true, end: 'FIN' });
    expect(wire.headers['content-type']).toContain(protocol === 'ollama' ? 'ndjson' : 'text/event-stream');
    expect(spoken(wire.body, protocol)).toStrictEqual(tokensOf(DEFAULT_ANSWER));
    expect(terminal[protocol](eventsOf(wire.body, protocol).at(-1))).toBe(true);
  });

  it('may be preceded by reasoning', async () => {
    const { body } = await wireOf(ok({ reasoning: 'Let me think.' }), protocol);
    const events = eventsOf(body, protocol);
    expect(events.map(thoughtOf[protocol]).filter(Boolean)).toStrictEqual(['Let ', 'me ', 'think.']);
    expect(events.map(textOf[protocol]).join('')).toBe(DEFAULT_ANSWER);
  });

  it('may be another one for one attempt, even an empty one', async () => {
    expect(spoken((await wireOf(ok({ answer: 'Something else' }), protocol)).body, protocol)).toStrictEqual([
      'Something ',
      'else',
    ]);
    const { body } = await wireOf(ok({ answer: '' }), protocol);
    expect(spoken(body, protocol)).toStrictEqual([]);
    expect(terminal[protocol](eventsOf(body, protocol).at(-1))).toBe(true);
  });
});

describe('finish reason and usage', () => {
  it('chat: usage comes when the request asks, or the script', async () => {
    const wall = await wallOf([ok(), ok(), ok({ usage: { input: 3, output: 4 } }), ok({ usage: false })]);
    const asking = { stream: true, stream_options: { include_usage: true } };
    const usages = [];
    for (const body of [{}, asking, asking, asking]) {
      const events = eventsOf((await ask(wall, 'chat', body).done).body);
      usages.push(
        events.flatMap(({ data }) => (data.choices?.length === 0 ? [data.usage.completion_tokens] : [])),
      );
    }
    const forced = await ask(await wallOf(ok({ usage: { input: 3, output: 4 } })), 'chat', {}).done;
    expect(usages).toStrictEqual([[], [9], [4], []]);
    expect(eventsOf(forced.body).at(-2)).toMatchObject({
      data: { usage: { prompt_tokens: 3, total_tokens: 7 } },
    });
  });

  it.each([
    ['chat', -2, { choices: [{ finish_reason: 'length' }] }],
    [
      'responses',
      -1,
      {
        type: 'response.incomplete',
        response: { incomplete_details: { reason: 'max_output_tokens' }, usage: { output_tokens: 9 } },
      },
    ],
    ['messages', -2, { delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 9 } }],
    ['ollama', -1, { done_reason: 'length', eval_count: 9 }],
  ] as const)('%s: says that the answer hit its limit', async (protocol, place, data) => {
    const { body } = await wireOf(ok({ finishReason: 'length' }), protocol);
    expect(eventsOf(body, protocol).at(place)).toMatchObject({ data });
  });

  it('responses: numbers its events without a gap', async () => {
    const { body } = await wireOf(ok({ reasoning: 'Well …' }), 'responses');
    const events = eventsOf(body, 'responses');
    expect(events.map(({ data }) => data.sequence_number)).toStrictEqual([...events.keys()]);
    expect(events.every(({ event, data }) => event === data.type)).toBe(true);
  });

  it('messages: every block opens, speaks under its index and closes', async () => {
    const { body } = await wireOf(ok({ answer: 'Hi', reasoning: 'Hm' }), 'messages');
    expect(eventsOf(body).map(({ data }) => `${data.type} ${data.index ?? ''}`.trim())).toStrictEqual([
      'message_start',
      'content_block_start 0',
      'content_block_delta 0',
      'content_block_delta 0',
      'content_block_stop 0',
      'content_block_start 1',
      'content_block_delta 1',
      'content_block_stop 1',
      'message_delta',
      'message_stop',
    ]);
  });
});

describe('replies that are not a stream', () => {
  const date = new Date('2031-02-03T04:05:06Z');
  it.each([
    [{}, {}],
    [{ retryAfter: 1 }, { 'retry-after': '1' }],
    [{ retryAfter: 0.25 }, { 'retry-after': '0.25' }],
    [{ retryAfter: '120' }, { 'retry-after': '120' }],
    [{ retryAfter: date }, { 'retry-after': 'Mon, 03 Feb 2031 04:05:06 GMT' }],
    [{ retryAfterMs: 1_500 }, { 'retry-after-ms': '1500' }],
    [{ xMsRetryAfterMs: 1_500 }, { 'x-ms-retry-after-ms': '1500' }],
    [{ headers: { 'x-should-retry': 'false' } }, { 'x-should-retry': 'false' }],
  ])('rateLimited(%j) is 429 with %j', async (options, expected) => {
    const { status, headers, body, complete } = await wireOf(rateLimited(options));
    expect({ status, complete }).toStrictEqual({ status: 429, complete: true });
    const told = Object.entries(headers).filter(([name]) => /retry/.test(name));
    expect(Object.fromEntries(told)).toStrictEqual(expected);
    expect(JSON.parse(body).error).toMatchObject({ code: 'rate_limit_exceeded' });
  });

  const openai = (type: string, code: string | null) => ({
    error: { type, code, message: expect.any(String) },
  });
  const anthropic = (type: string) => ({ type: 'error', error: { type }, request_id: 'req_wall-0' });
  const ollama = { error: expect.any(String) };
  it.each<[string, Fault, Record<Protocol, [number, object]>]>([
    [
      'rateLimited',
      rateLimited(),
      {
        chat: [429, openai('requests', 'rate_limit_exceeded')],
        responses: [429, openai('requests', 'rate_limit_exceeded')],
        messages: [429, anthropic('rate_limit_error')],
        ollama: [429, ollama],
      },
    ],
    [
      'quotaExhausted',
      quotaExhausted(),
      {
        chat: [429, openai('insufficient_quota', 'insufficient_quota')],
        responses: [429, openai('insufficient_quota', 'insufficient_quota')],
        messages: [402, anthropic('billing_error')],
        ollama: [402, ollama],
      },
    ],
    [
      'overloaded',
      overloaded(),
      {
        chat: [503, openai('service_unavailable_error', 'server_is_overloaded')],
        responses: [503, openai('service_unavailable_error', 'server_is_overloaded')],
        messages: [529, anthropic('overloaded_error')],
        ollama: [503, { error: 'server busy, please try again.  maximum pending requests exceeded' }],
      },
    ],
    [
      'serverError',
      serverError({ status: 502 }),
      {
        chat: [502, openai('server_error', 'server_error')],
        responses: [502, openai('server_error', 'server_error')],
        messages: [502, anthropic('api_error')],
        ollama: [502, ollama],
      },
    ],
    [
      'unauthorized',
      unauthorized(),
      {
        chat: [401, openai('invalid_request_error', 'invalid_api_key')],
        responses: [401, openai('invalid_request_error', 'invalid_api_key')],
        messages: [401, anthropic('authentication_error')],
        ollama: [401, ollama],
      },
    ],
    [
      'contextLengthExceeded',
      contextLengthExceeded(),
      {
        chat: [400, openai('invalid_request_error', 'context_length_exceeded')],
        responses: [400, openai('invalid_request_error', 'context_length_exceeded')],
        messages: [400, anthropic('invalid_request_error')],
        ollama: [400, ollama],
      },
    ],
    [
      'contentPolicyViolation',
      contentPolicyViolation(),
      {
        chat: [400, openai('invalid_request_error', 'content_policy_violation')],
        responses: [400, openai('invalid_request_error', 'content_policy_violation')],
        messages: [400, anthropic('invalid_request_error')],
        ollama: [400, ollama],
      },
    ],
  ])('%s speaks every protocol', async (_, fault, expected) => {
    const wall = await wallOf(() => fault);
    for (const protocol of PROTOCOLS) {
      const [status, body] = expected[protocol];
      const wire = await ask(wall, protocol).done;
      expect(wire).toMatchObject({ status, complete: true });
      expect(JSON.parse(wire.body)).toMatchObject(
        'request_id' in body ? { ...body, request_id: expect.stringMatching(/^req_wall-/) } : body,
      );
    }
  });

  it.each([400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 499, 500, 502, 503, 504, 529])(
    'httpStatus(%i) has the error body of the protocol',
    async (status) => {
      const wire = await wireOf(httpStatus(status, { message: 'told so' }));
      expect(wire.status).toBe(status);
      expect(JSON.parse(wire.body)).toMatchObject({ error: { message: 'told so' } });
    },
  );

  it('httpStatus takes any body', async () => {
    expect(await wireOf(httpStatus(503, { body: 'upstream connect error' }))).toMatchObject({
      status: 503,
      headers: { 'content-type': 'text/plain' },
      body: 'upstream connect error',
    });
    expect(await wireOf(httpStatus(400, { body: { detail: 'no' }, headers: { 'x-a': 'b' } }))).toMatchObject({
      headers: { 'content-type': 'application/json', 'x-a': 'b' },
      body: '{"detail":"no"}',
    });
    expect((await wireOf(httpStatus(500, { body: '' }))).headers['content-length']).toBe('0');
  });

  it.each([
    [200, 'Sign in'],
    [502, '502 Bad Gateway'],
  ])('proxyPage(%i) is HTML', async (status, title) => {
    const wire = await wireOf(proxyPage(status));
    expect(wire).toMatchObject({ status, complete: true, headers: { 'content-type': 'text/html' } });
    expect(wire.body).toContain(`<title>${title}</title>`);
  });

  it.each(PROTOCOLS)('%s: notAStream is the answer as one document', async (protocol) => {
    const wire = await wireOf(notAStream(), protocol);
    expect(wire).toMatchObject({
      status: 200,
      complete: true,
      headers: { 'content-type': 'application/json' },
    });
    expect(JSON.stringify(JSON.parse(wire.body))).toContain(DEFAULT_ANSWER);
  });
});

describe('the connection', () => {
  it('reset: an RST and not a byte', async () => {
    expect(await wireOf(reset())).toMatchObject({ status: 0, end: 'ECONNRESET' });
  });

  it('closeAtOnce: a FIN and not a byte', async () => {
    expect(await wireOf(closeAtOnce())).toMatchObject({ status: 0, end: 'FIN' });
  });

  it('silence: the request is read, nothing is answered, and the client has to leave', async () => {
    const wall = await wallOf(silence());
    const conversation = ask(wall);
    const attempt = await wall.attempt(0);
    await eventLoopTurns();
    conversation.hangUp();
    await attempt.closed;
    expect(await conversation.done).toMatchObject({ status: 0 });
    expect(attempt).toMatchObject({ finished: false, sentTokens: 0, clientClosedAt: expect.any(Number) });
  });

  it('silenceAfterHeaders: 200 and headers, not a byte of a body', async () => {
    const wall = await wallOf(silenceAfterHeaders());
    const conversation = ask(wall);
    await conversation.has();
    await eventLoopTurns();
    conversation.hangUp();
    expect(await conversation.done).toMatchObject({ status: 200, body: '', complete: false });
  });

  it('a closed wall refuses', async () => {
    const wall = await wallOf();
    await wall.close();
    expect(await fetch(wall.url).catch((error) => error.cause.code)).toBe('ECONNREFUSED');
  });
});

describe.each(PROTOCOLS)('%s: a stream that breaks', (protocol) => {
  it.each([
    ['cut', cutAfter(3), { complete: false, end: 'FIN' }],
    ['reset', resetAfter(3), { complete: false, end: 'ECONNRESET' }],
    ['clean end', endAfter(3), { complete: true, end: 'FIN' }],
  ] as const)('%s after 3 tokens', async (_, fault, expected) => {
    const wall = await wallOf(fault);
    const wire = await ask(wall, protocol).done;
    expect(wire).toMatchObject({ status: 200, ...expected });
    expect(spoken(wire.body, protocol)).toStrictEqual(firstTokens(3));
    expect(eventsOf(wire.body, protocol).some(terminal[protocol])).toBe(false);
    expect(wall.attempts[0]).toMatchObject({ sentTokens: 3, finished: true });
    expect(wall.attempts[0]).not.toHaveProperty('clientClosedAt', expect.any(Number));
  });

  it('a cut after the headers leaves no body, one after 0 tokens only the preamble', async () => {
    const [afterHeaders, after0] = [
      await wireOf(cutAfter('headers'), protocol),
      await wireOf(cutAfter(0), protocol),
    ];
    expect(afterHeaders).toMatchObject({ status: 200, body: '', complete: false });
    expect(after0.body.length > 0).toBe(protocol !== 'ollama');
    expect(spoken(after0.body, protocol)).toStrictEqual([]);
  });

  it('more tokens than there are is all of them', async () => {
    const { body } = await wireOf(cutAfter(99), protocol);
    expect(spoken(body, protocol).join('')).toBe(DEFAULT_ANSWER);
    expect(body).not.toMatch(/"(finish_reason|stop_reason|status|done_reason)":"(stop|end_turn|completed)"/);
  });

  it('withoutDone: the finish reason without the terminal signal', async () => {
    const { body, complete } = await wireOf(withoutDone(), protocol);
    expect(complete).toBe(true);
    expect(spoken(body, protocol).join('')).toBe(DEFAULT_ANSWER);
    expect(eventsOf(body, protocol).some(terminal[protocol])).toBe(false);
    if (protocol === 'chat') expect(body).toContain('"finish_reason":"stop"');
    if (protocol === 'messages') expect(body).toContain('"stop_reason":"end_turn"');
  });

  it('stall after 3 tokens: nothing more, and the socket stays open', async () => {
    const wall = await wallOf(stallAfter(3));
    const conversation = ask(wall, protocol);
    await conversation.has(tokensOf(DEFAULT_ANSWER)[2]);
    await eventLoopTurns();
    expect(wall).toMatchObject({ openSockets: 1, attempts: [{ sentTokens: 3, finished: false }] });
    conversation.hangUp();
    expect(spoken((await conversation.done).body, protocol)).toStrictEqual(firstTokens(3));
    await wall.idle();
    expect(wall.openSockets).toBe(0);
  });

  it('stall with pings: signs of life for ever, no content', async () => {
    const wall = await wallOf(stallAfter(1, { pingEvery: 1 }));
    const conversation = ask(wall, protocol);
    const ping = {
      chat: ': OPENROUTER',
      responses: ': keep-alive',
      messages: '"ping"',
      ollama: '"content":""',
    };
    await conversation.has(ping[protocol]);
    conversation.hangUp();
    expect(spoken((await conversation.done).body, protocol)).toStrictEqual(firstTokens(1));
    await wall.attempts[0]?.closed;
  });

  it('stall after the terminal signal: the answer is whole, only the socket stays', async () => {
    const wall = await wallOf(stallAfter('done'));
    const conversation = ask(wall, protocol);
    await conversation.has(
      { chat: '[DONE]', responses: '"total_tokens"', messages: 'message_stop', ollama: '"eval_duration"' }[
        protocol
      ],
    );
    await eventLoopTurns();
    expect(wall.openSockets).toBe(1);
    conversation.hangUp();
    const wire = await conversation.done;
    expect(wire.complete).toBe(false);
    expect(terminal[protocol](eventsOf(wire.body, protocol).at(-1))).toBe(true);
  });

  it('malformed frame after 2 tokens: the third is lost, the rest follows', async () => {
    const wall = await wallOf([malformedAfter(2), malformedAfter(2, { data: '{"oops' })]);
    const torn = await ask(wall, protocol).done;
    const replaced = await ask(wall, protocol).done;
    const lines = torn.body.split('\n').map((line) => line.replace(/^data: /, ''));
    const broken = lines.filter((line) => line.startsWith('{') && !isJson(line));
    expect(broken).toHaveLength(1);
    expect(replaced.body.split('\n').filter((line) => /^(data: )?\{"oops$/.test(line))).toHaveLength(1);
    const rest = replaced.body.replace(/^((event: .*\n)?data: )?\{"oops\n+/m, '');
    expect(spoken(rest, protocol)).toStrictEqual(tokensOf(DEFAULT_ANSWER).filter((_, index) => index !== 2));
    expect(wall.attempts[1]).toMatchObject({ sentTokens: 8, finished: true });
  });

  it.each([
    ['first frame', errorFirst({ kind: 'overloaded', message: 'full' }), 0],
    ['after the preamble', errorAfterRole({ kind: 'overloaded', message: 'full' }), 0],
    ['after 2 tokens', errorAfter(2, { kind: 'overloaded', message: 'full' }), 2],
  ] as const)('error event: %s', async (where, fault, count) => {
    const { status, complete, body } = await wireOf(fault, protocol);
    expect({ status, complete }).toStrictEqual({ status: 200, complete: true });
    const events = eventsOf(body, protocol);
    expect(spoken(body, protocol)).toStrictEqual(firstTokens(count));
    if (where === 'first frame') expect(events).toHaveLength(1);
    const nested = { message: 'full', code: 'server_is_overloaded' };
    const native: Record<Protocol, Event> = {
      chat: { data: { error: nested } },
      responses: { event: 'error', data: { type: 'error', error: nested } },
      messages: {
        event: 'error',
        data: { type: 'error', error: { type: 'overloaded_error', message: 'full' } },
      },
      ollama: { data: { error: 'full' } },
    };
    expect(events.at(-1)).toMatchObject(native[protocol]);
  });

  it.each([
    ['done', { complete: true }],
    ['cut', { complete: false, end: 'FIN' }],
  ] as const)('error event followed by %s', async (followedBy, expected) => {
    const wire = await wireOf(errorAfter(1, { followedBy }), protocol);
    expect(wire).toMatchObject(expected);
    expect(eventsOf(wire.body, protocol).some(terminal[protocol])).toBe(followedBy === 'done');
  });
});

describe('shapes of in-band errors', () => {
  const error = { kind: 'rate-limit', message: 'slow down' } as const;
  it.each<[Protocol, NonNullable<ErrorSpec['shape']>, Event]>([
    [
      'chat',
      'event',
      { event: 'error', data: { error: { message: 'slow down', code: 'rate_limit_exceeded' } } },
    ],
    ['chat', 'vllm', { data: { object: 'error', message: 'slow down', type: 'requests', code: 429 } }],
    [
      'chat',
      'openrouter',
      {
        data: {
          object: 'chat.completion.chunk',
          error: { code: 429, message: 'slow down' },
          choices: [{ finish_reason: 'error' }],
        },
      },
    ],
    [
      'responses',
      'flat',
      { event: 'error', data: { type: 'error', code: 'rate_limit_exceeded', message: 'slow down' } },
    ],
    [
      'responses',
      'failed',
      {
        event: 'response.failed',
        data: { response: { status: 'failed', error: { code: 'rate_limit_exceeded' } } },
      },
    ],
    ['ollama', 'status', { data: { error: 'slow down', status: 429 } }],
  ])('%s: %s', async (protocol, shape, expected) => {
    const { body } = await wireOf(errorAfter(1, { ...error, shape }), protocol);
    expect(eventsOf(body, protocol).at(-1)).toMatchObject(expected);
  });

  it('code, type and message are free, and rate-limit headers may travel inside', async () => {
    const headers = { 'x-ratelimit-reset-tokens': '50.529s' };
    const { body } = await wireOf(
      errorAfter(1, { type: 't', code: null, message: 'm', headers }),
      'responses',
    );
    expect(eventsOf(body).at(-1)?.data.error).toStrictEqual({
      type: 't',
      code: null,
      message: 'm',
      param: null,
      headers,
    });
  });
});

describe('delays are real, and at least what they say', () => {
  const milliseconds = async (run: () => Promise<unknown>) => {
    const start = performance.now();
    await run();
    return performance.now() - start;
  };
  // Node fires a timer up to one millisecond early by this clock.
  it.each([
    ['slowHeaders', slowHeaders(30), 29],
    ['slowFirstToken', slowFirstToken(30), 29],
    ['trickle', combine(trickle(10), endAfter(3)), 27],
    ['keepAlive', combine(keepAlive(3, { every: 10 }), endAfter(1)), 27],
    ['slow and refused', combine(slowHeaders(30), overloaded()), 29],
  ])('%s', async (_, fault, least) => {
    expect(await milliseconds(() => wireOf(fault))).toBeGreaterThanOrEqual(least);
  });

  it('slowFirstToken sends headers and preamble at once', async () => {
    const wall = await wallOf(slowFirstToken(60_000));
    const conversation = ask(wall);
    await conversation.has('"role":"assistant"');
    conversation.hangUp();
    expect(spoken((await conversation.done).body)).toStrictEqual([]);
    await wall.attempts[0]?.closed;
  });

  it('slowHeaders sends nothing before', async () => {
    const wall = await wallOf(slowHeaders(60_000));
    const conversation = ask(wall);
    await wall.attempt(0);
    await eventLoopTurns();
    conversation.hangUp();
    expect((await conversation.done).status).toBe(0);
  });

  it('does not notice fake timers', async () => {
    vi.useFakeTimers();
    try {
      const wire = await wireOf(combine(slowHeaders(2), trickle(2), endAfter(2)));
      expect(spoken(wire.body)).toStrictEqual(firstTokens(2));
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('good answers in an unusual dress', () => {
  it.each(STREAMED)('%s: keep-alives before the content, or before the preamble', async (protocol) => {
    const ping = {
      chat: { comment: 'OPENROUTER PROCESSING' },
      responses: { comment: 'keep-alive' },
      messages: { event: 'ping', data: { type: 'ping' } },
    };
    const late = eventsOf((await wireOf(keepAlive(2), protocol)).body);
    const early = eventsOf((await wireOf(keepAlive(2, { before: 'preamble' }), protocol)).body);
    const preamble = { chat: 1, responses: 4, messages: 2 }[protocol];
    expect(late.slice(preamble, preamble + 2)).toStrictEqual([ping[protocol], ping[protocol]]);
    expect(early.slice(0, 2)).toStrictEqual([ping[protocol], ping[protocol]]);
    expect(late.map(textOf[protocol]).join('')).toBe(DEFAULT_ANSWER);
  });

  it('keepAlive(Infinity) lives for ever and says nothing', async () => {
    const wall = await wallOf(keepAlive(Infinity, { every: 1 }));
    const conversation = ask(wall);
    await conversation.has(': OPENROUTER PROCESSING\n\n');
    conversation.hangUp();
    expect(spoken((await conversation.done).body)).toStrictEqual([]);
    await wall.idle();
  });

  it('emptyChoicesFirst', async () => {
    const events = eventsOf((await wireOf(emptyChoicesFirst())).body);
    expect(events[0]).toMatchObject({ data: { choices: [], prompt_filter_results: [{}] } });
    expect(events.map(textOf.chat).join('')).toBe(DEFAULT_ANSWER);
  });

  it.each(PROTOCOLS)('%s: crlf', async (protocol) => {
    const { body } = await wireOf(crlf(), protocol);
    expect(body).not.toMatch(/[^\r]\n/);
    expect(spoken(body, protocol).join('')).toBe(DEFAULT_ANSWER);
  });

  it.each(STREAMED)('%s: multiLineData', async (protocol) => {
    const { body } = await wireOf(multiLineData(), protocol);
    expect(
      body.split('\n\n').filter((block) => (block.match(/^data: /gm) ?? []).length === 2).length,
    ).toBeGreaterThan(9);
    expect(spoken(body, protocol).join('')).toBe(DEFAULT_ANSWER);
  });

  it.each(PROTOCOLS)('%s: lastUnterminated', async (protocol) => {
    const { body, complete } = await wireOf(combine(crlf(), lastUnterminated()), protocol);
    expect(complete).toBe(true);
    expect(body).toMatch(/[\]}]$/);
    expect(terminal[protocol](eventsOf(body, protocol).at(-1))).toBe(true);
  });

  const umlauts = { answer: 'Grüße, 你好 🌍!' };
  const isUtf8 = (bytes: Buffer) => Buffer.from(bytes.toString()).equals(bytes);

  it('by default a frame is a write, and no character is torn', async () => {
    const { chunks } = await wireOf(ok(umlauts));
    expect(chunks.every((chunk) => chunk.toString().endsWith('\n\n') && isUtf8(chunk))).toBe(true);
    expect(chunks).toHaveLength(1 + 3 + 2);
  });

  it.each(PROTOCOLS)('%s: splitCodePoints tears every character of several bytes', async (protocol) => {
    const { chunks, body } = await wireOf(combine(splitCodePoints(), ok(umlauts), endAfter(3)), protocol);
    // ü and ß have a second byte, 你 and 好 two more, 🌍 three: so many cuts in each of the three tokens.
    expect(chunks.filter((chunk) => !isUtf8(chunk))).toHaveLength(3 + 5 + 4);
    expect(spoken(body, protocol).join('')).toBe(umlauts.answer);
  });

  it('splitFrames: every frame in two writes', async () => {
    const [whole, split] = [await wireOf(ok()), await wireOf(splitFrames())];
    expect(split.chunks).toHaveLength(2 * whole.chunks.length);
    expect(split.body).toBe(whole.body);
  });

  it('byteByByte: every byte a write', async () => {
    const { chunks, body } = await wireOf(combine(byteByByte(), endAfter(1)));
    expect(chunks.every((chunk) => chunk.length === 1)).toBe(true);
    expect(spoken(body)).toStrictEqual(firstTokens(1));
  });

  it('glued: all frames in one write, up to a break', async () => {
    const { chunks, body } = await wireOf(combine(glued(), cutAfter(3)));
    expect(chunks).toHaveLength(1);
    expect(spoken(body)).toStrictEqual(firstTokens(3));
  });

  it('wrongContentType', async () => {
    const { headers, body } = await wireOf(wrongContentType('application/octet-stream'));
    expect(headers['content-type']).toBe('application/octet-stream');
    expect(spoken(body).join('')).toBe(DEFAULT_ANSWER);
  });
});

describe('combine', () => {
  it('adds faults and headers up; the later wins', async () => {
    const fault = combine(
      ok({ headers: { 'x-a': '1', 'x-b': '1' } }),
      ok({ headers: { 'x-b': '2' } }),
      crlf(),
      cutAfter(2),
    );
    expect(fault.name).toBe('ok + ok + CRLF + cut after 2');
    const { headers, body, complete } = await wireOf(fault);
    expect(headers).toMatchObject({ 'x-a': '1', 'x-b': '2' });
    expect(body).toContain('\r\n\r\n');
    expect(spoken(body)).toStrictEqual(firstTokens(2));
    expect(complete).toBe(false);
  });
});

describe('the script', () => {
  const statuses = async (wall: FaultServer, count: number) => {
    const seen = [];
    for (let i = 0; i < count; i++) seen.push((await ask(wall).done).status);
    return seen;
  };

  it('gives the n-th attempt the n-th fault, and the last one to all that follow', async () => {
    const wall = await wallOf([rateLimited(), overloaded(), ok()]);
    expect(await statuses(wall, 5)).toStrictEqual([429, 503, 200, 200, 200]);
    expect(wall.attempts.map(({ fault }) => fault.name).slice(0, 3)).toStrictEqual([
      '429 rate limited',
      'overloaded',
      'ok',
    ]);
  });

  it('may be one fault, none, or a function of the request', async () => {
    expect(await statuses(await wallOf(overloaded()), 2)).toStrictEqual([503, 503]);
    expect(await statuses(await wallOf([]), 1)).toStrictEqual([200]);
    expect(await statuses(await wallOf(), 1)).toStrictEqual([200]);
    const wall = await wallOf((index, { body }) => (body.model === 'big' || index > 1 ? overloaded() : ok()));
    const models = ['small', 'big', 'small'];
    const seen = [];
    for (const model of models) seen.push((await ask(wall, 'chat', { model }).done).status);
    expect(seen).toStrictEqual([200, 503, 503]);
  });
});

describe('a background response', () => {
  const started = async (fault: Fault, background = true) => {
    const wall = await wallOf([fault, ok()]);
    const { body } = await ask(wall, 'responses', { stream: true, background }).done;
    const events = eventsOf(body, 'responses');
    const { sequence_number: last } = (events.at(-1)?.data ?? {}) as { sequence_number?: number };
    const readOn = async (after = -1) => {
      const response = await fetch(
        `${wall.url}/v1/responses/resp_wall-0?stream=true&starting_after=${after}`,
      );
      return { status: response.status, body: await response.text() };
    };
    return { wall, events, readOn, last };
  };

  it.each([0, 3, 9, 'finish', 'done'] as const)('is read on behind a break after %s', async (point) => {
    const whole = await started(ok({ reasoning: 'Let me think.' }));
    const { events, readOn, last } = await started({ ...cutAfter(point), reasoning: 'Let me think.' });
    const { body } = await readOn(last);
    expect([...events, ...eventsOf(body, 'responses')]).toStrictEqual(whole.events);
  });

  it('is an attempt of its own, whose fault is about what is left', async () => {
    const { wall, readOn, last } = await started(cutAfter(3));
    const { body } = await readOn(last);
    expect(spoken(body, 'responses')).toStrictEqual(tokensOf(DEFAULT_ANSWER).slice(3));
    expect(wall.attempts.map(({ sentTokens }) => sentTokens)).toStrictEqual([3, 6]);
    expect(wall.attempts[1]?.startingAfter).toStrictEqual({ response: wall.attempts[0], event: last });
    const again = await wallOf(cutAfter(3));
    await ask(again, 'responses', { background: true }).done;
    await fetch(`${again.url}/v1/responses/resp_wall-0?stream=true&starting_after=${last}`)
      .then((response) => response.text())
      .catch(() => '');
    expect(again.attempts[1]?.sentTokens).toBe(3);
  });

  it('any other response is not kept', async () => {
    const { wall, readOn } = await started(cutAfter(3), false);
    expect((await readOn(0)).status).toBe(404);
    expect(wall.strays.length).toBe(1);
  });
});

describe('the record', () => {
  it('keeps what was asked', async () => {
    const wall = await wallOf();
    const before = performance.now();
    const messages = [{ role: 'user', content: 'Grüße' }];
    await fetch(`${wall.url}/openai/deployments/x/chat/completions?api-version=1`, {
      method: 'POST',
      headers: { authorization: 'Bearer test' },
      body: JSON.stringify({ model: 'm', stream: true, messages }),
    }).then((response) => response.text());
    const [attempt] = wall.attempts as [Attempt];
    expect(attempt).toMatchObject({
      index: 0,
      path: '/openai/deployments/x/chat/completions?api-version=1',
      dialect: 'openai-chat',
      headers: { authorization: 'Bearer test' },
      body: { model: 'm', stream: true, messages },
      sentTokens: 9,
      finished: true,
    });
    expect(attempt.startedAt).toBeGreaterThanOrEqual(before);
    expect(attempt.clientClosedAt).toBeUndefined();
  });

  it('begins anew when all is forgotten', async () => {
    const wall = await wallOf();
    const ask = () => fetch(`${wall.url}/api/chat`, { method: 'POST' }).then((response) => response.text());
    await ask();
    await ask();
    wall.forget();
    expect(wall.attempts).toStrictEqual([]);
    await ask();
    expect(wall.attempts.map(({ index }) => index)).toStrictEqual([0]);
  });

  it('a body that is no JSON object is an empty one', async () => {
    const wall = await wallOf();
    for (const body of ['not json', '"text"', 'null']) {
      await fetch(`${wall.url}/api/chat`, { method: 'POST', body }).then((response) => response.text());
    }
    expect(wall.attempts.map(({ body }) => body)).toStrictEqual([{}, {}, {}]);
  });

  it('notes when the client closes first, and stops at once', async () => {
    const wall = await wallOf(trickle(5));
    const abort = new AbortController();
    const response = await fetch(wall.url + PATHS.chat, { method: 'POST', body: '{}', signal: abort.signal });
    await response.body?.getReader().read();
    const abortedAt = performance.now();
    abort.abort();
    const [attempt] = wall.attempts as [Attempt];
    await attempt.closed;
    expect(attempt.clientClosedAt).toBeGreaterThanOrEqual(abortedAt);
    expect(attempt.sentTokens).toBeLessThan(9);
    expect(attempt.finished).toBe(false);
    await wall.idle();
  });

  it('a request that breaks off half-way is no attempt', async () => {
    const wall = await wallOf();
    const request = httpRequest(wall.url + PATHS.chat, {
      method: 'POST',
      headers: { 'content-length': 100 },
    });
    request.on('error', () => {});
    await new Promise<void>((resolve) => request.write('{"half', () => resolve()));
    await vi.waitFor(() => expect(wall.openSockets).toBe(1), { interval: 1 });
    request.destroy();
    await wall.idle();
    expect(wall.attempts).toStrictEqual([]);
  });

  it('knows clients that ask and leave at once', async () => {
    const wall = await wallOf(stallAfter(1));
    for (let i = 0; i < 20; i++) {
      const conversation = ask(wall);
      conversation.leave();
      await conversation.done;
    }
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => wall.attempt(index)));
    await Promise.all(all.map(({ closed }) => closed));
    expect(all.map(({ clientClosedAt }) => typeof clientClosedAt)).toStrictEqual(all.map(() => 'number'));
    await wall.idle();
  });

  it('requests that no dialect knows are strays: 404, and no entry of the script', async () => {
    const wall = await wallOf([overloaded(), ok()]);
    const stray = await fetch(`${wall.url}/v1/models`);
    expect(stray.status).toBe(404);
    expect((await fetch(wall.url + PATHS.chat)).status).toBe(404);
    expect(wall.strays).toStrictEqual(['GET /v1/models', 'GET /v1/chat/completions']);
    expect((await ask(wall).done).status).toBe(503);
  });

  it('attempt(n) waits for the n-th request', async () => {
    const wall = await wallOf();
    const second = wall.attempt(1);
    await ask(wall).done;
    await ask(wall, 'ollama').done;
    expect(await second).toMatchObject({ index: 1, dialect: 'ollama-chat' });
  });

  it('cut() ends a stall when the test has seen enough', async () => {
    const wall = await wallOf(stallAfter(2));
    const conversation = ask(wall);
    await conversation.has('quick ');
    wall.attempts[0]?.cut();
    expect(await conversation.done).toMatchObject({ complete: false, end: 'FIN' });
    await wall.attempts[0]?.closed;
    expect(wall.attempts[0]?.clientClosedAt).toBeUndefined();
    wall.attempts[0]?.cut();
  });
});

describe('sockets', () => {
  it('are free after every answer, however it ended', async () => {
    const wall = await wallOf([ok(), cutAfter(1), rateLimited()]);
    for (let i = 0; i < 3; i++) {
      await fetch(wall.url + PATHS.chat, { method: 'POST', body: '{}' })
        .then((response) => response.text())
        .catch(() => {});
    }
    await wall.idle();
    expect(wall.openSockets).toBe(0);
  });

  it('in the pool of a client are not counted', async () => {
    const wall = await wallOf();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 2; i++) {
      const request = httpRequest(wall.url + PATHS.chat, { method: 'POST', agent }).end('{}');
      request.on('socket', (socket) => socket.once('connect', () => ports.add(socket.localPort)));
      await new Promise((resolve) =>
        request.on('response', (response) => response.resume().on('close', resolve)),
      );
      await wall.idle();
      expect(wall.openSockets).toBe(0);
    }
    expect(ports.size).toBe(1);
    agent.destroy();
  });

  it('close() takes all of them, and may be called twice', async () => {
    const wall = await wallOf(silence());
    const conversations = [ask(wall), ask(wall)];
    await wall.attempt(1);
    await Promise.all([wall.close(), wall.close()]);
    expect(wall.openSockets).toBe(0);
    await Promise.all([
      ...conversations.map(({ done }) => done),
      ...wall.attempts.map(({ closed }) => closed),
    ]);
    expect(wall.attempts.map(({ clientClosedAt }) => clientClosedAt)).toStrictEqual([undefined, undefined]);
  });

  it('await using closes', async () => {
    let url: string;
    {
      await using wall = await startFaultServer();
      url = wall.url;
      await ask(wall).done;
    }
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});

describe('through fetch', () => {
  it.each([
    ['cut', cutAfter(3)],
    ['reset', resetAfter(3)],
  ])('a client in the same process reads every token before the %s', async (_, fault) => {
    const wall = await wallOf(fault);
    for (let round = 0; round < 20; round++) {
      const response = await fetch(wall.url + PATHS.chat, { method: 'POST', body: '{}' });
      let text = '';
      const failure = await (async () => {
        for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
      })().catch((error: unknown) => error);
      expect(failure).toMatchObject({ message: 'terminated', cause: { code: expect.any(String) } });
      expect(spoken(text)).toStrictEqual(firstTokens(3));
    }
  });

  it.each([
    ['cut', cutAfter(3)],
    ['reset', resetAfter(3)],
  ])('after `connection: close` the %s is on the wire all the same', async (_, fault) => {
    expect(await wireOf(combine(connectionClose(), fault))).toMatchObject({
      headers: { connection: 'close' },
      complete: false,
    });
  });

  it('a client in the same process sees every write as a chunk of its own', async () => {
    const wall = await wallOf(combine(splitCodePoints(), ok({ answer: '🌍' })));
    const response = await fetch(wall.url + PATHS.chat, { method: 'POST', body: '{}' });
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body ?? []) chunks.push(chunk);
    // role, four pieces of the token, finish reason, [DONE]
    expect(chunks).toHaveLength(1 + 4 + 1 + 1);
  });
});

/** Lets everything happen that needs no time: nothing of a silent wall may show up meanwhile. */
async function eventLoopTurns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
