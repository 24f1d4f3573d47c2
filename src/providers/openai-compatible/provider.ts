import * as z from 'zod/mini';
import type { ChatProvider } from '../../chat/provider.ts';
import { commonOptions, functionOption, parseConfig } from '../../core/config.ts';
import { ConfigurationError } from '../../core/errors.ts';
import { getEventBus, summarize } from '../../core/event-bus.ts';
import { untilAborted } from '../../interop/index.ts';
import { Endpoint } from '../endpoint.ts';
import { httpStream } from '../http-stream.ts';
import { CompletionDecoder } from './decoder.ts';
import { bodyOf } from './request.ts';

const text = (): z.ZodMiniString => z.string('must be a string').check(z.minLength(1, 'must not be empty'));

export const OpenAICompatibleConfigSchema = z.strictObject({
  /** What the provider is called in errors, events and marks. @default the host of `baseURL` */
  name: commonOptions.name,
  events: commonOptions.events,
  /** Where the API is, up to and without `/chat/completions`: `https://api.openai.com/v1`. A query is kept. */
  baseURL: z
    .string('must be a URL')
    .check(z.refine(isHttp, 'must be a URL that starts with http:// or https://')),
  /** The model that is asked, unless a request names another. */
  model: text(),
  /** Sent as a bearer token; absent for servers that need none. It never appears in an error or an event. */
  apiKey: z.optional(z.unknown()),
  /** Further request headers. They win over those that this adapter sends. */
  headers: z._default(z.record(z.string(), z.string('must be a string')), () => ({})),
  /** Asks for token counts (`stream_options.include_usage`); `false` for servers that refuse the field. @default true */
  usage: z._default(z.boolean(), true),
  /**
   * What to do about a frame that cannot be read. `skip` goes on without it and publishes `frame_skipped`: what the frame
   * said is lost then.
   * @default 'fail'
   */
  malformed: z._default(z.enum(['fail', 'skip']), 'fail'),
  /** The `fetch` that is used. @default the global one, at the time of the request */
  fetch: z.optional(functionOption<typeof globalThis.fetch>()),
});
export interface OpenAICompatibleConfig extends Omit<z.input<typeof OpenAICompatibleConfigSchema>, 'apiKey'> {
  /** Sent as a bearer token; absent for servers that need none. It never appears in an error or an event. */
  apiKey?: string | undefined;
}

/**
 * Any server that speaks OpenAI's Chat Completions: OpenAI itself, Azure, OpenRouter, Groq, Mistral, vLLM, llama.cpp,
 * Ollama and LM Studio under `/v1`, LiteLLM and other gateways.
 *
 * ```
 * frames   {role} "A" "B" {finish_reason} {usage} [DONE]
 * chunks          "A" "B"                 usage,finish|
 * ```
 *
 * Nothing is sent before a subscription, and every subscription is a request of its own; unsubscribing closes the socket.
 * It never retries: put a `ResilientProvider` around it.
 *
 * An answer is whole when a `finish_reason` has come: then the stream completes with `usage` and `finish`, whatever
 * happens to the connection afterwards. A stream that ends without one ends with an error, also behind a `[DONE]`. A single
 * event may have up to 1 048 576 characters.
 *
 * @returns a provider; its streams end with a `ProviderError` whose `kind` and message say what to do.
 * @throws {ProviderError} (as the stream's error) whatever goes wrong: refused, lost, truncated or malformed.
 * @throws {ConfigurationError} at once, naming the option and, unless it may hold a secret, the value.
 *
 * @example
 * ```ts
 * const ollama = openAICompatible({ baseURL: 'http://localhost:11434/v1', model: 'llama3.2' });
 * ollama.stream({ messages: [{ role: 'user', content: 'Say hello' }] }).subscribe((chunk) => console.log(chunk.type));
 * // text
 * // text
 * // usage
 * // finish
 * ```
 */
export function openAICompatible(config: OpenAICompatibleConfig): ChatProvider {
  const options = parseConfig('openAICompatible', OpenAICompatibleConfigSchema, config);
  const url = completionsUrl(options.baseURL);
  const key = secret(options.apiKey);
  const name = options.name ?? url.host;
  const endpoint = new Endpoint(name, url, key);
  const headers = requestHeaders(key, options.headers);
  const events = options.events ?? getEventBus();
  const skipped =
    options.malformed === 'skip'
      ? (error: Error) => events.publish('frame_skipped', name, { error: summarize(error) })
      : undefined;

  return {
    name,
    stream(request, { signal } = {}) {
      const model = request.model ?? options.model;
      const stream = httpStream({
        endpoint,
        model,
        fetch: options.fetch ?? globalThis.fetch,
        request: () => ({ method: 'POST', headers, body: bodyOf(request, model, options.usage) }),
        decoder: (response, emit) => new CompletionDecoder({ endpoint, response, emit, skipped }),
      });
      return signal ? stream.pipe(untilAborted(signal)) : stream;
    },
  };
}

function isHttp(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function completionsUrl(baseURL: string): URL {
  const url = new URL(baseURL);
  if (url.username !== '' || url.password !== '') {
    throw new ConfigurationError(
      'openAICompatible: option "baseURL" must not contain a user name or a password (the value is not shown); use "apiKey" or "headers"',
    );
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`;
  return url;
}

function secret(apiKey: unknown): string | undefined {
  if (apiKey === undefined || (typeof apiKey === 'string' && /^[\x21-\x7e]+$/.test(apiKey))) return apiKey;
  throw new ConfigurationError(
    'openAICompatible: option "apiKey" must be a string of visible ASCII characters, without spaces or line ends (the value is not shown)',
  );
}

function requestHeaders(key: string | undefined, headers: Readonly<Record<string, string>>): Headers {
  try {
    const all = new Headers({ 'content-type': 'application/json', accept: 'text/event-stream' });
    if (key !== undefined) all.set('authorization', `Bearer ${key}`);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    return all;
  } catch {
    // The platform's own message would repeat the value.
    throw new ConfigurationError(
      'openAICompatible: option "headers" holds a name or a value that HTTP does not allow (values are not shown)',
    );
  }
}
