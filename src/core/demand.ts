import * as z from 'zod/mini';
import { functionOption, parseConfig, signalOption } from './config.ts';
import type { AcquireOptions, Demand } from './lease.ts';

const finite = (): z.ZodMiniCustom<number, number> =>
  z.custom<number>((value) => Number.isFinite(value), 'must be a finite number');

const patience = (): z.ZodMiniCustom<number, number> =>
  z.custom<number>(
    (value) => typeof value === 'number' && value >= 0,
    'must be a duration in milliseconds, and not negative (Infinity means any)',
  );

/** What a subscription may ask of the policies that admit it. */
export const DemandSchema = z.strictObject({
  /**
   * Who goes first where several wait: the higher number; among equals, who came first. A function is asked at every
   * subscription. @default 0
   */
  priority: z.optional(z.union([finite(), functionOption<() => number>()])),
  /**
   * Milliseconds within which a start is of any use. Who would have to wait longer is refused at once, and whoever has
   * waited so long then. A function is asked at every subscription. @default Infinity
   */
  patience: z.optional(z.union([patience(), functionOption<() => number>()])),
});
export type DemandOptions = z.input<typeof DemandSchema>;

const PRIORITY = z.optional(finite());
const PATIENCE = z.optional(patience());

/** What each subscription asks, of the options that it is asked with. */
export function demandOf(of: string, options: DemandOptions): () => Demand {
  const priority = asking(of, 'priority', options.priority, PRIORITY);
  const patience = asking(of, 'patience', options.patience, PATIENCE);
  return madeOnce([options.priority, options.patience], () => ({
    priority: priority(),
    patience: patience(),
  }));
}

/** What is made of options that may be functions: where none is, it is made only once. */
export function madeOnce<D>(options: readonly unknown[], make: () => D): () => D {
  if (options.some((option) => typeof option === 'function')) return make;
  const made = make();
  return () => made;
}

/**
 * The value of an option that may be a function.
 *
 * @returns what throws a `ConfigurationError` when a function of the user's returns what the option itself could not be.
 */
export function asking<T>(
  of: string,
  option: string,
  value: T | (() => T),
  schema: z.ZodMiniType<T>,
): () => T {
  if (typeof value !== 'function') return () => value;
  const shape = z.object({ [option]: schema });
  return () => {
    const answer = (value as () => T)();
    parseConfig(of, shape, { [option]: answer });
    return answer;
  };
}

/** What code without a stream says when it asks any policy for a lease. */
export const AcquireSchema = z.strictObject({
  priority: PRIORITY,
  patience: PATIENCE,
  signal: z.optional(signalOption()),
});

/**
 * What code without a stream asks; a signal alone is short for options that hold it.
 *
 * @throws {ConfigurationError} naming the option and the value.
 */
export function acquireOptions(
  options: AbortSignal | AcquireOptions,
  schema: z.ZodMiniType<AcquireOptions, AcquireOptions>,
): AcquireOptions {
  return 'aborted' in Object(options)
    ? { signal: options as AbortSignal }
    : parseConfig('acquire', schema, options as AcquireOptions);
}
