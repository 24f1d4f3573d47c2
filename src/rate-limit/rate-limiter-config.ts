import * as z from 'zod/mini';
import { commonOptions, count, duration, functionOption, limit } from '../core/config.ts';
import type { Limit, Limits } from './buckets.ts';
import type { RateLimitDimension } from './tokens.ts';

const positive = (): z.ZodMiniNumber<number> =>
  z.number('must be a finite number').check(z.refine((value) => value > 0, 'must be greater than 0'));

const AdjustSchema = z
  .strictObject({
    /** The slowest pace, as a part of the configured one. @default 0.1 */
    min: z._default(positive(), 0.1),
    /** The fastest pace, as a multiple of the configured one. @default 1 */
    max: z._default(positive(), 1),
  })
  .check(
    z.refine(({ min, max }) => min <= max, { path: ['min'], message: 'must not be greater than "max"' }),
  );

const FeedbackSchema = z.strictObject({
  /** Whether a service that refuses (429) stops everybody for as long as it says, instead of one after the other. @default true */
  pause: z._default(z.boolean(), true),
  /** The longest such pause, in milliseconds. A service with limits by the minute has something to give again by then. @default 60_000 */
  maxPause: z._default(positive(), 60_000),
  /** Whether a service that says what is left lowers what is here. It never raises it. @default true */
  remaining: z._default(z.boolean(), true),
  /**
   * Follows the limits that the service reports, within these bounds. For services that report them by the minute.
   * @default none: the configured pace stays
   */
  adjust: z.optional(AdjustSchema),
});
export type Feedback = z.output<typeof FeedbackSchema>;

export const USUAL_FEEDBACK: Feedback = z.parse(FeedbackSchema, {});

/** The options of a {@link RateLimiter}, with their defaults. */
export const RateLimiterConfigSchema = z
  .strictObject({
    ...commonOptions,
    /** Requests that may begin every second; 0.2 is one in five seconds. @default 10, unless another limit is given */
    requestsPerSecond: z.optional(positive()),
    /** The same by the minute, as services state it. @default none */
    requestsPerMinute: z.optional(positive()),
    /** Model tokens a minute, those that are sent and those that are written together. @default none */
    tokensPerMinute: z.optional(positive()),
    /** Model tokens that may be sent in a minute. @default none */
    inputTokensPerMinute: z.optional(positive()),
    /** Model tokens that may be written in a minute. @default none */
    outputTokensPerMinute: z.optional(positive()),
    /**
     * Requests that may begin at once after a silence.
     * @default those of two seconds; of a limit by the minute, those of `burstWindow`; at least 1
     */
    burstSize: z.optional(count(1)),
    /**
     * Limits by the minute keep what comes back in so many milliseconds for those who come after a silence. The default is
     * what OpenAI and Anthropic keep; a service that counts from minute to minute wants less. @default 60_000
     */
    burstWindow: z._default(duration(), 60_000),
    /** How many may wait. 0 refuses at once. @default 50 */
    maxQueue: z._default(count(0), 50),
    /** The longest wait, in milliseconds; `Infinity` means any. Who would wait longer is refused at once. @default 5_000 */
    queueTimeout: z._default(limit(), 5_000),
    /** What to do about what the service says of its own limits. @default {} */
    feedback: z.optional(FeedbackSchema),
    /** Gives numbers in [0, 1): by chance a pause that a service asks for is up to a tenth longer. @default Math.random */
    random: z.optional(functionOption<() => number>()),
  })
  .check(
    z.refine(
      ({ requestsPerSecond, requestsPerMinute }) =>
        requestsPerSecond === undefined || requestsPerMinute === undefined,
      { path: ['requestsPerMinute'], message: 'has no place beside "requestsPerSecond": give one of them' },
    ),
  );
export type RateLimiterConfig = z.input<typeof RateLimiterConfigSchema>;

const MINUTE = 60_000;

/** What the options limit, and for how many milliseconds they count. */
export const PACES = {
  requestsPerSecond: ['requests', 1_000],
  requestsPerMinute: ['requests', MINUTE],
  tokensPerMinute: ['tokens', MINUTE],
  inputTokensPerMinute: ['input-tokens', MINUTE],
  outputTokensPerMinute: ['output-tokens', MINUTE],
} as const satisfies Partial<Record<keyof RateLimiterConfig, readonly [RateLimitDimension, number]>>;

const { requestsPerSecond, requestsPerMinute, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute } =
  RateLimiterConfigSchema.shape;

/** Other paces for a {@link RateLimiter} that is at work. */
export const RateLimitsSchema = z.strictObject({
  requestsPerSecond,
  requestsPerMinute,
  tokensPerMinute,
  inputTokensPerMinute,
  outputTokensPerMinute,
});
export type RateLimits = z.input<typeof RateLimitsSchema>;

/** Every limit that is set; ten requests a second if there is none. */
export function limitsOf(config: z.output<typeof RateLimiterConfigSchema>): Limits {
  const { burstSize, burstWindow } = config;
  const limits: { [Name in RateLimitDimension]?: Limit } = {};
  for (const [option, [dimension, per]] of Object.entries(PACES)) {
    const permits = config[option as keyof typeof PACES];
    if (permits === undefined) continue;
    const kept = per === MINUTE ? Math.floor((permits * burstWindow) / MINUTE) : Math.ceil(2 * permits);
    const burst = (dimension === 'requests' ? burstSize : undefined) ?? Math.max(1, kept);
    limits[dimension] = { permits, per, burst };
  }
  return Object.keys(limits).length > 0
    ? limits
    : { requests: { permits: 10, per: 1_000, burst: burstSize ?? 20 } };
}
