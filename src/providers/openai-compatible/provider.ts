import * as z from 'zod/mini';
import type { ChatProvider } from '../../chat/provider.ts';
import { parseConfig } from '../../core/config.ts';
import { bearer, HttpService, httpOptions, skippedBy, urlOption } from '../http-service.ts';
import { httpStream } from '../http-stream.ts';
import { CompletionDecoder } from './decoder.ts';
import { bodyOf } from './request.ts';

export const OpenAICompatibleConfigSchema = z.strictObject({
  ...httpOptions,
  /** Where the API is, up to and without `/chat/completions`: `https://api.openai.com/v1`. A query is kept. */
  baseURL: urlOption().check(
    z.refine(
      (url) => !/\/chat\/completions\/?$/.test(url),
      'must not end in "/chat/completions": that is added to it',
    ),
  ),
  /** Asks for token counts (`stream_options.include_usage`); `false` for servers that refuse the field. @default true */
  usage: z._default(z.boolean(), true),
  /**
   * Whether the model goes on with a partial assistant message that ends the request, as vLLM, OpenRouter and others
   * make some models do; then a broken answer can be continued so.
   * @default false
   */
  prefill: z._default(z.boolean(), false),
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
  const service = new HttpService('openAICompatible', options, '/chat/completions', bearer);
  const { endpoint } = service;
  const skipped = skippedBy(endpoint.provider, options);

  return {
    name: endpoint.provider,
    model: options.model,
    capabilities: { prefill: options.prefill, contextWindow: options.contextWindow },
    stream(request, context = {}) {
      const model = request.model ?? options.model;
      return httpStream({
        endpoint,
        context,
        model,
        request: () => service.post(bodyOf(request, model, options.usage)),
        decoder: (response, emit) => new CompletionDecoder({ endpoint, response, emit, skipped }),
      });
    },
  };
}
