import * as z from 'zod/mini';
import { duration, numberThat, parseConfig } from '../core/config.ts';

/** How long to wait before a retry. It keeps no state, so one value serves any number of streams. */
export interface Backoff {
  /** No delay is longer, in milliseconds; `undefined` when the strategy itself sets no cap. */
  readonly maxDelay?: number | undefined;
  /**
   * Milliseconds to wait, finite and not negative.
   *
   * @param attempt the number of the retry that is to come, from 1.
   * @param previousDelay what this strategy said to the retry before; 0 for the first.
   * @param random gives numbers in [0, 1).
   */
  delay(attempt: number, previousDelay: number, random: () => number): number;
}

/** The strategies by name, each with its defaults. */
export type BackoffName =
  | 'exponential'
  | 'linear'
  | 'fixed'
  | 'jittered'
  | 'full-jitter'
  | 'decorrelated-jitter';

const NAMED: Record<BackoffName, () => Backoff> = {
  exponential: exponentialBackoff,
  linear: linearBackoff,
  fixed: fixedBackoff,
  jittered: jitteredBackoff,
  'full-jitter': fullJitterBackoff,
  'decorrelated-jitter': decorrelatedJitterBackoff,
};

/** A strategy by name, as a value, or as a function from the number of the retry (from 1) to milliseconds. */
export type BackoffLike = BackoffName | Backoff | Backoff['delay'];

export const BackoffSchema = z.custom<BackoffLike>(
  (value) =>
    typeof value === 'function' ||
    (typeof value === 'string' && Object.hasOwn(NAMED, value)) ||
    isBackoff(value),
  `must be one of ${Object.keys(NAMED).join(', ')}, a Backoff, or a function of the attempt`,
);

function isBackoff(value: unknown): value is Backoff {
  const { delay, maxDelay } = Object(value) as Partial<Backoff>;
  return typeof delay === 'function' && (maxDelay === undefined || z.safeParse(duration(), maxDelay).success);
}

/** The strategy itself, whichever way it was named. */
export function backoffOf(backoff: BackoffLike): Backoff {
  if (typeof backoff === 'string') return NAMED[backoff]();
  return typeof backoff === 'function' ? { delay: backoff } : backoff;
}

const capNotBelow = <T extends { maxDelay: number }>(start: (config: T) => number, name: string) =>
  z.refine<T>((config) => start(config) <= config.maxDelay, {
    path: ['maxDelay'],
    message: `must not be shorter than ${name} (defaults: maxDelay 60000, ${name} 1000)`,
  });

export const ExponentialBackoffConfigSchema = z
  .strictObject({
    /** Delay before the first retry, in milliseconds. @default 1_000 */
    base: z._default(duration(), 1_000),
    /** Every delay is this many times the one before, at least 1. @default 2 */
    multiplier: z._default(
      numberThat((value) => value >= 1, 'must be at least 1'),
      2,
    ),
    /** The cap, in milliseconds. @default 60_000 */
    maxDelay: z._default(duration(), 60_000),
  })
  .check(capNotBelow(({ base }) => base, 'base'));
export type ExponentialBackoffConfig = z.input<typeof ExponentialBackoffConfigSchema>;

/**
 * 1, 2, 4, 8, 16 … seconds: every delay a multiple of the one before, up to the cap.
 *
 * @throws {ConfigurationError} naming the option and the value.
 */
export function exponentialBackoff(config: ExponentialBackoffConfig = {}): Backoff {
  const options = parseConfig('exponentialBackoff', ExponentialBackoffConfigSchema, config);
  return { maxDelay: options.maxDelay, delay: (attempt) => exponential(options, attempt) };
}

function exponential(
  { base, multiplier, maxDelay }: z.output<typeof ExponentialBackoffConfigSchema>,
  attempt: number,
): number {
  // The power overflows to Infinity after a thousand attempts, and 0 times Infinity is no number.
  return Math.min(maxDelay, base * Math.min(multiplier ** (attempt - 1), Number.MAX_VALUE));
}

export const LinearBackoffConfigSchema = z
  .strictObject({
    /** Delay before the first retry, in milliseconds. @default 1_000 */
    initial: z._default(duration(), 1_000),
    /** Every delay is this much longer than the one before, in milliseconds. @default 1_000 */
    increment: z._default(duration(), 1_000),
    /** The cap, in milliseconds. @default 60_000 */
    maxDelay: z._default(duration(), 60_000),
  })
  .check(capNotBelow(({ initial }) => initial, 'initial'));
