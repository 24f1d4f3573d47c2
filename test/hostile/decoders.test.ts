/** What a provider may send by mistake or malice: bytes of any kind, cut anywhere, and lines that never end. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChatChunk, ChatChunkSchema } from '../../src/chat/chunk.ts';
import { isProviderError } from '../../src/chat/errors.ts';
import { MessageDecoder } from '../../src/providers/anthropic/decoder.ts';
import { Endpoint } from '../../src/providers/endpoint.ts';
import type { DecoderOptions } from '../../src/providers/event-decoder.ts';
import type { Decoder } from '../../src/providers/http-stream.ts';
import { ChatDecoder } from '../../src/providers/ollama/decoder.ts';
import { ResponsesDecoder } from '../../src/providers/openai/responses-decoder.ts';
import { CompletionDecoder } from '../../src/providers/openai-compatible/decoder.ts';
import { MAX_EVENT_LENGTH } from '../../src/providers/server-sent-events.ts';
import { jsonOf } from './json.ts';

const KEY = 'sk-never-to-be-seen';
const endpoint = new Endpoint('wall', new URL('http://localhost/?key=hidden'), KEY);

interface Protocol {
  readonly name: string;
  readonly make: (options: DecoderOptions) => Decoder;
  /** One frame as it travels. */
  readonly framed: (frame: unknown) => string;
  /** A whole answer, "Hello, wörld 👋". */
  readonly answer: readonly unknown[];
}

const sse = (frame: unknown): string => `data: ${JSON.stringify(frame)}\n\n`;
const WORDS = ['Hello, ', 'wörld ', '👋'];

const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'OpenAI chat completions',
    make: (options) => new CompletionDecoder(options),
    framed: sse,
    answer: [
      ...WORDS.map((content) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })),
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    ],
  },
  {
    name: 'OpenAI responses',
    make: (options) => new ResponsesDecoder({ ...options, from: undefined, checkpoint: undefined }),
    framed: sse,
    answer: [
      { type: 'response.created', sequence_number: 0, response: { id: 'r', status: 'in_progress' } },
      ...WORDS.map((delta, index) => ({
        type: 'response.output_text.delta',
        sequence_number: index + 1,
        delta,
      })),
      { type: 'response.completed', sequence_number: 9, response: { id: 'r', status: 'completed' } },
    ],
  },
  {
    name: 'Anthropic messages',
    make: (options) => new MessageDecoder(options),
    framed: sse,
    answer: [
      { type: 'message_start', message: { model: 'm', usage: { input_tokens: 1, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      ...WORDS.map((text) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text },
      })),
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } },
      { type: 'message_stop' },
    ],
  },
  {
    name: 'Ollama chat',
    make: (options) => new ChatDecoder(options),
    framed: (frame) => `${JSON.stringify(frame)}\n`,
    answer: [
      ...WORDS.map((content) => ({ model: 'm', message: { role: 'assistant', content }, done: false })),
      { model: 'm', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' },
    ],
  },
];

interface Reading {
  readonly chunks: readonly ChatChunk[];
  readonly error: unknown;
}

