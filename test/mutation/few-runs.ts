/** `fast-check` for the judges of mutants: so few runs that thousands of mutants can be judged, and the same ones for all. */
import * as real from 'fast-check';

const RUNS = 100;

export * from 'fast-check';

export const assert = <T>(
  property: real.IRawProperty<T>,
  parameters: real.Parameters<T> = {},
): void | Promise<void> =>
  real.assert(property as real.IAsyncProperty<T>, {
    ...parameters,
    seed: 1,
    numRuns: Math.min(parameters.numRuns ?? RUNS, RUNS),
    // Nobody reads the smallest counterexample of a mutant.
    endOnFailure: true,
  });

export default { ...real, assert };
