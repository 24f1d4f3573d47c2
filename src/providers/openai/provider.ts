import { defer } from 'rxjs';
import * as z from 'zod/mini';
import type { ChatProvider } from '../../chat/provider.ts';
import { parseConfig } from '../../core/config.ts';
import { bearer, HttpService, httpOptions, type Service, skippedBy, urlOption } from '../http-service.ts';
import { httpStream } from '../http-stream.ts';
import { ClientService, clientOption } from '../official-client.ts';
import { OPENAI_APIS } from './api.ts';

const OPENAI = 'https://api.openai.com/v1';

export const OpenAIConfigSchema = z
  .strictObject({
    ...httpOptions,
    /**
     * Your client of the package `openai`, also one for Azure: it addresses and authorises the requests. Its retries are
     * switched off for them.
     * @default none: the requests are sent with `fetch`
     */
    client: z.optional(clientOption('openai')),
    /** Which API is spoken: Chat Completions or Responses. @default 'chat' */
    api: z._default(z.enum(['chat', 'responses']), 'chat'),
    /** Where the API is, without its path; a query is kept. @default 'https://api.openai.com/v1' */
    baseURL: z.optional(urlOption()),
  })
  .check(
    z.refine(
      ({ client, baseURL, apiKey, headers, fetch }) =>
        client === undefined ||
        ([baseURL, apiKey, fetch].every(isAbsent) && Object.keys(headers).length === 0),
      {
        path: ['client'],
        message: 'has a "baseURL", "apiKey", "headers" and "fetch" of its own: set them there',
      },
    ),
  );
export interface OpenAIConfig extends Omit<z.input<typeof OpenAIConfigSchema>, 'apiKey'> {
  /** Sent as a bearer token. It never appears in an error or an event. */
  apiKey?: string | undefined;
}

/**
 * OpenAI's own service, through its official client or with `fetch`, by Chat Completions or by Responses.
 *
 * ```
 * events   created,in_progress "A" "B" response.completed
 * chunks                       "A" "B" usage,finish|
 * ```
 *
 * Nothing is sent before a subscription, and every subscription is a request of its own; unsubscribing closes the socket.
 * It never retries, and the client does not either: put a `ResilientProvider` around it. The bytes are decoded here, also
 * those that the client received, because its own streams complete silently when the connection ends too early.
 *
 * An answer is whole when its terminal event has come: a `finish_reason`, a `response.completed` or a
 * `response.incomplete`. A stream that ends without one ends with an error.
 *
 * Responses that were asked for with `extra: { background: true }` go on without us, and a broken stream is read on from
 * where it broke (`starting_after`). Unsubscribing leaves them running.
 *
 * @returns a provider; its streams end with a `ProviderError` whose `kind` and message say what to do.
 * @throws {ProviderError} (as the stream's error) whatever goes wrong: refused, lost, truncated or malformed.
 * @throws {ConfigurationError} at once, naming the option and, unless it may hold a secret, the value.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming
 *
 * @example
 * ```ts
 * const gpt = openai({ client: new OpenAI(), model: 'gpt-5', api: 'responses' });
 * gpt.stream({ messages: [{ role: 'user', content: 'Say hello' }] }).subscribe((chunk) => console.log(chunk.type));
 * // text
 * // text
 * // usage
 * // finish
 * ```
 */
export function openai(config: OpenAIConfig): ChatProvider {
  const options = parseConfig('openai', OpenAIConfigSchema, config);
  const { client, name, baseURL = OPENAI, contextWindow } = options;
  const api = OPENAI_APIS[options.api];
  const service: Service =
    client === undefined
      ? new HttpService('openai', { ...options, baseURL }, api.path, bearer)
      : new ClientService(name, client, api.path);
  const { endpoint } = service;
  const skipped = skippedBy(endpoint.provider, options);

  return {
    name: endpoint.provider,
    model: options.model,
    capabilities: { contextWindow, resume: api.resume },
    stream(request, context = {}) {
      const model = request.model ?? options.model;
      return defer(() => {
        const turn = api.turn(request, model, context);
        return httpStream({
          endpoint,
          context,
          model,
          request: () => turn.send(service),
          decoder: (response, emit) => turn.decoder({ endpoint, response, emit, skipped }),
        });
      });
    },
  };
}

const isAbsent = (value: unknown): boolean => value === undefined;
