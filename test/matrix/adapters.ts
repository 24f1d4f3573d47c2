/** Every adapter, by every way to the other side. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic as createAnthropic6 } from 'ai-6-anthropic';
import { createOpenAI as createOpenAI6 } from 'ai-6-openai';
import { createOpenAICompatible as createOpenAICompatible6 } from 'ai-6-openai-compatible';
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
  readonly at: (url: string, name: string, told?: Told) => ChatProvider;
  /** It takes up its own broken stream, whatever is in it. */
  readonly resumes?: boolean;
}

/** What a provider sends beside the conversation. */
export interface Told {
  readonly apiKey?: string;
  readonly headers?: Record<string, string>;
}

const model = 'wall-1';
/** As the official clients take it. */
const client = ({ apiKey = 'k', headers = {} }: Told = {}) =>
  ({ apiKey, defaultHeaders: headers, logLevel: 'off' }) as const;
const inBackground = (provider: ChatProvider): ChatProvider => ({
  ...provider,
  stream: (request, context) => provider.stream({ ...request, extra: { background: true } }, context),
});
const viaSdk = (url: string, { apiKey = 'k', headers = {} }: Told = {}) => ({
  apiKey,
  headers,
  baseURL: `${url}/v1`,
});

export const ADAPTERS: readonly Adapter[] = [
  {
    adapter: 'openAICompatible',
    at: (url, name, told) => openAICompatible({ ...told, name, model, baseURL: `${url}/v1` }),
  },
  {
    adapter: 'openAICompatible with prefill',
    at: (url, name, told) => openAICompatible({ ...told, name, model, baseURL: `${url}/v1`, prefill: true }),
  },
  {
    adapter: 'openai chat',
    at: (url, name, told) => openai({ ...told, name, model, baseURL: `${url}/v1` }),
  },
  {
    adapter: 'openai chat by client',
    at: (url, name, told) =>
      openai({ name, model, client: new OpenAI({ ...client(told), baseURL: `${url}/v1` }) }),
  },
  {
    adapter: 'openai responses',
    at: (url, name, told) => openai({ ...told, name, model, api: 'responses', baseURL: `${url}/v1` }),
  },
  {
    adapter: 'openai responses by client',
    at: (url, name, told) =>
      openai({
        name,
        model,
        api: 'responses',
        client: new OpenAI({ ...client(told), baseURL: `${url}/v1` }),
      }),
  },
  {
    adapter: 'openai responses in background',
    at: (url, name, told) =>
      inBackground(openai({ ...told, name, model, api: 'responses', baseURL: `${url}/v1` })),
    resumes: true,
  },
  {
    adapter: 'openai responses in background by client',
    at: (url, name, told) =>
      inBackground(
        openai({
          name,
          model,
          api: 'responses',
          client: new OpenAI({ ...client(told), baseURL: `${url}/v1` }),
        }),
      ),
    resumes: true,
  },
  {
    adapter: 'anthropic',
    at: (url, name, told) =>
      anthropic({ ...told, name, model: 'claude-sonnet-4-5', maxTokens: 100, baseURL: url }),
  },
  {
    adapter: 'anthropic by client',
    at: (url, name, told) =>
      anthropic({ name, model, maxTokens: 100, client: new Anthropic({ ...client(told), baseURL: url }) }),
  },
  {
    adapter: 'ollama',
    at: (url, name, told) => ollama({ ...told, name, model, host: url, prefill: true }),
  },
  {
    adapter: 'ollama by client',
    at: (url, name, told) =>
      ollama({ name, model, client: new Ollama({ host: url, headers: told?.headers ?? {} }) }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/openai chat',
    at: (url, name, told) => aiSdk(createOpenAI(viaSdk(url, told)).chat(model), { name }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/openai responses',
    at: (url, name, told) => aiSdk(createOpenAI(viaSdk(url, told)).responses(model), { name }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/openai-compatible',
    at: (url, name, told) =>
      aiSdk(createOpenAICompatible({ name: 'any', ...viaSdk(url, told) }).chatModel(model), { name }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/anthropic',
    at: (url, name, told) => aiSdk(createAnthropic(viaSdk(url, told))(model), { name, prefill: true }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/openai chat (ai 6)',
    at: (url, name, told) => aiSdk(createOpenAI6(viaSdk(url, told)).chat(model), { name }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/openai responses (ai 6)',
    at: (url, name, told) => aiSdk(createOpenAI6(viaSdk(url, told)).responses(model), { name }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/openai-compatible (ai 6)',
    at: (url, name, told) =>
      aiSdk(createOpenAICompatible6({ name: 'any', ...viaSdk(url, told) }).chatModel(model), { name }),
  },
  {
    adapter: 'aiSdk of @ai-sdk/anthropic (ai 6)',
    at: (url, name, told) => aiSdk(createAnthropic6(viaSdk(url, told))(model), { name, prefill: true }),
  },
];
