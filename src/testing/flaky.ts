import { parseConfig } from '../core/config.ts';
import { ScriptOptionsSchema } from './config.ts';
import { parseStream } from './marbles.ts';
import { nth, ScriptedSource } from './scripted-source.ts';
import { scriptsFrom } from './scripts.ts';

/** What the marbles of the scripts stand for. */
export interface ScriptOptions<T> {
  /** What the letters stand for. @default each for itself */
  readonly values?: Readonly<Record<string, T>>;
  /** What `#` stands for in the n-th script; the last one repeats. @default 'error' */
  readonly errors?: readonly unknown[];
  /** How many subscriptions are foreseen: one more is an error, of its stream and of the test. @default any number */
  readonly attempts?: number;
  /** What the source is called in messages. @default 'The flaky source' */
  readonly name?: string;
}

export function flaky(...scripts: readonly [string, ...string[]]): ScriptedSource<string>;
export function flaky<T = string>(scripts: readonly string[], options: ScriptOptions<T>): ScriptedSource<T>;
/**
 * A source that behaves differently each time it is subscribed.
 *
 * ```
 * 1st subscription  --a--#
 * 2nd subscription         --a--b--|
 *                   flaky('--a--#', '--a--b--|')
 * ```
 *
 * The n-th subscription plays the n-th script, the last script repeats. `subscriptions` tells when each began and ended.
 * It runs in the time that it finds: inside `runMarbles` and `TestScheduler.run` virtual, under fake timers theirs.
 *
 * @param scripts marbles of RxJS. With options: `flaky(['--a--#', '--b|'], { values: { a: 1, b: 2 }, attempts: 2 })`.
 * @throws {MarbleError} at once, for marbles that mean nothing or no script at all.
 *
 * @example
 * ```ts
 * runMarbles(({ expectObservable, expectSubscriptions }) => {
 *   const source = flaky('--#', '--a|');
 *   expectObservable(source.pipe(retryWithBackoff({ maxRetries: 1, backoff: fixedBackoff(3) }))).toBe('-------a|');
 *   expectSubscriptions(source).toBe(['^-!', '-----^--!']);
 * });
 * ```
 */
export function flaky<T>(
  ...args: readonly (string | readonly string[] | ScriptOptions<T>)[]
): ScriptedSource<T> {
  const [scripts, options] = scriptsFrom<ScriptOptions<T>>('flaky', args);
  const {
    values,
    errors = [],
    attempts,
    name = 'The flaky source',
  } = parseConfig('flaky', ScriptOptionsSchema, options);
  const parsed = scripts.map((script, attempt) => parseStream(script, values, nth(errors, attempt)));
  return new ScriptedSource(name, parsed, attempts);
}
