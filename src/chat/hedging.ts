import type { SchedulerLike } from 'rxjs';
import * as z from 'zod/mini';
import { type RetryBudget, retryBudgetOf } from '../core/retry-budget.ts';
import { type HedgeConfig, HedgeConfigSchema, LatencyPercentile } from '../hedge/index.ts';

const { delay, maxHedges, hedgeIf, budget } = HedgeConfigSchema.shape;

export const ChatHedgeSchema = z.strictObject({
  delay,
  maxHedges,
  hedgeIf,
  budget,
  race: z.optional(z.enum(['attempts', 'providers'], 'must be "attempts" or "providers"')),
});

/** How a chat hedges: its commit is the first content. */
export interface ChatHedge extends Pick<HedgeConfig, 'delay' | 'maxHedges' | 'hedgeIf' | 'budget'> {
  /** Attempts beside the first one. @default 1 */
  readonly maxHedges?: number | undefined;
  /**
   * Whom a hedge asks. `attempts`: the same provider again, inside of its retries. `providers`: the next of the fallbacks,
   * with all its policies, while the one before is still at work.
   *
   * @default 'attempts'
   */
  readonly race?: 'attempts' | 'providers' | undefined;
}

/** What the calls of one provider share when they hedge: what they have learnt, and what they may spend. */
export interface Hedging {
  readonly delay: number | LatencyPercentile;
  readonly maxHedges: number;
  readonly hedgeIf: ((error: unknown) => boolean) | undefined;
  readonly budget: RetryBudget;
}

/** @param shared the budget of the retries, which hedges spend from unless they have one of their own. */
export function hedgingOf(
  hedge: number | ChatHedge,
  shared: RetryBudget | undefined,
  scheduler: SchedulerLike | undefined,
): Hedging {
  const config: ChatHedge = typeof hedge === 'number' ? { delay: hedge } : hedge;
  const { delay = {}, maxHedges = 1, hedgeIf, budget = shared ?? {} } = config;
  return {
    delay:
      typeof delay === 'number' || delay instanceof LatencyPercentile ? delay : new LatencyPercentile(delay),
    maxHedges,
    hedgeIf,
    budget: retryBudgetOf(budget, scheduler),
  };
}

export const racesProviders = (hedge: number | ChatHedge | undefined): boolean =>
  typeof hedge === 'object' && hedge.race === 'providers';
