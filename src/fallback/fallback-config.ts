import * as z from 'zod/mini';
import { commonOptions, functionOption, notEmpty } from '../core/config.ts';
import type { Alternative, Answer } from './alternative.ts';

/** The options of `fallback()`, with their defaults. */
export const FallbackConfigSchema = z.strictObject({
  ...commonOptions,
  /** What answers instead, tried in this order: values, streams, or functions that make either. */
  alternatives: z
    .custom<readonly unknown[]>(Array.isArray, 'must be an array of alternatives')
    .check(notEmpty('must hold at least one alternative (to answer with an empty array: [[]])')),
  /** Says which errors, the source's or an alternative's, are answered. @default all but the caller's own abort */
  handle: z.optional(functionOption<(error: unknown) => boolean>()),
  /**
   * Whether a stream that breaks after its commit is answered too; the alternative then goes on behind what was
   * delivered. @default false
   */
  midStream: z._default(z.boolean('must be true or false'), false),
  /** Says which values commit: after one of them an error is not answered without `midStream`. @default all */
  commitOn: z.optional(functionOption<(value: never) => boolean>()),
});

/** The config of `fallback()` for a stream of `T` and alternatives of the types `A`. */
export interface FallbackConfig<T = unknown, A extends Alternative = Alternative>
  extends Omit<z.input<typeof FallbackConfigSchema>, 'alternatives' | 'commitOn'> {
  /** What answers instead, tried in this order: values, streams, or functions that make either. */
  readonly alternatives: readonly A[];
  /** Says which values commit: after one of them an error is not answered without `midStream`. @default all */
  readonly commitOn?: ((value: T | Answer<A>) => boolean) | undefined;
}

/** The forms that `fallback()` takes, as one. */
export function fallbackConfigOf(given: unknown): FallbackConfig {
  if (Array.isArray(given)) return { alternatives: given };
  return isConfig(given) ? given : { alternatives: [given as Alternative] };
}

/** Known by any option that only a config has, so that one with a misspelt `alternatives` is refused, not emitted. */
function isConfig(given: unknown): given is FallbackConfig {
  return (
    typeof given === 'object' &&
    given !== null &&
    ['alternatives', 'midStream', 'commitOn', 'handle'].some((option) => Object.hasOwn(given, option))
  );
}
