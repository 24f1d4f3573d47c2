import { expect, test } from 'vitest';
import { aiSdk } from '../../src/providers/ai-sdk/index.ts';
import { anthropic } from '../../src/providers/anthropic/index.ts';
import { ollama } from '../../src/providers/ollama/index.ts';
import { openai } from '../../src/providers/openai/index.ts';
import { openAICompatible } from '../../src/providers/openai-compatible/index.ts';

const model = 'a-model';
const doStream = (): never => {
  throw new Error('is not asked');
};

test.each([
  ['openAICompatible', openAICompatible({ baseURL: 'http://localhost/v1', model })],
  ['openai', openai({ apiKey: 'key', model })],
  ['anthropic', anthropic({ apiKey: 'key', model, maxTokens: 1 })],
  ['ollama', ollama({ model })],
  ['aiSdk', aiSdk({ specificationVersion: 'v4', provider: 'sdk', modelId: model, doStream })],
])('%s says which model it asks', (_, provider) => {
  expect(provider.model).toBe(model);
});
