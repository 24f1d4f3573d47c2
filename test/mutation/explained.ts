import type { Survivor } from './results.ts';

/** A survivor that no test should kill. */
export interface Explained {
  readonly file: string;
  /** The line on which the mutant stands, without its indentation. */
  readonly line: string;
  /** What it changes, as `before → after`; without it, every mutant on the line. */
  readonly change?: string;
  readonly because: string;
}

export const explained: readonly Explained[] = [];

export const changeOf = ({ before, after }: Survivor): string => `${before} → ${after}`;

export const reasonFor = (file: string, survivor: Survivor): string | undefined =>
  explained.find(
    ({ file: other, line, change }) =>
      other === file && line === survivor.text && (change === undefined || change === changeOf(survivor)),
  )?.because;

export const unexplained = (file: string, survivors: readonly Survivor[]): Survivor[] =>
  survivors.filter((survivor) => reasonFor(file, survivor) === undefined);
