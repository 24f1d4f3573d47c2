/** The clients of the services, as their users have them: each adapter takes its own, and no other. Nothing is asked. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI, { AzureOpenAI } from 'openai';
import { type ChatProvider, ResilientProvider } from 'rxjs-resilience';
import { aiSdk, wholeEvents } from 'rxjs-resilience/ai-sdk';
import { anthropic } from 'rxjs-resilience/anthropic';
import { ollama } from 'rxjs-resilience/ollama';
import { openai } from 'rxjs-resilience/openai';

const apiKey = 'sk-1';
const model = 'any';
const azure = new AzureOpenAI({ apiKey, apiVersion: '2025-01-01', baseURL: 'http://127.0.0.1' });

export const assistant: ChatProvider = new ResilientProvider({
  provider: openai({ client: new OpenAI({ apiKey }), model, api: 'responses' }),
  fallbackProviders: [
    openai({ client: azure, model, name: 'azure' }),
    anthropic({ client: new Anthropic({ apiKey }), model, maxTokens: 100 }),
    ollama({ client: new Ollama(), model }),
    aiSdk(createOpenAI({ apiKey, fetch: wholeEvents() })(model), { name: 'OpenAI by the AI SDK' }),
    aiSdk(createAnthropic({ apiKey })(model), { name: 'Anthropic by the AI SDK', prefill: true }),
  ],
  recovery: 'continue',
});

// @ts-expect-error The client of another service.
openai({ client: new Ollama(), model });
// @ts-expect-error The client of another service.
ollama({ client: new OpenAI({ apiKey }), model });
// @ts-expect-error Anthropic has to be told how long an answer may be.
anthropic({ client: new Anthropic({ apiKey }), model: 1 });
// @ts-expect-error A client is no model.
aiSdk(new OpenAI({ apiKey }));