/** The bytes as a network may cut them. */
function read({ make }: Protocol, pieces: readonly Uint8Array[]): Reading {
  const chunks: ChatChunk[] = [];
  const decoder = make({
    endpoint,
    response: new Response(),
    emit: (chunk) => void chunks.push(chunk),
    skipped: undefined,
  });
  const text = new TextDecoder();
  try {
    for (const piece of pieces) if (!decoder.over) decoder.feed(text.decode(piece, { stream: true }));
    if (!decoder.over) decoder.feed(text.decode());
    decoder.end();
    return { chunks, error: undefined };
  } catch (error) {
    return { chunks, error };
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  return [...ends, whole.length].map((end, index) => whole.subarray(ends[index - 1] ?? 0, end));
}

const textOf = (chunks: readonly ChatChunk[]): string =>
  chunks.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join('');

/** Whatever came: chunks are chunks, errors are ours and tell no secret, and only a finish completes. */
function expectDecency({ chunks, error }: Reading): void {
  for (const chunk of chunks) expect(ChatChunkSchema.parse(chunk)).toStrictEqual(chunk);
  expect(chunks.at(-1)?.type === 'finish').toBe(error === undefined);
  if (error === undefined) return;
  expect(isProviderError(error)).toBe(true);
  const { message } = error as Error;
  expect(message).not.toContain(KEY);
  expect(message.length).toBeLessThan(2_000);
}

/** Any JSON, with the words that the protocols look for. */
const FIELDS =
  'choices delta content tool_calls function arguments usage finish_reason error message type index response item content_block status done done_reason code headers id name';
const WORTHS =
  'response.output_text.delta response.completed response.failed error message_start content_block_delta message_delta message_stop text_delta input_json_delta stop';
/** What an error may call its headers, though HTTP knows no such header. */
const NO_HEADERS = [[null], { 'a b': 'c' }, { name: '\n' }, { name: {} }, [['name']]].map(
  (headers): [unknown[], number] => [[{ error: { message: '', headers } }], 0],
);
const json = jsonOf(FIELDS.split(' '), fc.constantFrom(...WORTHS.split(' ')));

describe.each(PROTOCOLS)('$name', (protocol) => {
  const { framed, answer } = protocol;
  const wire = answer.map(framed).join('');

  test('an answer is the same wherever the network cuts it, also within a character', () => {
    const whole = read(protocol, [bytes(wire)]);
    expect(whole.error).toBeUndefined();
    expect(textOf(whole.chunks)).toBe(WORDS.join(''));
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { maxLength: 12 }), (places) => {
        expect(read(protocol, cut(bytes(wire), places))).toStrictEqual(whole);
      }),
    );
    expect(
      read(
        protocol,
        Array.from(bytes(wire), (byte) => Uint8Array.of(byte)),
      ),
    ).toStrictEqual(whole);
  });

  test('bytes of any kind', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }), (pieces) =>
        expectDecency(read(protocol, pieces)),
      ),
    );
  });

  test('JSON of any shape, also between the frames of an answer', () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 4 }), fc.nat(answer.length), (frames, place) => {
        const sent = [...answer.slice(0, place), ...frames, ...answer.slice(place)];
        expectDecency(read(protocol, [bytes(sent.map(framed).join(''))]));
      }),
      { numRuns: 300, examples: NO_HEADERS },
    );
    expect(Object.keys(Object.prototype)).toStrictEqual([]);
  });

  test('an answer with some of its bytes changed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(100_000), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        (changes) => {
          const garbled = bytes(wire);
          for (const [place, byte] of changes) garbled[place % garbled.length] = byte;
          expectDecency(read(protocol, [garbled]));
        },
      ),
    );
  });

  test('JSON that is nested 100 000 deep, wherever a value may stand', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    for (const frame of answer) {
      const text = framed(frame);
      for (const [value] of text.matchAll(/"[^"]*"(?=[,}])/g)) {
        expectDecency(read(protocol, [bytes(text.replace(value, deep))]));
      }
    }
  });

  test('a line that never ends is refused once it is longer than an event may be', () => {
    let fed = 0;
    const decoder = protocol.make({ endpoint, response: new Response(), emit: () => {}, skipped: undefined });
    const flood = (): void => {
      for (; fed < 64; fed++) decoder.feed('x'.repeat(MAX_EVENT_LENGTH / 8));
    };
    expect(flood).toThrow(expect.objectContaining({ name: 'ProviderError', kind: 'malformed' }));
    expect(fed).toBeLessThanOrEqual(9);
  });

  test('thousands of comments, empty lines and strays say nothing and are not kept', () => {
    const noise = `: ping\n\n\n${framed(answer[0])}`.slice(0, 10).repeat(10_000);
    expectDecency(read(protocol, [bytes(noise)]));
  });
});
