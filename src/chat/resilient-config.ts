import * as z from 'zod/mini';
import { commonOptions, limit } from '../core/config.ts';
import { type ResilienceConfig, ResilienceConfigSchema } from '../pipeline/index.ts';
import type { RetryConfig } from '../retry/index.ts';
import type { TimeoutConfig } from '../timeout/index.ts';
import type { ChatChunk } from './chunk.ts';
import type { ChatContext, ChatProvider } from './provider.ts';

const provider = (): z.ZodMiniCustom<ChatProvider, ChatProvider> =>
  z.custom<ChatProvider>(
    (value) => typeof (value as ChatProvider | null)?.stream === 'function',
    'must be a ChatProvider, such as openAICompatible(…)',
  );

/** What `recovery` decides cannot be said a second time, in another way, inside a policy. */
const without =
  (...options: readonly string[]) =>
  (config: unknown): boolean =>
    typeof config !== 'object' || config === null || !options.some((option) => Object.hasOwn(config, option));

const { timeout, retry, circuitBreaker, rateLimit, bulkhead } = ResilienceConfigSchema.shape;

export const ResilientProviderConfigSchema = z
  .strictObject({
    ...commonOptions,
    provider: provider(),
    circuitBreaker,
    retry: retry.check(
      z.refine(without('commitOn', 'resume'), 'must not hold "commitOn" or "resume": see "recovery"'),
    ),
    timeout: timeout.check(
      z.refine(without('commitOn', 'with'), 'must not hold "commitOn" or "with": see "fallbackProviders"'),
    ),
    rateLimit,
    bulkhead,
    fallbackProvider: z.optional(provider()),
    fallbackProviders: z.optional(z.readonly(z.array(provider(), 'must be an array of providers'))),
    recovery: z.optional(
      z.enum(
        ['fail', 'restart'],
        'must be "fail" or "restart" (this version cannot continue a broken answer yet)',
      ),
    ),
  })
  .check(
    z.refine(({ fallbackProvider, fallbackProviders }) => !fallbackProvider || !fallbackProviders, {
      path: ['fallbackProvider'],
      message: 'has no place beside "fallbackProviders": put it there',
    }),
  );

/** The policies around every single provider. */
export interface Policies
  extends Pick<
    ResilienceConfig,
    'name' | 'events' | 'scheduler' | 'circuitBreaker' | 'rateLimit' | 'bulkhead'
  > {
  /**
   * Retries beside the first attempt, or a config. By default only what may pass is retried, and never what has been
   * delivered, unless `recovery` allows it. @default none
   */
  readonly retry?: number | Omit<RetryConfig<ChatChunk>, 'commitOn' | 'resume'> | undefined;
  /**
   * Limits in milliseconds: `total` of one provider's attempts and waits, `first` to the first content of an attempt,
   * `each` between two chunks. A number is the total. @default none
   */
  readonly timeout?: number | Omit<TimeoutConfig<ChatChunk>, 'commitOn' | 'with'> | undefined;
}

export interface ResilientProviderConfig extends Policies {
  /** Who is asked first. */
  readonly provider: ChatProvider;
  /** Who is asked when `provider` has finally failed. */
  readonly fallbackProvider?: ChatProvider | undefined;
  /** Who is asked, in this order, when `provider` has finally failed. */
  readonly fallbackProviders?: readonly ChatProvider[] | undefined;
  /**
   * What happens to an answer that breaks after its first content. `fail`: a `StreamInterruptedError` with the partial
   * answer. `restart`: it begins anew, behind a `retract` mark, by retries and fallbacks as if nothing had been said.
   * @default 'fail' for `stream()`; 'restart' for `chat()`, whose caller sees no partial answer
   */
  readonly recovery?: 'fail' | 'restart' | undefined;
}

export const CallOptionsSchema = z.object({ timeout: z.optional(limit()) });

export interface CallOptions extends ChatContext {
  /**
   * The caller's patience in milliseconds: it bounds the whole call, waits, retries and fallbacks included, and ends it
   * with a `StreamTimeoutError`; `Infinity` means none. @default Infinity
   */
  readonly timeout?: number | undefined;
}
