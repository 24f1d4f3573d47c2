import type { Spread } from './measure.ts';
import type { Comparison, Result } from './table.ts';

const UNITS = {
  ns: [
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ],
  bytes: [
    [1e3, 'kB'],
    [1, 'B'],
  ],
} as const;

/** As many digits as mean something, and a unit that needs few of them. */
export function amount(value: number, unit: Result['unit']): string {
  const [size, symbol] = UNITS[unit].find(([least]) => Math.abs(value) >= least) ?? UNITS[unit].at(-1)!;
  return `${digits(value / size)} ${symbol}`;
}

type Compared = Comparison & Spread;

/** A value of a comparison: a ratio has no unit. */
export function figure({ to }: Comparison, value: number, unit: Result['unit']): string {
  return to === undefined ? amount(value, unit) : value.toFixed(2);
}

/** Whether what was promised holds; nothing where nothing was. */
export function verdict(comparison: Compared, unit: Result['unit']): string {
  const { atMost, median } = comparison;
  if (atMost === undefined) return '';
  return `${median <= atMost ? '✓' : '✗'} at most ${figure(comparison, atMost, unit)}`;
}

/** What is compared with what. */
export function subjectOf({ of, to, above }: Comparison, rows: Result['rows']): string {
  if (to !== undefined) return `${rows[of]!.name} / ${rows[to]!.name}`;
  if (above !== undefined) return `${rows[of]!.name} − ${rows[above]!.name}`;
  return rows[of]!.name;
}

function digits(value: number): string {
  const rounded = Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
  return value.toFixed(rounded).replace(/^-(0(\.0+)?)$/, '$1');
}
