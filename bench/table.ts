import { type Contestant, compared, compete, type Spread, spreadOf } from './measure.ts';
import { collectGarbage, collectYoungGarbage } from './memory.ts';

/** One comparison of several contestants that do the same. */
export interface Table<Name extends string = string> {
  readonly title: string;
  /** What is done, and why it is the same for everybody. */
  readonly about: string;
  readonly unit: 'ns' | 'bytes';
  /** @param short a small part of the work: it proves that everything runs, and measures nothing. */
  contestants(short: boolean): Readonly<Record<Name, Contestant>>;
  /** What is asked of the measurements, by name. */
  readonly comparisons: Readonly<Record<string, Comparison<NoInfer<Name>>>>;
}

export interface Comparison<Name extends string = string> {
  readonly of: Name;
  /** The ratio to this one. */
  readonly to?: Name;
  /** The difference from this one. */
  readonly above?: Name;
  /** What has been promised. */
  readonly atMost?: number;
}

/** A table with its measurements: plain data. */
export interface Result {
  readonly title: string;
  readonly about: string;
  readonly unit: 'ns' | 'bytes';
  readonly rows: Readonly<Record<string, Row>>;
  readonly comparisons: Readonly<Record<string, Comparison & Spread>>;
}
export interface Row extends Spread {
  readonly name: string;
}

/** A table whose comparisons speak of contestants that it has. */
export const table = <Name extends string>(table: Table<Name>): Table => table;

export async function measured(table: Table, rounds: number, short: boolean): Promise<Result> {
  const { title, about, unit, comparisons } = table;
  const contestants = table.contestants(short);
  const keys = Object.keys(contestants);
  const conditions = short
    ? { rounds, warmUp: 0, collect() {} }
    : unit === 'bytes'
      ? // Bytes are nearly the same every time, and to weigh them takes long.
        { rounds: Math.min(rounds, 3), warmUp: 1, collect: collectGarbage }
      : { rounds, warmUp: 3, collect: collectYoungGarbage };
  const all = await compete(Object.values(contestants), conditions);
  const seriesOf = (key: string) => all[keys.indexOf(key)]!;
  const spread = ({ of, to, above }: Comparison): Spread => {
    if (to !== undefined) return compared(seriesOf(of), seriesOf(to), (one, other) => one / other);
    if (above !== undefined) return compared(seriesOf(of), seriesOf(above), (one, other) => one - other);
    return spreadOf(seriesOf(of).rounds);
  };
  return {
    title,
    about,
    unit,
    rows: Object.fromEntries(
      all.map(({ name, rounds }, index) => [keys[index], { name, ...spreadOf(rounds) }]),
    ),
    comparisons: Object.fromEntries(
      Object.entries(comparisons).map(([key, comparison]) => [key, { ...comparison, ...spread(comparison) }]),
    ),
  };
}
