import * as z from 'zod/mini';
import type { CircuitBreaker, CircuitBreakerConfig } from '../circuit-breaker/index.ts';
import { commonOptions, count, delay, functionOption, limit, signalOption } from '../core/config.ts';
import { type ResilienceConfig, ResilienceConfigSchema } from '../pipeline/index.ts';
import type { RateLimitReport, TokenUsage } from '../rate-limit/index.ts';
import type { RetryConfig } from '../retry/index.ts';
import type { CallPhase } from './call.ts';
import type { ChatChunk } from './chunk.ts';
import { type ChatTimeout, ChatTimeoutSchema } from './clocks.ts';
import { type FallbackConditions, FallbackKindSchema } from './errors.ts';
import { type ChatHedge, ChatHedgeSchema, racesProviders } from './hedging.ts';
import type { ChatContext, ChatProvider, ChatRequest } from './provider.ts';

const provider = (): z.ZodMiniCustom<ChatProvider, ChatProvider> =>
  z.custom<ChatProvider>((value) => {
    const { name, stream } = (value ?? {}) as Partial<ChatProvider>;
    return typeof stream === 'function' && typeof name === 'string' && name !== '';
  }, 'must be a ChatProvider with a name, such as openAICompatible(…)');

const { retry, circuitBreaker, throttle, rateLimit, bulkhead } = ResilienceConfigSchema.shape;

const timeoutOption = () => z.optional(z.union([limit(), ChatTimeoutSchema]));

export const ResilientProviderConfigSchema = z
  .strictObject({
    ...commonOptions,
    provider: provider(),
    circuitBreaker,
    retry: retry.check(z.refine(leavesRecovery, 'must not hold "commitOn" or "resume": see "recovery"')),
    hedge: z.optional(z.union([delay(), ChatHedgeSchema])),
    timeout: timeoutOption(),
    throttle,
    rateLimit,
    bulkhead,
    estimateTokens: z.optional(functionOption<(request: ChatRequest) => number | TokenUsage>()),
    fallbackProvider: z.optional(provider()),
    fallbackProviders: z.optional(z.readonly(z.array(provider(), 'must be an array of providers'))),
    fallbackOn: z.optional(z.partialRecord(FallbackKindSchema, z.boolean('must be true or false'))),
    recovery: z.optional(z.enum(['fail', 'restart', 'continue'], 'must be "fail", "restart" or "continue"')),
  })
  .check(
    z.refine(({ fallbackProvider, fallbackProviders }) => !fallbackProvider || !fallbackProviders, {
      path: ['fallbackProvider'],
      message: 'has no place beside "fallbackProviders": put it there',
    }),
    ({ value, issues }) => {
      const path = nameGivenTwice(value);
      const message = 'must be its own, or nobody could tell who answered';
      if (path !== undefined) issues.push({ code: 'custom', path, message, input: value });
    },
    z.refine(
      ({ hedge, fallbackProvider, fallbackProviders = [] }) =>
        !racesProviders(hedge) || fallbackProvider !== undefined || fallbackProviders.length > 0,
      { path: ['hedge', 'race'], message: 'needs a "fallbackProvider" to race with' },
    ),
  );

/** Where a name stands that another provider has already. */
function nameGivenTwice(config: {
  readonly provider: ChatProvider;
  readonly fallbackProvider?: ChatProvider | undefined;
  readonly fallbackProviders?: readonly ChatProvider[] | undefined;
}): PropertyKey[] | undefined {
  const { provider, fallbackProvider, fallbackProviders = [] } = config;
  if (fallbackProvider?.name === provider.name) return ['fallbackProvider', 'name'];
  const names = [provider, ...fallbackProviders].map(({ name }) => name);
  const second = names.findIndex((name, index) => names.indexOf(name) < index);
  return second === -1 ? undefined : ['fallbackProviders', second - 1, 'name'];
}

/** What `recovery` decides cannot be said a second time, in another way. */
function leavesRecovery(config: unknown): boolean {
  return (
    typeof config !== 'object' ||
    config === null ||
    !(Object.hasOwn(config, 'commitOn') || Object.hasOwn(config, 'resume'))
  );
}

