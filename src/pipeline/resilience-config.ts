import type { ObservableInput } from 'rxjs';
import * as z from 'zod/mini';
import type { AdaptiveConcurrency } from '../adaptive-concurrency/index.ts';
import {
  AdaptiveThrottle,
  type AdaptiveThrottleConfig,
  AdaptiveThrottleConfigSchema,
} from '../adaptive-throttle/index.ts';
import { type Bulkhead, type BulkheadConfig, BulkheadConfigSchema } from '../bulkhead/index.ts';
import {
  CircuitBreaker,
  type CircuitBreakerConfig,
  CircuitBreakerConfigSchema,
} from '../circuit-breaker/index.ts';
import { commonOptions, count, delay, functionOption, limit } from '../core/config.ts';
import { Places } from '../core/places.ts';
import type { Alternative, Answer, FallbackConfig } from '../fallback/index.ts';
import { type HedgeConfig, HedgeConfigSchema } from '../hedge/index.ts';
import {
  RateLimiter,
  type RateLimiterConfig,
  RateLimiterConfigSchema,
  RateLimitOptionsSchema,
  type RateLimitReport,
  type TokenUsage,
} from '../rate-limit/index.ts';
import { type RetryConfig, RetryConfigSchema } from '../retry/index.ts';
import { type TimeoutConfig, TimeoutConfigSchema } from '../timeout/index.ts';

/** What every attempt asks of `rateLimit` and `bulkhead`. */
const { priority, patience, tokens, tokensOf, usageOf, reportsOf } = RateLimitOptionsSchema.shape;

/** The parts of `resilience()`, each optional. */
export const ResilienceConfigSchema = z.strictObject({
  /** `name` is also the name of every part that is given as a plain config without one; `events` and `scheduler` are theirs too. */
  ...commonOptions,
  /** Gives numbers in [0, 1), for jitter. @default Math.random */
  random: z.optional(functionOption<() => number>()),
  /** Says which values commit, for `retry`, `hedge`, `fallback` and `timeout.first` alike. @default all */
  commitOn: z.optional(functionOption<(value: never) => boolean>()),
  priority,
  patience,
  tokens,
  tokensOf,
  usageOf,
  reportsOf,
  /** What answers when everything else has failed, as `fallback()` takes it. @default the error goes downstream */
  fallback: z.optional(z.unknown()),
  /**
   * Limits in milliseconds: `total` of one subscription with its waits and retries, `first` and `each` of every attempt.
   * A number is the total. @default none
   */
  timeout: z.optional(z.union([limit(), TimeoutConfigSchema])),
  /** Retries beside the first attempt, or a config. @default none */
  retry: z.optional(z.union([count(0), RetryConfigSchema])),
  /**
   * A second attempt beside one that is late: after so many milliseconds, or a config. It spends from the budget of
   * `retry`, if that has one. @default none
   */
  hedge: z.optional(z.union([delay(), HedgeConfigSchema])),
  /** A shared breaker, or the config of one. Sees every attempt. @default none */
  circuitBreaker: z.optional(
    z.union([
      z.instanceof(CircuitBreaker, { error: 'must be a CircuitBreaker' }),
      CircuitBreakerConfigSchema,
    ]),
  ),
  /** A shared adaptive throttle, or the config of one. Every attempt may be turned away. @default none */
  throttle: z.optional(
    z.union([
      z.instanceof(AdaptiveThrottle, { error: 'must be an AdaptiveThrottle' }),
      AdaptiveThrottleConfigSchema,
    ]),
  ),
  /** A shared limiter, or the config of one. Every attempt takes a permit. @default none */
  rateLimit: z.optional(
    z.union([z.instanceof(RateLimiter, { error: 'must be a RateLimiter' }), RateLimiterConfigSchema]),
  ),
  /** A shared bulkhead, one with a fixed or an adaptive limit, or the config of one. Every attempt takes a place. @default none */
  bulkhead: z.optional(
    z.union([
      z.instanceof(Places, { error: 'must be a Bulkhead or an AdaptiveConcurrency' }),
      BulkheadConfigSchema,
    ]),
  ),
});