export type LinearBackoffConfig = z.input<typeof LinearBackoffConfigSchema>;

/**
 * 1, 2, 3, 4 … seconds: every delay longer than the one before by the same step, up to the cap.
 *
 * @throws {ConfigurationError} naming the option and the value.
 */
export function linearBackoff(config: LinearBackoffConfig = {}): Backoff {
  const { initial, increment, maxDelay } = parseConfig('linearBackoff', LinearBackoffConfigSchema, config);
  return { maxDelay, delay: (attempt) => Math.min(maxDelay, initial + increment * (attempt - 1)) };
}

const FixedBackoffSchema = z.strictObject({ delay: duration() });

/**
 * The same delay before every retry. 0 retries in the same tick, without a timer.
 *
 * @param delay milliseconds. @default 1_000
 * @throws {ConfigurationError} naming the option and the value.
 */
export function fixedBackoff(delay = 1_000): Backoff {
  parseConfig('fixedBackoff', FixedBackoffSchema, { delay });
  return { delay: () => delay };
}

export const JitteredBackoffConfigSchema = z.strictObject({
  /** How far a delay may stray to either side, as a part of it, from 0 to 1. @default 0.2 */
  factor: z._default(
    numberThat((value) => value >= 0 && value <= 1, 'must be at least 0 and at most 1'),
    0.2,
  ),
});
export type JitteredBackoffConfig = z.input<typeof JitteredBackoffConfigSchema>;

const SpreadBackoffSchema = z.strictObject({ ...JitteredBackoffConfigSchema.shape, base: BackoffSchema });

/**
 * Another strategy, its delays spread by ± `factor`, so that clients which failed together do not come back together.
 * The cap of the other strategy holds after the jitter.
 *
 * @param base the strategy whose delays are spread. @default 'exponential'
 * @throws {ConfigurationError} naming the option and the value.
 */
export function jitteredBackoff(
  base: BackoffLike = 'exponential',
  config: JitteredBackoffConfig = {},
): Backoff {
  const { factor } = parseConfig('jitteredBackoff', SpreadBackoffSchema, { ...config, base });
  const steady = backoffOf(base);
  const { maxDelay } = steady;
  return {
    maxDelay,
    delay(attempt, previousDelay, random) {
      const delay = steady.delay(attempt, previousDelay, random);
      return Math.min(maxDelay ?? Number.POSITIVE_INFINITY, delay * (1 + factor * (2 * random() - 1)));
    },
  };
}

/**
 * Anything between nothing and the exponential delay. It spreads clients the most, and waits half as long on average.
 *
 * Source: "Full Jitter" in Marc Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
 *
 * @throws {ConfigurationError} naming the option and the value.
 */
export function fullJitterBackoff(config: ExponentialBackoffConfig = {}): Backoff {
  const options = parseConfig('fullJitterBackoff', ExponentialBackoffConfigSchema, config);
  return {
    maxDelay: options.maxDelay,
    delay: (attempt, _previousDelay, random) => random() * exponential(options, attempt),
  };
}

export const DecorrelatedJitterBackoffConfigSchema = z
  .strictObject({
    /** The shortest delay, in milliseconds. @default 1_000 */
    base: z._default(duration(), 1_000),
    /** The cap, in milliseconds. @default 60_000 */
    maxDelay: z._default(duration(), 60_000),
  })
  .check(capNotBelow(({ base }) => base, 'base'));
export type DecorrelatedJitterBackoffConfig = z.input<typeof DecorrelatedJitterBackoffConfigSchema>;

/**
 * Anything between `base` and three times the delay before, up to the cap: it grows by chance and not by the number of
 * the attempt, so clients that failed together drift apart.
 *
 * Source: "Decorrelated Jitter" in Marc Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
 *
 * @throws {ConfigurationError} naming the option and the value.
 */
export function decorrelatedJitterBackoff(config: DecorrelatedJitterBackoffConfig = {}): Backoff {
  const { base, maxDelay } = parseConfig(
    'decorrelatedJitterBackoff',
    DecorrelatedJitterBackoffConfigSchema,
    config,
  );
  return {
    maxDelay,
    delay(_attempt, previousDelay, random) {
      const longest = Math.max(base, previousDelay) * 3;
      return Math.min(maxDelay, base + random() * (longest - base));
    },
  };
}
