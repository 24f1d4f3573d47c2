import * as z from 'zod/mini';
import { commonOptions, count, functionOption, limit } from '../core/config.ts';
import { aimd } from './aimd.ts';
import type { LimitAlgorithm } from './algorithm.ts';
import { gradient } from './gradient.ts';

/** The algorithms by name, each with its defaults. */
export type LimitAlgorithmName = 'gradient' | 'aimd';

const NAMED: Record<LimitAlgorithmName, () => LimitAlgorithm> = { gradient, aimd };

/** What an error says about the limit. `drop`: it is too high. `neutral`: nothing. */
export type DropVerdict = 'drop' | 'neutral';

/** The options of an {@link AdaptiveConcurrency}, with their defaults. */
export const AdaptiveConcurrencyConfigSchema = z
  .strictObject({
    ...commonOptions,
    /** How the limit is found: `'gradient'`, `'aimd'`, or one with options, such as `aimd({ maxLatency: 5_000 })`. @default 'gradient' */
    algorithm: z._default(
      z.custom<LimitAlgorithmName | LimitAlgorithm>(
        (value) =>
          (typeof value === 'string' && Object.hasOwn(NAMED, value)) ||
          typeof (value as LimitAlgorithm | null)?.begin === 'function',
        `must be ${Object.keys(NAMED).join(' or ')}, or an algorithm such as aimd()`,
      ),
      'gradient',
    ),
    /** How many streams may be open at once, at first. @default 10, within the bounds */
    initialLimit: z.optional(count(1)),
    /** The limit never falls below this. @default 1 */
    minLimit: z._default(count(1), 1),
    /** The limit never rises above this. @default 200 */
    maxLimit: z._default(count(1), 200),
    /** How many may wait for a place. 0 refuses at once. @default 50 */
    maxQueue: z._default(count(0), 50),
    /** How long one may wait, in milliseconds; `Infinity` means for ever. @default 5_000 */
    queueTimeout: z._default(limit(), 5_000),
    /** Says which values end the wait for the first: not a ping, for instance. @default all */
    commitOn: z.optional(functionOption<(value: never) => boolean>()),
    /**
     * Which errors say that the limit is too high.
     * @default 429, 503, 529 and a late first value are a drop, all else is neutral
     */
    classify: z.optional(functionOption<(error: unknown) => DropVerdict>()),
  })
  .check(
    z.refine(({ minLimit, maxLimit }) => minLimit <= maxLimit, {
      path: ['minLimit'],
      message: 'must not be greater than "maxLimit"',
    }),
    z.refine(
      ({ initialLimit, minLimit, maxLimit }) =>
        initialLimit === undefined || (initialLimit >= minLimit && initialLimit <= maxLimit),
      {
        path: ['initialLimit'],
        message: 'must be between "minLimit" (default 1) and "maxLimit" (default 200)',
      },
    ),
  );
export type AdaptiveConcurrencyConfig = z.input<typeof AdaptiveConcurrencyConfigSchema>;

/** The algorithm itself, whichever way it was named. */
export function algorithmOf(algorithm: LimitAlgorithmName | LimitAlgorithm): LimitAlgorithm {
  return typeof algorithm === 'string' ? NAMED[algorithm]() : algorithm;
}
