import type { SchedulerLike } from 'rxjs';
import * as z from 'zod/mini';
import { ConfigurationError } from './errors.ts';
import type { EventBus } from './event-bus.ts';

/** A function option of the given type. */
export const functionOption = <F extends (...args: never[]) => unknown>(): z.ZodMiniCustom<F, F> =>
  z.custom<F>((value) => typeof value === 'function', 'must be a function');

/** A duration in milliseconds, finite and not negative. */
export const duration = (): z.ZodMiniNumber =>
  z.number('must be a duration in milliseconds').check(z.minimum(0, 'must not be negative'));

/** A duration in milliseconds that must not be 0; `Infinity` means none. */
export const limit = (): z.ZodMiniCustom<number, number> =>
  z.custom<number>(
    (value) => typeof value === 'number' && value > 0,
    'must be a duration in milliseconds greater than 0 (Infinity means none)',
  );

/** A whole number of at least `minimum`. */
export const count = (minimum: number): z.ZodMiniNumber =>
  z
    .number('must be a number')
    .check(
      z.refine(
        (value) => Number.isSafeInteger(value) && value >= minimum,
        `must be a whole number of at least ${minimum}`,
      ),
    );

/** A rate in (0, 1]. */
export const rate = (): z.ZodMiniNumber =>
  z
    .number('must be a number')
    .check(z.refine((value) => value > 0 && value <= 1, 'must be greater than 0 and at most 1'));

/** The options that every policy takes. */
export const commonOptions = {
  /** What the policy is called in errors, events and developer tools. */
  name: z.optional(z.string('must be a string').check(z.minLength(1, 'must not be empty'))),
  /** The bus that hears of the policy's decisions. @default getEventBus() */
  events: z.optional(
    z.custom<EventBus>(
      (value) => typeof (value as EventBus | null)?.publish === 'function',
      'must be an EventBus',
    ),
  ),
  /** Where time comes from. @default the monotonic system clock; virtual under `TestScheduler.run` and fake timers */
  scheduler: z.optional(
    z.custom<SchedulerLike>(
      (value) => typeof (value as SchedulerLike | null)?.schedule === 'function',
      'must be an RxJS scheduler',
    ),
  ),
};

/**
 * The parsed form of a config. Throws at once, naming the option and the value.
 *
 * @throws {ConfigurationError} listing every refused option.
 */
export function parseConfig<S extends z.ZodMiniType>(of: string, schema: S, config: z.input<S>): z.output<S> {
  const result = z.safeParse(schema, config);
  if (result.success) return result.data;
  throw new ConfigurationError(
    `${of}: ${result.error.issues.map((issue) => complaint(issue, config)).join('; ')}`,
    {
      cause: result.error,
    },
  );
}

function complaint(issue: z.core.$ZodIssue, config: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown option ${issue.keys.map((key) => `"${[...issue.path, key].join('.')}"`).join(', ')}`;
  }
  if (issue.code === 'invalid_union') {
    // A union says only "no": the branch that came furthest, or else all that could stand here, says why.
    const branches = issue.errors.flatMap((issues) => issues.slice(0, 1));
    const furthest = branches.find((branch) => branch.path.length > 0 || branch.code === 'unrecognized_keys');
    if (furthest !== undefined)
      return complaint({ ...furthest, path: [...issue.path, ...furthest.path] }, config);
    return refusal(issue.path, [...new Set(branches.map(reason))].join(', or '), config);
  }
  return refusal(issue.path, reason(issue), config);
}

const refusal = (path: readonly PropertyKey[], why: string, config: unknown): string =>
  `option ${path.length === 0 ? 'config' : `"${path.join('.')}"`} ${why}, got ${show(valueAt(config, path))}`;

function reason(issue: z.core.$ZodIssue): string {
  // zod/mini ships no texts of its own; without a locale every built-in message is this one.
  if (issue.message !== 'Invalid input') return issue.message;
  if (issue.code === 'invalid_type')
    return `must be ${issue.expected === 'object' ? 'an object' : `a ${issue.expected}`}`;
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.map((value) => show(value)).join(' or ')}`;
  return 'is invalid';
}

const valueAt = (config: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], config);

/** A value as a person would write it, never longer than a line. */
function show(value: unknown): string {
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' && value !== null
    ? `an object (${value.constructor?.name ?? 'null prototype'})`
    : String(value);
}
