import type { SchedulerLike } from 'rxjs';
import * as z from 'zod/mini';
import { ConfigurationError } from './errors.ts';
import type { EventBus } from './event-bus.ts';

/** A function option of the given type. */
export const functionOption = <F extends (...args: never[]) => unknown>(): z.ZodMiniCustom<F, F> =>
  z.custom<F>((value) => typeof value === 'function', 'must be a function');

/** A finite number of which something holds. */
export const numberThat = (holds: (value: number) => boolean, reason: string): z.ZodMiniNumber<number> =>
  z.number('must be a finite number').check(z.refine(holds, reason));

/** A duration in milliseconds, finite and not negative. */
export const duration = (): z.ZodMiniNumber<number> =>
  z
    .number('must be a finite duration in milliseconds')
    .check(z.refine((value) => value >= 0, 'must not be negative'));

/** A duration in milliseconds, finite, that must not be 0. */
export const period = (): z.ZodMiniNumber<number> =>
  z
    .number('must be a finite duration in milliseconds')
    .check(z.refine((value) => value > 0, 'must be greater than 0'));

/** A duration in milliseconds that must not be 0; `Infinity` means none. */
export const limit = (): z.ZodMiniCustom<number, number> =>
  z.custom<number>(
    (value) => typeof value === 'number' && value > 0,
    'must be a duration in milliseconds greater than 0 (Infinity means none)',
  );

/** A duration in milliseconds, not negative; `Infinity` means that it never passes. */
export const delay = (): z.ZodMiniCustom<number, number> =>
  z.custom<number>(
    (value) => typeof value === 'number' && value >= 0,
    'must be a duration in milliseconds, and not negative (Infinity means never)',
  );

/** A whole number of at least `minimum`. */
export const count = (minimum: number): z.ZodMiniNumber<number> =>
  numberThat(
    (value) => Number.isSafeInteger(value) && value >= minimum,
    `must be a whole number of at least ${minimum}`,
  );

/** A rate in (0, 1]. */
export const rate = (): z.ZodMiniNumber<number> =>
  numberThat((value) => value > 0 && value <= 1, 'must be greater than 0 and at most 1');

/** A check of a string or an array. Zod's own would bring along what tells characters from their code units. */
export const notEmpty = (message: string): z.core.$ZodCheck<{ readonly length: number }> =>
  z.refine<{ readonly length: number }>(({ length }) => length > 0, message);

/** A signal of the platform, or of one that looks like it. */
export const signalOption = (): z.ZodMiniCustom<AbortSignal, AbortSignal> =>
  z.custom<AbortSignal>(
    (value) => typeof (value as AbortSignal | null)?.aborted === 'boolean',
    'must be an AbortSignal',
  );

/** The options that every policy takes. */
export const commonOptions = {
  /** What the policy is called in errors, events and developer tools. */
  name: z.optional(z.string('must be a string').check(notEmpty('must not be empty'))),
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
  const result = z.safeParse(schema, config, { error: standardReason });
  if (!result.success) {
    const complaints = result.error.issues.map((issue) => complaint(issue, config));
    throw new ConfigurationError(`${of}: ${complaints.join('; ')}`, { cause: result.error });
  }
  const misread = misreadIn(config, result.data);
  if (misread !== undefined) throw new ConfigurationError(`${of}: ${refusal(misread, NOT_PLAIN, config)}`);
  return result.data;
}

const NOT_PLAIN = 'must be a plain object, or is of another copy of this package';

/**
 * Where something with methods has been read as a config. It may have a field that is called like an option: a
 * `RetryBudget` has a name, and where options belong, or from another copy of this package, it would have no effect.
 *
 * @param parsed what has been read; what was taken as it is has not been, nor what was left out.
 */
function misreadIn(given: unknown, parsed: unknown, path: PropertyKey[] = []): PropertyKey[] | undefined {
  if (!isObject(given) || !isObject(parsed) || given === parsed) return undefined;
  if (hasMethods(given)) return path;
  for (const [name, value] of Object.entries(given)) {
    const found = misreadIn(value, (parsed as Record<string, unknown>)[name], [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hasMethods(value: object): boolean {
  const prototype = Reflect.getPrototypeOf(value);
  // Plain objects, also those of another context.
  if (prototype === null || Reflect.getPrototypeOf(prototype) === null) return false;
  const members = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  const isMethod = ([name, { value }]: (typeof members)[number]): boolean =>
    name !== 'constructor' && typeof value === 'function';
  return members.some(isMethod) || hasMethods(prototype);
}

function complaint(issue: z.core.$ZodIssue, config: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    // There are keys.
    if (hasMethods(valueAt(config, issue.path) as object)) return refusal(issue.path, NOT_PLAIN, config);
    return `unknown option ${issue.keys.map((key) => quoted([...issue.path, key].join('.'))).join(', ')}`;
  }
  if (issue.code === 'invalid_union') {
    // A union says only "no": the branch that came furthest, or else all that could stand here, says why.
    const branches = issue.errors.flat();
    const furthest = branches.find((branch) => branch.path.length > 0 || branch.code === 'unrecognized_keys');
    if (furthest !== undefined)
      return complaint({ ...furthest, path: [...issue.path, ...furthest.path] }, config);
    if (branches.length > 0)
      return refusal(issue.path, alternatives(branches.map(({ message }) => message)), config);
  }
  return refusal(issue.path, issue.message, config);
}

/** "must be a number", "must be an object": "must be a number, or an object". */
function alternatives(reasons: readonly string[]): string {
  const [first = '', ...others] = new Set(reasons);
  return [first, ...others.map((reason) => reason.replace('must be ', ''))].join(', or ');
}

function refusal(path: readonly PropertyKey[], reason: string, config: unknown): string {
  const value = valueAt(config, path);
  const shown = path.some((key) => SECRET.test(String(key))) ? `a ${typeof value} (not shown)` : show(value);
  return `${path.length === 0 ? 'config' : `option ${quoted(path.join('.'))}`} ${reason}, got ${shown}`;
}

/** What may let others in must not reach a log. */
const SECRET = /key$|token$|secret|password|credential|authorization|cookie|headers/i;

/** For checks that bring no text of their own: zod's texts differ from program to program. */
function standardReason(issue: z.core.$ZodRawIssue): string {
  if (issue.code === 'invalid_type') {
    return `must be ${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
  }
  if (issue.code === 'invalid_value') return `must be ${issue.values.map(show).join(' or ')}`;
  // No branch was tried, because the option that chooses the branch has none of its values.
  if (issue.code === 'invalid_union' && Array.isArray(issue.options))
    return `must be ${issue.options.map(show).join(' or ')}`;
  return 'is invalid';
}

const valueAt = (config: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], config);

/** A value as a person would write it, never longer than a line. */
function show(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'bigint') return cut(`${value}n`);
  if (typeof value === 'function') return cut(`function ${value.name || '(anonymous)'}`);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value !== 'object' || value === null) return cut(String(value));
  return typeof value.constructor === 'function' ? cut(`an object (${value.constructor.name})`) : 'an object';
}

const quoted = (text: string): string => JSON.stringify(cut(text));

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
