import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import OpenAI from 'openai';
import type { Observable } from 'rxjs';
import { type ChatChunk, ResilientProvider } from '../src/index.ts';
import { openAICompatible } from '../src/providers/openai-compatible/index.ts';

/** Asks once and resolves to the text of the whole answer, which was read piece by piece. */
export type Ask = () => Promise<string>;
export interface Place {
  readonly baseURL: string;
  readonly fetch?: typeof globalThis.fetch;
}

const model = 'a-model';
const messages = [{ role: 'user', content: 'Write.' } as const];
const apiKey = 'none';

async function textOf(answer$: Observable<ChatChunk>): Promise<string> {
  let text = '';
  await answer$.forEach((chunk) => {
    if (chunk.type === 'text') text += chunk.text;
  });
  return text;
}

/** The least that reads such an answer: native streams and a parser. It finds out nothing and proves nothing. */
export function native({ baseURL, fetch = globalThis.fetch }: Place): Ask {
  const body = JSON.stringify({ model, messages, stream: true });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` };
  return async () => {
    const response = await fetch(`${baseURL}/chat/completions`, { method: 'POST', headers, body });
    const events = response
      .body!.pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    let text = '';
    for await (const { data } of events) if (data !== '[DONE]') text += contentOf(data);
    return text;
  };
}
const contentOf = (data: string): string =>
  (JSON.parse(data) as OpenAI.ChatCompletionChunk).choices[0]?.delta.content ?? '';

export function adapter(place: Place): Ask {
  const provider = openAICompatible({ ...place, apiKey, model });
  return () => textOf(provider.stream({ messages }));
}

/** The same adapter with every policy around it. */
export function resilient(place: Place): Ask {
  const assistant = new ResilientProvider({
    provider: openAICompatible({ ...place, apiKey, model }),
    retry: 3,
    timeout: { total: 60_000, first: 30_000, each: 30_000 },
    circuitBreaker: { window: { type: 'count', size: 100 } },
    rateLimit: { requestsPerSecond: 1e9, burstSize: 1e9 },
    bulkhead: { maxConcurrent: 1_000_000 },
    recovery: 'restart',
  });
  return () => textOf(assistant.stream(messages));
}

export function official(place: Place): Ask {
  const client = new OpenAI({ ...place, apiKey, maxRetries: 0 });
  return async () => {
    let text = '';
    for await (const { choices } of await client.chat.completions.create({ model, messages, stream: true }))
      text += choices[0]?.delta.content ?? '';
    return text;
  };
}

export function aiSdk(place: Place): Ask {
  const languageModel = createOpenAICompatible({ ...place, name: 'peer', apiKey }).chatModel(model);
  const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Write.' }] }];
  return async () => {
    let text = '';
    for await (const part of (await languageModel.doStream({ prompt })).stream)
      if (part.type === 'text-delta') text += part.delta;
    return text;
  };
}
