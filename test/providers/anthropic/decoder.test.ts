import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChatChunk, ChatChunkSchema } from '../../../src/chat/chunk.ts';
import { isProviderError } from '../../../src/chat/errors.ts';
import { MessageDecoder } from '../../../src/providers/anthropic/decoder.ts';
import { Endpoint } from '../../../src/providers/endpoint.ts';

const endpoint = new Endpoint('wall', new URL('http://localhost'), undefined);

function decode(body: string): { chunks: ChatChunk[]; error: unknown } {
  const chunks: ChatChunk[] = [];
  const emit = (chunk: ChatChunk): void => void chunks.push(chunk);
  const decoder = new MessageDecoder({ endpoint, response: new Response(), emit, skipped: undefined });
  try {
    decoder.feed(body);
    decoder.end();
    return { chunks, error: undefined };
  } catch (error) {
    return { chunks, error };
  }
}

const block = fc.oneof(
  fc.jsonValue(),
  fc.record({
    type: fc.constantFrom('tool_use', 'text'),
    id: fc.jsonValue(),
    name: fc.oneof(fc.string(), fc.jsonValue()),
    text: fc.jsonValue(),
    input: fc.jsonValue(),
  }),
);
const delta = fc.record(
  {
    type: fc.constantFrom('text_delta', 'thinking_delta', 'input_json_delta', 'signature_delta'),
    text: fc.jsonValue(),
    thinking: fc.jsonValue(),
    partial_json: fc.oneof(fc.string(), fc.jsonValue()),
    stop_reason: fc.oneof(fc.constant('end_turn'), fc.jsonValue()),
  },
  { requiredKeys: ['type'] },
);
const usage = fc.oneof(
  fc.jsonValue(),
  fc.record({
    input_tokens: fc.oneof(fc.nat(), fc.jsonValue()),
    output_tokens: fc.oneof(fc.nat(), fc.jsonValue()),
    cache_read_input_tokens: fc.jsonValue(),
    output_tokens_details: fc.jsonValue(),
  }),
);
const event = fc.record(
  {
    type: fc.oneof(
      fc.constantFrom(
        'message_start',
        'content_block_start',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
        'error',
      ),
      fc.jsonValue(),
    ),
    index: fc.oneof(fc.nat(1), fc.jsonValue()),
    message: fc.oneof(fc.jsonValue(), fc.record({ model: fc.jsonValue(), usage })),
    content_block: block,
    delta: fc.oneof(fc.jsonValue(), delta),
    usage,
    error: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

test('whatever the events hold: chunks are chunks, an error is a ProviderError, and only a finish completes', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(event, fc.jsonValue()), { maxLength: 6 }), (frames) => {
      const { chunks, error } = decode(frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(''));
      for (const chunk of chunks) expect(ChatChunkSchema.parse(chunk)).toStrictEqual(chunk);
      expect(error === undefined || isProviderError(error)).toBe(true);
      expect(chunks.at(-1)?.type === 'finish').toBe(error === undefined);
    }),
    { numRuns: 200 },
  );
});
