import * as z from 'zod/mini';
import type { ChatProvider } from '../../chat/provider.ts';
import { count, parseConfig } from '../../core/config.ts';
import { HttpService, httpOptions, type Service, skippedBy, urlOption } from '../http-service.ts';
import { httpStream } from '../http-stream.ts';
import { besideClient, ClientService, clientOption } from '../official-client.ts';
import { MessageDecoder } from './decoder.ts';
import { takesPrefill } from './prefill.ts';
import { bodyOf } from './request.ts';

const ANTHROPIC = 'https://api.anthropic.com';
const PATH = '/v1/messages';

export const AnthropicConfigSchema = z
  .strictObject({
    ...httpOptions,
    /**
     * Your client of the package `@anthropic-ai/sdk`: it addresses and authorises the requests. Its retries are switched
     * off for them.
     * @default none: the requests are sent with `fetch`
     */
    client: z.optional(clientOption('@anthropic-ai/sdk')),
    /** The longest answer, in tokens, unless a request says otherwise. The service demands one. */
    maxTokens: count(1),
    /** Where the API is, without `/v1/messages`; a query is kept. @default 'https://api.anthropic.com' */
    baseURL: z.optional(urlOption()),
    /** The `anthropic-version` of the API. From 2026-10-21 on it takes no `temperature`. @default '2023-06-01' */
    version: z.optional(z.string('must be a string')),
    /**
     * Whether the model goes on with a partial answer.
     * @default as `model` says: yes up to Claude 4.5, no from 4.6 on, no for other names
     */
    prefill: z.optional(z.boolean()),
  })
  .check(besideClient('baseURL', 'apiKey', 'version', 'fetch'));
export interface AnthropicConfig extends Omit<z.input<typeof AnthropicConfigSchema>, 'apiKey'> {
  /** Sent as `x-api-key`. It never appears in an error or an event. */
  apiKey?: string | undefined;
}

/**
 * Claude over Anthropic's Messages API, by `fetch` or through the official client `@anthropic-ai/sdk`. Either way the same
 * decoder reads the bytes of the reply.
 *
 * ```
 * events   message_start ping "A" "B" message_delta message_stop
 * chunks                      "A" "B"               usage,finish|
 * ```
 *
 * Nothing is sent before a subscription, and every subscription is a request of its own; unsubscribing closes the socket.
 * It never retries, nor does the client on its behalf: put a `ResilientProvider` around it.
 *
 * An answer is whole when `message_stop` has come after a `stop_reason`; a stream that ends without them ends with an error
 * of kind `truncated`. Finish reasons: `end_turn` and `stop_sequence` are `stop`; `max_tokens` and
 * `model_context_window_exceeded` are `length`; `tool_use` is `tool-calls`; `refusal` is `content-filter`; `pause_turn` and
 * what is not known are `other`. Thoughts are `reasoning`; their signatures and citations are left out. `inputTokens` of the
 * usage contain what was read from the cache and written to it.
 *
 * System messages, wherever they stand, become the `system` prompt. An assistant message at the end is a prefill: the model
 * goes on with it if it can (`capabilities.prefill`); white space at its end is not sent, since the service refuses it.
 *
 * The official client sends a version of the API of its own. From 2026-10-21 on (client 1.0) a request with a `temperature`
 * is refused as `invalid`; `new Anthropic({ defaultHeaders: { 'anthropic-version': '2023-06-01' } })` asks as before.
 *
 * @returns a provider; its streams end with a `ProviderError` whose `kind` and message say what to do.
 * @throws {ProviderError} (as the stream's error) whatever goes wrong: refused, lost, truncated or malformed.
 * @throws {ConfigurationError} at once, naming the option and, unless it may hold a secret, the value.
 *
 * @example
 * ```ts
 * const claude = anthropic({ apiKey: process.env.ANTHROPIC_API_KEY, model: 'claude-sonnet-4-5', maxTokens: 1_024 });
 * const same = anthropic({ client: new Anthropic(), model: 'claude-sonnet-4-5', maxTokens: 1_024 });
 * claude.stream({ messages: [{ role: 'user', content: 'Say hello' }] }).subscribe((chunk) => console.log(chunk.type));
 * // text
 * // usage
 * // finish
 * ```
 */
export function anthropic(config: AnthropicConfig): ChatProvider {
  const options = parseConfig('anthropic', AnthropicConfigSchema, config);
  const { client, name, baseURL = ANTHROPIC, version = '2023-06-01', maxTokens, contextWindow } = options;
  const service: Service =
    client === undefined
      ? new HttpService('anthropic', { ...options, baseURL }, PATH, (key) => ({
          'content-type': 'application/json',
          accept: 'text/event-stream',
          'anthropic-version': version,
          ...(key !== undefined && { 'x-api-key': key }),
        }))
      : new ClientService(name, client, PATH);
  const { endpoint } = service;
  const skipped = skippedBy(endpoint.provider, options);

  return {
    name: endpoint.provider,
    model: options.model,
    capabilities: { prefill: options.prefill ?? takesPrefill(options.model), contextWindow },
    stream(request, context = {}) {
      const model = request.model ?? options.model;
      return httpStream({
        endpoint,
        context,
        model,
        request: () => service.post(bodyOf(request, model, maxTokens, endpoint)),
        decoder: (response, emit) => new MessageDecoder({ endpoint, response, emit, skipped }),
      });
    },
  };
}
