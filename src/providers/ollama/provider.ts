import * as z from 'zod/mini';
import type { ChatProvider } from '../../chat/provider.ts';
import { parseConfig } from '../../core/config.ts';
import { bearer, HttpService, httpOptions, skippedBy, urlOption } from '../http-service.ts';
import { httpStream } from '../http-stream.ts';
import { besideClient } from '../official-client.ts';
import { type OllamaClient, OllamaClientService } from './client-service.ts';
import { ChatDecoder } from './decoder.ts';
import { bodyOf } from './request.ts';

const OLLAMA = 'http://127.0.0.1:11434';
const PATH = '/api/chat';

export const OllamaConfigSchema = z
  .strictObject({
    ...httpOptions,
    /**
     * Your client of the package `ollama`: it addresses and authorises the requests.
     * @default none: the requests are sent with `fetch`
     */
    client: z.optional(z.custom<OllamaClient>(isClient, 'must be a client of the package "ollama"')),
    /** Where the server is, without `/api/chat`; a query is kept. @default 'http://127.0.0.1:11434' */
    host: z.optional(urlOption()),
    /** Whether the model goes on with a partial answer: its chat template decides. @default false */
    prefill: z._default(z.boolean(), false),
  })
  .check(besideClient('host', 'apiKey', 'fetch'));
export interface OllamaConfig extends Omit<z.input<typeof OllamaConfigSchema>, 'apiKey'> {
  /** Sent as a bearer token; absent for servers that need none. It never appears in an error or an event. */
  apiKey?: string | undefined;
}

/**
 * Models on Ollama, over its own chat API, by `fetch` or through the official client `ollama`. Either way the same decoder
 * reads the bytes of the reply.
 *
 * ```
 * lines    {"A"} {"B"} {done, done_reason, counts}
 * chunks    "A"   "B"   usage,finish|
 * ```
 *
 * Nothing is sent before a subscription, and every subscription is a request of its own; unsubscribing closes the socket,
 * also while the model is being loaded, which may take minutes: give the first token time. It never retries: put a
 * `ResilientProvider` around it.
 *
 * An answer is whole when `done` has come with a `done_reason`; a stream that ends without them ends with an error of kind
 * `truncated`. A single line may have up to 1 048 576 characters; one that cannot be read is an error of kind `malformed`,
 * where the official client would go on without it.
 *
 * `temperature` and `maxTokens` are sent as `options.temperature` and `options.num_predict`; further options, such as
 * `num_ctx`, go into `extra.options`. Fields of their own, `keep_alive` or `think`, go into `extra`.
 *
 * @returns a provider; its streams end with a `ProviderError` whose `kind` and message say what to do.
 * @throws {ProviderError} (as the stream's error) whatever goes wrong: refused, lost, truncated or malformed.
 * @throws {ConfigurationError} at once, naming the option and, unless it may hold a secret, the value.
 *
 * @example
 * ```ts
 * const local = ollama({ model: 'llama3.2' });
 * const same = ollama({ client: new Ollama(), model: 'llama3.2' });
 * local.stream({ messages: [{ role: 'user', content: 'Say hello' }] }).subscribe((chunk) => console.log(chunk.type));
 * // text
 * // text
 * // usage
 * // finish
 * ```
 */
export function ollama(config: OllamaConfig): ChatProvider {
  const options = parseConfig('ollama', OllamaConfigSchema, config);
  const { client, name, host = OLLAMA, prefill, contextWindow } = options;
  const service =
    client === undefined
      ? new HttpService('ollama', { ...options, baseURL: host, urlOption: 'host' }, PATH, bearer)
      : new OllamaClientService(name, client);
  const { endpoint } = service;
  const skipped = skippedBy(endpoint.provider, options);

  return {
    name: endpoint.provider,
    model: options.model,
    capabilities: { prefill, contextWindow },
    stream(request, context = {}) {
      const model = request.model ?? options.model;
      return httpStream({
        endpoint,
        context,
        model,
        request: () => service.post(bodyOf(request, model, endpoint)),
        decoder: (response, emit) => new ChatDecoder({ endpoint, response, emit, skipped }),
      });
    },
  };
}

function isClient(value: unknown): boolean {
  const { chat, fetch } = (value ?? {}) as Record<string, unknown>;
  return typeof chat === 'function' && typeof fetch === 'function';
}
