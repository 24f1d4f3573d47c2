import { written } from './letters.ts';
import { MarbleError } from './marble-error.ts';

/**
 * Chance that repeats: the same seed gives the same numbers, on every machine. For every `random` option.
 *
 * The algorithm is mulberry32 (Tommy Ettinger, public domain): 32 bits of state, good enough for tests, no cryptography.
 *
 * @param seed a whole number; only its lowest 32 bits count.
 * @throws {MarbleError} for anything else: it would always be the same chance.
 * @returns a function that gives the next number in [0, 1).
 *
 * @example
 * ```ts
 * const random = seededRandom(42);
 * console.log(random().toFixed(4), random().toFixed(4));
 * // 0.6011 0.4483
 * const retry = retryWithBackoff({ maxRetries: 3, backoff: fullJitterBackoff({ base: 100 }), random });
 * ```
 */
export function seededRandom(seed: number): () => number {
  if (!Number.isInteger(seed))
    throw new MarbleError(`seededRandom needs a whole number, and was given ${written(seed)}.`);
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
