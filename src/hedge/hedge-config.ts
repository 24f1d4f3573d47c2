import type { ObservableInput, ObservedValueOf } from 'rxjs';
import * as z from 'zod/mini';
import { commonOptions, count, delay, functionOption, notEmpty } from '../core/config.ts';
import { type RetryBudget, type RetryBudgetConfig, retryBudget } from '../core/retry-budget.ts';
import { LatencyPercentile, LatencyPercentileConfigSchema } from './latency-percentile.ts';

/** Somebody else who can answer: a stream, or a function that makes one when it is needed. */
export type HedgeAlternative = ObservableInput<unknown> | (() => ObservableInput<unknown>);

/** The values that an alternative gives. */
export type HedgeAnswer<A> = A extends () => infer Made
  ? HedgeAnswer<Made>
  : A extends ObservableInput<unknown>
    ? ObservedValueOf<A>
    : never;

/** The options of `hedge()`, with their defaults. */
export const HedgeConfigSchema = z
  .strictObject({
    ...commonOptions,
    /**
     * How long the latest attempt may take to commit before another joins it: milliseconds (`Infinity`: until it has
     * failed), or a percentile of the times that attempts take, shared or as the config of one for this operator.
     *
     * @default { percentile: 0.95 }
     */
    delay: z.optional(
      z.union([
        delay(),
        z.instanceof(LatencyPercentile, { error: 'must be a LatencyPercentile' }),
        LatencyPercentileConfigSchema,
      ]),
    ),
    /** Attempts beside the first one. @default 1, or one for each of `alternatives` */
    maxHedges: z.optional(count(1)),
    /** Whom the hedges ask, in this order: streams, or functions that make them. @default the source, again */
    alternatives: z.optional(
      z.readonly(
        z
          .array(
            z.custom<HedgeAlternative>(
              (value) => (typeof value === 'object' && value !== null) || typeof value === 'function',
              'must be a stream, or a function that makes one',
            ),
            'must be an array of streams',
          )
          .check(notEmpty('must hold at least one stream')),
      ),
    ),
    /**
     * Says whether another attempt follows this error at once.
     *
     * @default an error that may pass and asks for no wait; with `alternatives` all but the caller's own abort
     */
    hedgeIf: z.optional(functionOption<(error: unknown) => boolean>()),
    /** Says which values commit: the first attempt to send one wins. @default all */
    commitOn: z.optional(functionOption<(value: never) => boolean>()),
    budget: retryBudget(),
  })
  .check(
    z.refine(
      ({ maxHedges = 0, alternatives }) => maxHedges <= (alternatives?.length ?? Number.POSITIVE_INFINITY),
      { path: ['maxHedges'], message: 'must not be more than there are "alternatives"' },
    ),
  );

/** @typeParam T values of the source. @typeParam A what the alternatives are. */
export interface HedgeConfig<T = unknown, A extends HedgeAlternative = never>
  extends Omit<z.input<typeof HedgeConfigSchema>, 'alternatives' | 'budget' | 'commitOn'> {
  /** Whom the hedges ask, in this order: streams, or functions that make them. @default the source, again */
  readonly alternatives?: readonly A[] | undefined;
  /**
   * What hedges may add to the load: a budget that others spend from too, or the config of one for this operator.
   *
   * @default {}: one for every five requests, and ten a second
   */
  readonly budget?: RetryBudget | RetryBudgetConfig | undefined;
  /** Says which values commit: the first attempt to send one wins. @default all */
  readonly commitOn?: ((value: T | HedgeAnswer<A>) => boolean) | undefined;
}