/** The policies around every single provider. */
export interface Policies
  extends Pick<ResilienceConfig, 'name' | 'events' | 'scheduler' | 'throttle' | 'rateLimit' | 'bulkhead'> {
  /**
   * There is always one, around every provider, and it sees every attempt: a shared breaker for `provider` alone, or the
   * config of those that are made. @default {}
   */
  readonly circuitBreaker?: CircuitBreaker | CircuitBreakerConfig | undefined;
  /**
   * Retries beside the first attempt, or a config. By default only what may pass is retried, and never what has been
   * delivered, unless `recovery` allows it. @default none
   */
  readonly retry?: number | Omit<RetryConfig<ChatChunk>, 'commitOn' | 'resume'> | undefined;
  /**
   * A second attempt beside one that has said nothing for so many milliseconds, or a config: whoever says the first word
   * goes on, and the connection of the other one is closed. It spends from the budget of `retry`, if that has one; a race
   * of providers only from a `RetryBudget`, which they share. @default none
   */
  readonly hedge?: number | ChatHedge | undefined;
  /**
   * Limits in milliseconds: `total` of one provider's attempts and waits, `headers` and `first` to the first content of an
   * attempt, `each` between two chunks, and a pace. A number is the total. @default none
   */
  readonly timeout?: number | ChatTimeout | undefined;
  /**
   * Tokens that a request is expected to use, where `rateLimit` limits tokens; a number is the total. What it has really
   * used is settled when the provider has counted it.
   * @default a quarter of its characters, and `maxTokens` or the mean of the last answers (500 before the first)
   */
  readonly estimateTokens?: ((request: ChatRequest) => number | TokenUsage) | undefined;
}

export interface ResilientProviderConfig extends Policies {
  /** Who is asked first. */
  readonly provider: ChatProvider;
  /** Who is asked when `provider` has finally failed. */
  readonly fallbackProvider?: ChatProvider | undefined;
  /** Who is asked, in this order, when `provider` has finally failed. */
  readonly fallbackProviders?: readonly ChatProvider[] | undefined;
  /**
   * After which kinds of errors another provider is asked, where that is to differ from the usual: `invalid` requests and
   * the `content-filter` are not passed on, all others are. @default {}
   */
  readonly fallbackOn?: FallbackConditions | undefined;
  /**
   * What happens to an answer that breaks after its first content. `fail`: a `StreamInterruptedError` with the partial
   * answer. `restart`: it begins anew, behind a `retract` mark, by retries and fallbacks as if nothing had been said.
   * `continue`: what is missing is asked for, and follows behind a `resume` mark; what cannot be continued is restarted.
   * @default 'fail' for `stream()`; 'restart' for `chat()`, whose caller sees no partial answer
   */
  readonly recovery?: 'fail' | 'restart' | 'continue' | undefined;
}

/** What a call may be told. The fields of a `ChatContext` are among them, because a `ResilientProvider` is a provider too. */
export const CallOptionsSchema = z.strictObject({
  timeout: timeoutOption(),
  onPhase: z.optional(functionOption<(phase: CallPhase) => void>()),
  signal: z.optional(signalOption()),
  callId: z.optional(z.string('must be a string')),
  priority: z.optional(z.number('must be a finite number')),
  attempt: z.optional(count(1)),
  headersReceived: z.optional(functionOption<() => void>()),
  keepAliveReceived: z.optional(functionOption<() => void>()),
  // It cannot resume: what it puts together is no stream of anybody's.
  resume: z.optional(z.unknown()),
  checkpoint: z.optional(z.unknown()),
  limitsReported: z.optional(functionOption<(reports: readonly RateLimitReport[]) => void>()),
});

export interface CallOptions
  extends Pick<
    ChatContext,
    'attempt' | 'signal' | 'callId' | 'priority' | 'headersReceived' | 'keepAliveReceived' | 'limitsReported'
  > {
  /**
   * The caller's patience in milliseconds: it bounds the whole call, waits, retries and fallbacks included, and ends it
   * with a `StreamTimeoutError`, which after the first content is the `cause` of a `StreamInterruptedError`. A limiter or a
   * bulkhead whose line is not expected to be over by then refuses at once, with an error of its own, so that the next
   * provider can answer. `Infinity` means none. With a config, `total` is this patience, and the other limits replace those
   * of the providers for this call. @default Infinity
   */
  readonly timeout?: number | ChatTimeout | undefined;
  /** Hears where the call is, whenever that changes. */
  readonly onPhase?: ((phase: CallPhase) => void) | undefined;
}
