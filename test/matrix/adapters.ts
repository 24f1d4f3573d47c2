/** Every adapter, by every way to the other side. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import type { ChatProvider } from '../../src/chat/index.ts';
import { aiSdk } from '../../src/providers/ai-sdk/index.ts';
import { anthropic } from '../../src/providers/anthropic/index.ts';
import { ollama } from '../../src/providers/ollama/index.ts';
import { openai } from '../../src/providers/openai/index.ts';
import { openAICompatible } from '../../src/providers/openai-compatible/index.ts';

export interface Adapter {
  readonly adapter: string;
  /** A provider of this name, at the wall with this URL. */
  readonly at: (url: string, name: string) => ChatProvider;
}

const apiKey = 'k';
const model = 'wall-1';
const quiet = { apiKey, logLevel: 'off' } as const;
const viaSdk = (url: string) => ({ apiKey, baseURL: `${url}/v1` });

export const ADAPTERS: readonly Adapter[] = [
  {
    adapter: 'openAICompatible',
    at: (url, name) => openAICompatible({ name, model, baseURL: `${url}/v1` }),
  },
  {
    adapter: 'openAICompatible with prefill',
    at: (url, name) => openAICompatible({ name, model, baseURL: `${url}/v1`, prefill: true }),
  },
  {
    adapter: 'openai chat',
    at: (url, name) => openai({ name, model, baseURL: `${url}/v1` }),
  },
  {
    adapter: 'openai chat by client',
    at: (url, name) => openai({ name, model, client: new OpenAI({ ...quiet, baseURL: `${url}/v1` }) }),
  },
  {
    adapter: 'openai responses',
    at: (url, name) => openai({ name, model, api: 'responses', baseURL: `${url}/v1` }),
  },
  {
    adapter: 'openai responses by client',
    at: (url, name) =>
      openai({ name, model, api: 'responses', client: new OpenAI({ ...quiet, baseURL: `${url}/v1` }) }),
  },
  {
    adapter: 'anthropic',
    at: (url, name) => anthropic({ name, model: 'claude-sonnet-4-5', maxTokens: 100, baseURL: url }),
  },
  {
    adapter: 'anthropic by client',
    at: (url, name) =>
      anthropic({ name, model, maxTokens: 100, client: new Anthropic({ ...quiet, baseURL: url }) }),
  },
  {
    adapter: 'ollama',
    at: (url, name) => ollama({ name, model, host: url, prefill: true }),
  },
  {
    adapter: 'ollama by client',
    at: (url, name) => ollama({ name, model, client: new Ollama({ host: url }) }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/openai chat',
    at: (url, name) => aiSdk(createOpenAI(viaSdk(url)).chat(model), { name }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/openai responses',
    at: (url, name) => aiSdk(createOpenAI(viaSdk(url)).responses(model), { name }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/openai-compatible',
    at: (url, name) =>
      aiSdk(createOpenAICompatible({ name: 'any', ...viaSdk(url) }).chatModel(model), { name }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/anthropic',
    at: (url, name) => aiSdk(createAnthropic(viaSdk(url))(model), { name, prefill: true }),
  },
];