/**
 * @typeParam T values of the source. @typeParam A alternatives of the fallback. @typeParam R values of `retry.resume`.
 * @typeParam W values of `timeout.with`.
 */
export interface ResilienceConfig<T = unknown, A extends Alternative = never, R = never, W = never>
  extends Omit<
    z.input<typeof ResilienceConfigSchema>,
    | 'commitOn'
    | 'fallback'
    | 'timeout'
    | 'retry'
    | 'hedge'
    | 'circuitBreaker'
    | 'throttle'
    | 'rateLimit'
    | 'bulkhead'
    | 'tokensOf'
    | 'usageOf'
    | 'reportsOf'
  > {
  /** Says which values commit, for `retry`, `hedge`, `fallback` and `timeout.first` alike. @default all */
  commitOn?: ((value: T | Answer<A>) => boolean) | undefined;
  /** What answers when everything else has failed, as `fallback()` takes it. @default the error goes downstream */
  fallback?: A | readonly A[] | FallbackConfig<T, A> | undefined;
  /**
   * Limits in milliseconds: `total` of one subscription with its waits and retries, `first` and `each` of every attempt.
   * A number is the total. @default none
   */
  timeout?: number | TimeoutConfig<T, W> | undefined;
  /** Retries beside the first attempt, or a config. @default none */
  retry?: number | RetryConfig<T, R> | undefined;
  /**
   * A second attempt beside one that is late: after so many milliseconds, or a config. It spends from the budget of
   * `retry`, if that has one. @default none
   */
  hedge?: number | HedgeConfig<T, ObservableInput<T> | (() => ObservableInput<T>)> | undefined;
  /** A shared breaker, or the config of one. Sees every attempt. @default none */
  circuitBreaker?: CircuitBreaker | CircuitBreakerConfig | undefined;
  /** A shared adaptive throttle, or the config of one. Every attempt may be turned away. @default none */
  throttle?: AdaptiveThrottle | AdaptiveThrottleConfig | undefined;
  /** A shared limiter, or the config of one. Every attempt takes a permit. @default none */
  rateLimit?: RateLimiter | RateLimiterConfig | undefined;
  /** A shared bulkhead, one with a fixed or an adaptive limit, or the config of one. Every attempt takes a place. @default none */
  bulkhead?: Bulkhead | AdaptiveConcurrency | BulkheadConfig | undefined;
  /** How many of the written tokens a value holds, for `rateLimit`. @default none */
  tokensOf?: ((value: T) => number) | undefined;
  /** What the service has counted so far, where a value says so, for `rateLimit`. @default none */
  usageOf?: ((value: T) => number | TokenUsage | null | undefined) | undefined;
  /** What the service says about its limits, where a value says so, for `rateLimit`. @default none */
  reportsOf?: ((value: T) => readonly RateLimitReport[] | undefined) | undefined;
}

/** Parts that do not look at values: an operator made of them fits a stream of any type. */
export interface TransparentParts<A extends Alternative, W> extends ResilienceConfig<never, A, never, W> {
  commitOn?: undefined;
  tokensOf?: undefined;
  usageOf?: undefined;
  reportsOf?: undefined;
  fallback?: A | readonly A[] | (FallbackConfig<never, A> & { readonly commitOn?: undefined }) | undefined;
  timeout?: number | (TimeoutConfig<never, W> & { commitOn?: undefined }) | undefined;
  retry?: number | (RetryConfig & { readonly commitOn?: undefined; readonly resume?: undefined }) | undefined;
  hedge?:
    | number
    | (HedgeConfig<never> & { readonly commitOn?: undefined; readonly alternatives?: undefined })
    | undefined;
}
