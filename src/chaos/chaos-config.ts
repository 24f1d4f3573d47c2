import * as z from 'zod/mini';
import { commonOptions, count, duration, functionOption, numberThat } from '../core/config.ts';

/** Milliseconds, or a range from which chance chooses: `[50, 200]`. */
export type ChaosDelay = number | readonly [min: number, max: number];

const isDuration = (value: unknown): value is number => z.safeParse(duration(), value).success;

const delay = (): z.ZodMiniCustom<ChaosDelay, ChaosDelay> =>
  z.custom<ChaosDelay>(
    (value) =>
      isDuration(value) ||
      (Array.isArray(value) && value.length === 2 && value.every(isDuration) && value[0] <= value[1]),
    'must be milliseconds, or a range of them such as [50, 200]',
  );

/** The options of `chaos()`, with their defaults. */
export const ChaosConfigSchema = z
  .strictObject({
    ...commonOptions,
    /** Whether anything happens at all; a function is asked at every subscription. @default false */
    enabled: z._default(
      z.union([z.boolean('must be true or false'), functionOption<() => boolean>()]),
      false,
    ),
    /** The share of the subscriptions that are hit, in [0, 1], by chance. @default 1 */
    rate: z._default(
      numberThat((value) => value >= 0 && value <= 1, 'must be at least 0 and at most 1'),
      1,
    ),
    /** Which subscriptions may be hit, counted from 1 over all that go through the operator. @default all */
    attempts: z.optional(
      z.union([
        z.readonly(z.array(count(1), 'must be an array of numbers')),
        functionOption<(attempt: number) => boolean>(),
      ]),
    ),
    /** From when on subscriptions may be hit, in milliseconds since the operator was made. @default 0 */
    from: z._default(duration(), 0),
    /** Until when they may be hit, in milliseconds since the operator was made. @default Infinity */
    until: z._default(
      z.custom<number>(
        (value) => typeof value === 'number' && value > 0,
        'must be a time in milliseconds greater than 0 (Infinity means for ever)',
      ),
      Number.POSITIVE_INFINITY,
    ),
    /** How much later the first value comes, or the end where there is none: milliseconds, or `[min, max]`. @default 0 */
    latency: z.optional(delay()),
    /** How much longer it takes from each value to the next: milliseconds, or `[min, max]`. @default 0 */
    gap: z.optional(delay()),
    /** What is delivered instead of a value; what is the same is left alone. @default none */
    corrupt: z.optional(functionOption<(value: never, index: number) => unknown>()),
    /** The stream breaks after so many values. 0 breaks it at once: the source is not subscribed. @default none */
    cut: z.optional(count(0)),
    /** What a stream breaks with, or a function that makes it. Without `cut`, at once. @default a ChaosError */
    error: z.optional(z.unknown()),
    /** The stream completes after so many values, as if it were whole. @default none */
    truncate: z.optional(count(0)),
    /** The stream falls silent after so many values, until it is unsubscribed. @default none */
    stall: z.optional(count(0)),
    /** Gives numbers in [0, 1). @default Math.random */
    random: z.optional(functionOption<() => number>()),
  })
  .check(
    z.refine(({ from, until }) => from < until, {
      path: ['from'],
      message: 'must be before "until": nothing could ever be hit',
    }),
    z.refine(
      ({ cut, error, truncate, stall }) =>
        [cut ?? error, truncate, stall].filter((end) => end !== undefined).length <= 1,
      { message: 'must hold only one of "cut" or "error", "truncate" and "stall": a stream ends once' },
    ),
    z.refine(
      ({ latency, gap, corrupt, cut, error, truncate, stall }) =>
        (latency ?? gap ?? corrupt ?? cut ?? error ?? truncate ?? stall) !== undefined,
      {
        message:
          'must hold at least one of "latency", "gap", "corrupt", "cut", "error", "truncate" and "stall"',
      },
    ),
  );

/** @typeParam T values of the source. @typeParam R values that `corrupt` makes of them. */
export interface ChaosConfig<T = never, R = unknown>
  extends Omit<z.input<typeof ChaosConfigSchema>, 'corrupt'> {
  /** What is delivered instead of a value; what is the same is left alone. @default none */
  readonly corrupt?: ((value: T, index: number) => R) | undefined;
}
