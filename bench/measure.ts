/** One thing to time: runs its work once and resolves to the number of operations it did. */
export interface Contestant {
  readonly name: string;
  run(): number | Promise<number>;
}

export interface Timing {
  readonly name: string;
  /** Nanoseconds per operation: median of all rounds. */
  readonly median: number;
  /** Nanoseconds per operation of every round, in order: round n of one contestant ran beside round n of the others. */
  readonly rounds: readonly number[];
}

export interface Ratio {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/**
 * Times the contestants in turns, A B C A B C, so a machine that changes its speed changes it for all of them. The first
 * rounds warm up and do not count.
 */
export async function compete(
  contestants: readonly Contestant[],
  rounds: number,
  warmUp = 2,
): Promise<Timing[]> {
  const results = contestants.map(() => [] as number[]);
  for (let round = -warmUp; round < rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      globalThis.gc?.();
      const start = process.hrtime.bigint();
      const operations = await contestant.run();
      const elapsed = Number(process.hrtime.bigint() - start);
      if (round >= 0) results[index]?.push(elapsed / operations);
    }
  }
  return contestants.map(({ name }, index) => {
    const measured = results[index] ?? [];
    return { name, median: median(measured), rounds: measured };
  });
}

/** How a compares with b, round by round. */
export function ratio(a: Timing, b: Timing): Ratio {
  const ratios = a.rounds.map((time, round) => time / (b.rounds[round] ?? Number.NaN));
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
