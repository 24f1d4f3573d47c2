import { readFileSync } from 'node:fs';

const README = readFileSync('README.md', 'utf8');

/** A fenced block, and what the comment above it tells the tests: `<!-- kind: value -->`. */
export interface Block {
  readonly language: string;
  /** Of the first line of the code. */
  readonly line: number;
  readonly code: string;
  readonly note: Readonly<Record<string, string>>;
}

const FENCE =
  /(?:^<!-- (?<kind>provider|picture): (?<value>.*) -->\n)?^```(?<language>\S*)[^\n]*\n(?<code>[\s\S]*?)^```$/gm;

export const blocks: readonly Block[] = [...README.matchAll(FENCE)].map(
  ({ groups = {}, index, 0: whole }) => {
    const { kind, value = '', language = '', code = '' } = groups;
    return {
      language,
      code,
      line: lineOf(index + whole.lastIndexOf(`${code}\`\`\``)),
      note: kind === undefined ? {} : { [kind]: value },
    };
  },
);

/** A row of a table of options: name, meaning, default. */
export interface OptionRow {
  readonly schema: string;
  readonly option: string;
  readonly stated: string;
}

const TABLE = /^<!-- options: (?<schema>\w+) -->\n\|.*\n\|[-| :]+\n(?<rows>(?:\|.*\n)+)/gm;

export const optionRows: readonly OptionRow[] = [...README.matchAll(TABLE)].flatMap(({ groups = {} }) =>
  (groups.rows ?? '')
    .trim()
    .split('\n')
    .map((row) => {
      const [, option = '', , stated = ''] = row.split('|').map((cell) => cell.replaceAll('`', '').trim());
      return { schema: groups.schema ?? '', option, stated };
    }),
);

/** How many notes the README has, so that none is overlooked for a slip in its form. */
export const noteCount = README.match(/<!--/g)?.length ?? 0;

/**
 * What an example says that it prints: the words behind `// prints: `, and those in the comments below it that begin in the
 * same column.
 */
export function expectedOutput(code: string): string[] {
  const output: string[] = [];
  let column = -1;
  for (const line of code.split('\n')) {
    const opening = /^(?<before>.*?)\/\/ prints: (?<words>.*)$/.exec(line)?.groups;
    const further = `${' '.repeat(Math.max(column, 0))}//         `;
    if (opening?.before !== undefined) {
      output.push(opening.words ?? '');
      column = opening.before.trim() === '' ? opening.before.length : -1;
    } else if (column >= 0 && line.startsWith(further)) output.push(line.slice(further.length));
    else column = -1;
  }
  return output;
}

function lineOf(index: number): number {
  return README.slice(0, index).split('\n').length;
}
