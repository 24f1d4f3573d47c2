/** A provider written by others: what we understand of the protocols is not only what our own wall makes of them. */
import Anthropic from '@anthropic-ai/sdk';
import { LLMock } from '@copilotkit/aimock';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anthropic } from '../../src/providers/anthropic/index.ts';
import { ollama } from '../../src/providers/ollama/index.ts';
import { ask } from './surroundings.ts';

const mock = new LLMock({ port: 0, chunkSize: 5 });
mock.on({ userMessage: 'hello' }, { content: 'Hello there, friend 🐕.' });
mock.on({ userMessage: 'weather' }, { toolCalls: [{ name: 'weather', arguments: '{"city":"Bern"}' }] });
let url: string;
beforeAll(async () => {
  url = await mock.start();
});
afterAll(() => mock.stop());

const claude = { model: 'claude-sonnet-4-5', maxTokens: 64 };
test.each([
  ['anthropic over fetch', () => anthropic({ ...claude, baseURL: url, apiKey: 'k' })],
  [
    'anthropic by client',
    () => anthropic({ ...claude, client: new Anthropic({ baseURL: url, apiKey: 'k' }) }),
  ],
  ['ollama over fetch', () => ollama({ model: 'llama3.2', host: url })],
  ['ollama by client', () => ollama({ model: 'llama3.2', client: new Ollama({ host: url }) })],
])('%s understands an answer and a tool call', async (_, make) => {
  const provider = make();
  const answer = await ask(provider, { messages: [{ role: 'user', content: 'hello' }] });
  expect(answer).toMatchObject({ text: 'Hello there, friend 🐕.', error: undefined });
  expect(answer.chunks.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' });

  const { chunks, error } = await ask(provider, { messages: [{ role: 'user', content: 'weather' }] });
  expect(error).toBeUndefined();
  const pieces = chunks.filter(({ type }) => type === 'tool-call');
  expect(pieces[0]).toMatchObject({ index: 0, id: expect.stringMatching(/./), name: 'weather' });
  expect(pieces.map((piece) => ('arguments' in piece ? piece.arguments : '')).join('')).toBe(
    '{"city":"Bern"}',
  );
  expect(chunks.at(-1)).toMatchObject({ type: 'finish', reason: 'tool-calls' });
});
