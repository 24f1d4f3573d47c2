import { defer } from 'rxjs';
import * as z from 'zod/mini';
import type { ChatProvider } from '../../chat/provider.ts';
import { commonOptions, count, parseConfig } from '../../core/config.ts';
import { untilAborted } from '../../interop/index.ts';
import { Endpoint } from '../endpoint.ts';
import { callOptionsOf } from './call-options.ts';
import { isLanguageModel, type LanguageModel, SPECIFICATIONS } from './language-model.ts';
import { modelStream } from './model-stream.ts';

export const AiSdkConfigSchema = z.strictObject({
  /** What the provider is called in errors, events and marks. @default what the model calls it: 'openai.chat' */
  name: commonOptions.name,
  /** Tokens that a conversation with this model may have, the answer included: what a fallback decides by. @default unknown */
  contextWindow: z.optional(count(1)),
  /**
   * Whether the model goes on with a partial assistant message that ends the request; then a broken answer can be
   * continued so.
   * @default false
   */
  prefill: z._default(z.boolean(), false),
});
const OptionsSchema = z.strictObject({
  ...AiSdkConfigSchema.shape,
  model: z.custom<LanguageModel>(
    isLanguageModel,
    `must be a language model of the AI SDK, of the specification ${SPECIFICATIONS.join(' or ')}`,
  ),
});
export type AiSdkConfig = z.input<typeof AiSdkConfigSchema>;

/**
 * Any language model of the AI SDK, and with it some fifty services: `openai('gpt-5')`, `anthropic('claude-…')`, your own.
 *
 * ```
 * parts    stream-start text-delta text-delta finish
 * chunks                "A"        "B"        usage,finish|
 * ```
 *
 * The model is asked directly, without the SDK's retries, and nothing of the SDK is imported: models of `ai` 5, 6 and 7 fit.
 * Nothing is sent before a subscription, and every subscription is a call of its own; unsubscribing aborts the model's
 * signal, which closes the socket. It never retries: put a `ResilientProvider` around it. Fields of `extra` are passed on
 * as call options: `{ providerOptions: { … } }`. Tools that the service uses by itself are not reported.
 *
 * Give the SDK's provider the `fetch` of {@link wholeEvents}: some models lose an event at the very end of a stream.
 *
 * An answer is whole when the model gives a reason to finish. The models give one too when the connection has ended
 * early, but then it says so, and the stream ends with an error. Some models wait for the first token before they report
 * anything at all, the headers included; a `first` timeout counts from the subscription all the same.
 *
 * @param model of the specifications v2, v3 or v4. It cannot be asked for another model than itself.
 * @returns a provider; its streams end with a `ProviderError` whose `kind` and message say what to do.
 * @throws {ProviderError} (as the stream's error) whatever goes wrong: refused, lost, truncated or malformed.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const claude = aiSdk(anthropic('claude-sonnet-4-5'));
 * claude.stream({ messages: [{ role: 'user', content: 'Say hello' }] }).subscribe((chunk) => console.log(chunk.type));
 * // text
 * // text
 * // usage
 * // finish
 * ```
 */
export function aiSdk(model: LanguageModel, config: AiSdkConfig = {}): ChatProvider {
  const options = parseConfig('aiSdk', OptionsSchema, { ...config, model });
  const { name = model.provider, prefill, contextWindow } = options;
  const endpoint = new Endpoint(name);

  return {
    name,
    model: model.modelId,
    capabilities: { prefill, contextWindow },
    stream(request, context = {}) {
      const stream = defer(() => {
        if (request.model !== undefined && request.model !== model.modelId) {
          throw endpoint.error(
            'invalid',
            `is the model "${model.modelId}" and cannot be asked for "${request.model}". Leave "model" out of the request, or make a provider for that model.`,
          );
        }
        return modelStream(model, callOptionsOf(request, endpoint), endpoint, context);
      });
      return context.signal ? stream.pipe(untilAborted(context.signal)) : stream;
    },
  };
}
