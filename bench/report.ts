import { amount, figure, subjectOf, verdict } from './format.ts';
import type { Result } from './table.ts';

/** A table for people, in the terminal. */
export function report({ title, unit, rows, comparisons }: Result): string {
  const lines = Object.values(rows).map(
    ({ name, median, lowest, highest }) =>
      `  ${amount(median, unit).padStart(9)}  ${`(${amount(lowest, unit)} to ${amount(highest, unit)})`.padEnd(24)}  ${name}`,
  );
  const compared = Object.entries(comparisons).map(([key, comparison]) => {
    const [median, lowest, highest] = [comparison.median, comparison.lowest, comparison.highest].map(
      (value) => figure(comparison, value, unit),
    );
    const held = verdict(comparison, unit);
    return `  ${key} = ${median} (${lowest} to ${highest})  ${subjectOf(comparison, rows)}${held && `  ${held}`}`;
  });
  return [title, ...lines, ...compared].join('\n');
}
