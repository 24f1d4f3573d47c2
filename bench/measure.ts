import { setImmediate as nextTurn } from 'node:timers/promises';

/** One side of a comparison. */
export interface Contestant {
  readonly name: string;
  /**
   * Does the work once and checks what came of it; what one operation has cost, in the unit of the table.
   *
   * @param collect collects the garbage: what others have left is not to be charged to this one.
   */
  sample(collect: () => void): number | Promise<number>;
}

/** The work of one round: resolves to the number of operations it did, and throws when it did something else. */
export type Work = () => number | Promise<number>;

/** What one contestant has cost, round by round: round n of one ran beside round n of the others. */
export interface Series {
  readonly name: string;
  readonly rounds: readonly number[];
}

/** The median of all rounds, and the spread that it comes from. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Nanoseconds since a moment that does not matter. */
type Watch = () => number;

/**
 * What this process has worked, with all its threads: those that compile and collect garbage, too. It does not go on
 * while others have the processor.
 */
const processorTime: Watch = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
};
export const wallTime: Watch = () => performance.now() * 1e6;

/** Nanoseconds per operation of one run. */
export async function nanoseconds(work: Work, watch = processorTime): Promise<number> {
  const start = watch();
  const operations = await work();
  return (watch() - start) / operations;
}

/** Nanoseconds of the processor per operation. */
export function timed(name: string, work: Work): Contestant {
  return timedAfter(name, () => work);
}

/** The same for work that needs something ready for every round. @param prepare is not timed. */
export function timedAfter(
  name: string,
  prepare: () => Work | Promise<Work>,
  watch = processorTime,
): Contestant {
  return {
    name,
    async sample(collect) {
      const work = await prepare();
      collect();
      return nanoseconds(work, watch);
    },
  };
}

interface Conditions {
  readonly rounds: number;
  /** Rounds before those, which do not count. */
  readonly warmUp: number;
  collect(): void;
}

/**
 * Lets the contestants take turns, A B C, B C A, C A B: a machine that changes its speed changes it for all of them, and
 * nobody always has the same predecessor.
 */
export async function compete(
  contestants: readonly Contestant[],
  { rounds, warmUp, collect }: Conditions,
): Promise<Series[]> {
  const series = contestants.map(({ name }) => ({ name, rounds: [] as number[] }));
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (turn + round + warmUp) % contestants.length;
      // What the one before has left for a later turn is none of this one's business.
      await nextTurn();
      const cost = await contestants[index]!.sample(collect);
      if (round >= 0) series[index]!.rounds.push(cost);
    }
  }
  return series;
}

/** How two contestants compare, round by round. */
export function compared(
  one: Series,
  other: Series,
  compare: (one: number, other: number) => number,
): Spread {
  return spreadOf(one.rounds.map((cost, round) => compare(cost, other.rounds[round]!)));
}

/** @param values at least one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return {
    median: (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2,
    lowest: sorted[0]!,
    highest: sorted.at(-1)!,
  };
}
