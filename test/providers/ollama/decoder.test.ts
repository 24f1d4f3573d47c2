import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChatChunk, ChatChunkSchema } from '../../../src/chat/chunk.ts';
import { isProviderError } from '../../../src/chat/errors.ts';
import { Endpoint } from '../../../src/providers/endpoint.ts';
import { ChatDecoder } from '../../../src/providers/ollama/decoder.ts';

const endpoint = new Endpoint('wall', new URL('http://localhost'), undefined);

function decode(body: string): { chunks: ChatChunk[]; error: unknown } {
  const chunks: ChatChunk[] = [];
  const emit = (chunk: ChatChunk): void => void chunks.push(chunk);
  const decoder = new ChatDecoder({ endpoint, response: new Response(), emit, skipped: undefined });
  try {
    decoder.feed(body);
    decoder.end();
    return { chunks, error: undefined };
  } catch (error) {
    return { chunks, error };
  }
}

const calls = fc.array(
  fc.oneof(
    fc.jsonValue(),
    fc.record({
      id: fc.jsonValue(),
      function: fc.record({ name: fc.oneof(fc.string(), fc.jsonValue()), arguments: fc.jsonValue() }),
    }),
  ),
);
const line = fc.record(
  {
    model: fc.jsonValue(),
    message: fc.oneof(
      fc.jsonValue(),
      fc.record(
        { content: fc.jsonValue(), thinking: fc.jsonValue(), tool_calls: fc.oneof(fc.jsonValue(), calls) },
        { requiredKeys: [] },
      ),
    ),
    done: fc.oneof(fc.boolean(), fc.jsonValue()),
    done_reason: fc.oneof(fc.constantFrom('stop', 'length', ''), fc.jsonValue()),
    eval_count: fc.jsonValue(),
    error: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

test('whatever the lines hold: chunks are chunks, an error is a ProviderError, and only a finish completes', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.jsonValue()), { maxLength: 6 }), (frames) => {
      const { chunks, error } = decode(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));
      for (const chunk of chunks) expect(ChatChunkSchema.parse(chunk)).toStrictEqual(chunk);
      expect(error === undefined || isProviderError(error)).toBe(true);
      expect(chunks.at(-1)?.type === 'finish').toBe(error === undefined);
    }),
    { numRuns: 200 },
  );
});
