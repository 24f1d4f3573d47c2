import * as z from 'zod/mini';
import { limit, numberThat, parseConfig } from '../core/config.ts';
import { type LimitAlgorithm, within } from './algorithm.ts';

/** What is left of a limit after a drop. */
export const backoffRatio = (): z.ZodMiniDefault<z.ZodMiniNumber> =>
  z._default(
    numberThat((ratio) => ratio >= 0.5 && ratio < 1, 'must be at least 0.5 and less than 1'),
    0.9,
  );

export const AimdConfigSchema = z.strictObject({
  /** What is left of the limit after a drop, in [0.5, 1). @default 0.9 */
  backoffRatio: backoffRatio(),
  /** A first content that comes later is a drop, in milliseconds; `Infinity` means none. @default Infinity */
  maxLatency: z._default(limit(), Number.POSITIVE_INFINITY),
});
export type AimdConfig = z.input<typeof AimdConfigSchema>;

/**
 * Additive increase, multiplicative decrease: one more after a first content, a tenth less after a drop. It finds where a
 * service begins to refuse; how slow it is, it does not see, unless `maxLatency` says what is too slow.
 *
 * Source: congestion avoidance of TCP (Jacobson, 1988; RFC 5681), in the form of `AIMDLimit` of Netflix'
 * concurrency-limits, the numbers of whose tests it reproduces. As in TCP the limit takes one step a round trip, for what
 * started before the last step is not heard.
 *
 * @throws {ConfigurationError} naming the option and the value.
 */
export function aimd(config: AimdConfig = {}): LimitAlgorithm {
  const { backoffRatio, maxLatency } = parseConfig('aimd', AimdConfigSchema, config);
  return {
    begin(bounds) {
      let limit = bounds.initialLimit;
      const dropped = (): string => {
        limit = within(Math.floor(limit * backoffRatio), bounds);
        return 'drop';
      };
      return {
        get limit() {
          return limit;
        },
        dropped,
        sampled({ latency, inFlight }) {
          if (latency > maxLatency) return dropped();
          // Who does not use what there is has no need for more.
          if (inFlight * 2 < limit) return undefined;
          limit = within(limit + 1, bounds);
          return 'growth';
        },
      };
    },
  };
}
