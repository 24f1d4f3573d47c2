import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** A mutant that no test has noticed. */
export interface Survivor {
  readonly line: number;
  /** What stands on that line, without its indentation. */
  readonly text: string;
  readonly before: string;
  readonly after: string;
  /** No test comes by. */
  readonly uncovered?: true;
}

export interface FileResult {
  /** The day, in UTC. */
  readonly measured: string;
  readonly killed: number;
  /** Killed too: the mutant ran for ever. */
  readonly timedOut: number;
  readonly survivors: readonly Survivor[];
}

/** By file. */
export type Results = Readonly<Record<string, FileResult>>;

export interface Measured {
  /** Programs and their versions. */
  readonly tools: string;
  readonly files: Results;
}

const PATH = 'test/mutation/results.json';

export function readResults(): Measured {
  return existsSync(PATH) ? (JSON.parse(readFileSync(PATH, 'utf8')) as Measured) : { tools: '', files: {} };
}

export function writeResults({ tools, files }: Measured): void {
  const sorted = Object.fromEntries(Object.entries(files).sort(([one], [other]) => (one < other ? -1 : 1)));
  writeFileSync(PATH, `${JSON.stringify({ tools, files: sorted }, null, 1)}\n`);
}

/** The part of Stryker's report that is of interest here. */
export interface Report {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: string;
        readonly mutants: readonly {
          readonly status: string;
          readonly replacement?: string;
          readonly location: { readonly start: Position; readonly end: Position };
        }[];
      }
    >
  >;
}

interface Position {
  readonly line: number;
  readonly column: number;
}

/** What has become of a mutant that nobody has noticed. */
export const ALIVE: ReadonlySet<string> = new Set(['Survived', 'NoCoverage']);

export function resultsOf(report: Report, measured: string): Results {
  return Object.fromEntries(
    Object.entries(report.files).map(([file, { source, mutants }]): [string, FileResult] => {
      const count = (status: string): number => mutants.filter((mutant) => mutant.status === status).length;
      const lines = source.split('\n');
      const survivors = mutants
        .filter(({ status }) => ALIVE.has(status))
        .map(({ status, replacement = '', location: { start, end } }): Survivor => {
          const first = lines[start.line - 1] as string;
          return {
            line: start.line,
            text: first.trim(),
            before: oneLine(textBetween(lines, start, end)),
            after: oneLine(replacement),
            ...(status === 'NoCoverage' && { uncovered: true }),
          };
        })
        .sort((one, other) => one.line - other.line);
      return [file, { measured, killed: count('Killed'), timedOut: count('Timeout'), survivors }];
    }),
  );
}

/** Lines count from 1, and so do columns. */
function textBetween(lines: readonly string[], start: Position, end: Position): string {
  const text = lines.slice(start.line - 1, end.line);
  text[text.length - 1] = (text.at(-1) as string).slice(0, end.column - 1);
  text[0] = (text[0] as string).slice(start.column - 1);
  return text.join('\n');
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
