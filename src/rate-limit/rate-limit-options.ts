import * as z from 'zod/mini';
import { functionOption, numberThat } from '../core/config.ts';
import { AcquireSchema, asking, DemandSchema, demandOf, madeOnce } from '../core/demand.ts';
import type { TokenDemand } from './rate-limit-lease.ts';
import type { RateLimitReport } from './report.ts';
import type { TokenUsage } from './tokens.ts';

const amount = () => numberThat((value) => value >= 0, 'must not be negative');

const estimate = (): z.ZodMiniType<number | TokenUsage> =>
  z.union([
    amount(),
    z.strictObject({
      inputTokens: z.optional(amount()),
      outputTokens: z.optional(amount()),
      totalTokens: z.optional(amount()),
    }),
  ]);

const { priority, patience } = DemandSchema.shape;

/** What a subscription asks of a limiter, and how its values tell what it uses. */
export const RateLimitOptionsSchema = z.strictObject({
  priority,
  patience,
  /**
   * Tokens that a subscription is expected to use, which are reserved before it begins; a number is the total. A function
   * is asked at every subscription. @default 0
   */
  tokens: z.optional(z.union([estimate(), functionOption<() => number | TokenUsage>()])),
  /** How many of the written tokens a value holds: what goes beyond the reservation is taken as it comes. @default none */
  tokensOf: z.optional(functionOption<(value: never) => number>()),
  /**
   * What the service has counted so far, where a value says so; a number is the total. At the end of the stream what was
   * reserved beyond the last word goes back. @default none
   */
  usageOf: z.optional(functionOption<(value: never) => number | TokenUsage | null | undefined>()),
  /** What the service says about its limits, where a value says so, as a response does in its headers. @default none */
  reportsOf: z.optional(functionOption<(value: never) => readonly RateLimitReport[] | undefined>()),
});

/** @typeParam T values of the stream. */
export interface RateLimitOptions<T = unknown>
  extends Omit<z.input<typeof RateLimitOptionsSchema>, 'tokensOf' | 'usageOf' | 'reportsOf'> {
  /** How many of the written tokens a value holds: what goes beyond the reservation is taken as it comes. @default none */
  readonly tokensOf?: ((value: T) => number) | undefined;
  /**
   * What the service has counted so far, where a value says so; a number is the total. At the end of the stream what was
   * reserved beyond the last word goes back. @default none
   */
  readonly usageOf?: ((value: T) => number | TokenUsage | null | undefined) | undefined;
  /** What the service says about its limits, where a value says so, as a response does in its headers. @default none */
  readonly reportsOf?: ((value: T) => readonly RateLimitReport[] | undefined) | undefined;
}

const TOKENS = z.optional(estimate());

/** What code without a stream asks. */
export const TokensSchema = z.object({ tokens: TOKENS });
export const RateLimitAcquireSchema = z.extend(AcquireSchema, TokensSchema.shape);

/** What each subscription asks, of the options that it is asked with. */
export function tokenDemandOf(
  of: string,
  options: z.output<typeof RateLimitOptionsSchema>,
): () => TokenDemand {
  const { priority, patience, tokens, tokensOf, usageOf, reportsOf } = options;
  const demand = demandOf(of, { priority, patience });
  const expected = asking<number | TokenUsage | undefined>(of, 'tokens', tokens, TOKENS);
  return madeOnce([priority, patience, tokens], () => {
    const asked = demand();
    return {
      priority: asked.priority,
      patience: asked.patience,
      tokens: expected(),
      tokensOf,
      usageOf,
      reportsOf,
    };
  });
}
