import { parseConfig } from '../core/config.ts';
import { FaultScheduleConfigSchema } from './config.ts';
import { parseStream } from './marbles.ts';

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
 * @throws {ConfigurationError} at once, naming the option and the value.
 * @throws {MarbleError} at once, for marbles that mean nothing.
 *
 * @example
 * ```ts
 * const scripts = faultSchedule({ attempts: 4, rate: 0.5, faults: ['#', '--a--#'], answer: '--a|', random: seededRandom(2) });
 * console.log(scripts);
 * // [ '--a|', '--a--#', '--a|', '#' ]
 * const source = flaky(scripts, { attempts: 4 });
 * ```
 */
export function faultSchedule(config: FaultScheduleConfig): string[] {
  const schedule = parseConfig('faultSchedule', FaultScheduleConfigSchema, config);
  const { attempts, rate, faults, answer, random } = schedule;
  for (const script of [...faults, answer]) parseStream(script);
  return Array.from({ length: attempts }, () => {
    const [fails, which] = [random() < rate, Math.floor(random() * faults.length)];
    return fails ? (faults[which] as string) : answer;
  });
}
