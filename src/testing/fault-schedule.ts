import { MarbleError } from './marble-error.ts';

export interface FaultScheduleConfig {
  /** How many attempts are scheduled. */
  readonly attempts: number;
  /** The share of them that fails, in [0, 1]. */
  readonly rate: number;
  /** Scripts of attempts that fail; each is as likely as the others. @default ['#'] */
  readonly faults?: readonly string[];
  /** The script of an attempt that goes well. */
  readonly answer: string;
  /** Gives numbers in [0, 1): `seededRandom(1)`, so that a failing test fails again. */
  readonly random: () => number;
}

/**
 * A script for each of many attempts, some of which fail by chance.
 *
 * @throws {MarbleError} at once, for a rate outside of [0, 1] or a number of attempts that is none.
 *
 * @example
 * ```ts
 * const scripts = faultSchedule({ attempts: 4, rate: 0.5, faults: ['#', '--a--#'], answer: '--a|', random: seededRandom(2) });
 * console.log(scripts);
 * // [ '--a|', '--a--#', '--a|', '#' ]
 * const source = flaky(scripts, { attempts: 4 });
 * ```
 */
export function faultSchedule({
  attempts,
  rate,
  faults = ['#'],
  answer,
  random,
}: FaultScheduleConfig): string[] {
  if (!(rate >= 0 && rate <= 1))
    throw new MarbleError(`faultSchedule: the rate must be in [0, 1], got ${rate}.`);
  if (!(Number.isSafeInteger(attempts) && attempts > 0))
    throw new MarbleError(`faultSchedule: attempts must be a whole number of at least 1, got ${attempts}.`);
  if (faults.length === 0) throw new MarbleError('faultSchedule: there are no faults to choose from.');
  return Array.from({ length: attempts }, () => {
    const [fails, which] = [random() < rate, Math.floor(random() * faults.length)];
    return fails ? (faults[which] as string) : answer;
  });
}
