/** `docs/what-happens-when.md`: the matrix in words. Every line of it is what the tests of the matrix expect. */
import { ADAPTERS } from './adapters.ts';
import {
  type Described,
  expected,
  kindIn,
  MAX_DELAY,
  MAX_RETRIES,
  MODES,
  type Outcome,
} from './expectation.ts';
import { FAULTS, type Row } from './faults.ts';

export function whatHappensWhen(): string {
  const sections = Object.entries(FAULTS).map(([heading, rows]) =>
    [
      `## ${heading}`,
      [
        `| When | Error | ${MODES.map((mode) => `\`${mode}\``).join(' | ')} |`,
        `| --- | --- | ${MODES.map(() => '---').join(' | ')} |`,
        ...rows.flatMap(linesOf),
      ].join('\n'),
    ].join('\n\n'),
  );
  return `${INTRODUCTION}\n${sections.join('\n\n')}\n`;
}

/** One line for what most adapters make of it, and one for each group that makes something else of it. */
function linesOf(row: Row): string[] {
  const groups = new Map<string, string[]>();
  for (const described of ADAPTERS) {
    const cells = cellsOf(row, described);
    groups.set(cells, [...(groups.get(cells) ?? []), described.adapter]);
  }
  const [usual, ...others] = [...groups].sort(([, some], [, more]) => more.length - some.length);
  return [
    `| ${row.when} | ${usual?.[0]} |`,
    ...others.map(([cells, adapters]) => `| … with ${adapters.join(', ')} | ${cells} |`),
  ];
}

function cellsOf(row: Row, described: Described): string {
  const kind = kindIn(row, described.adapter);
  const cells = MODES.map((mode) => wordsFor(expected(row, mode, described)));
  return [kind === undefined ? 'none' : `\`${kind}\``, ...cells].join(' | ');
}

function wordsFor({ end, text, marks, requests: [first, spare] }: Outcome): string {
  const shown = marks.map((mark) => `\`${mark}\``).join(' ');
  const outcome = {
    answer: 'the answer',
    interrupted: `an error with \`${text.trimEnd()}\``,
    refused: 'an error',
  }[end];
  const [behind, requests] = [shown && ` behind ${shown}`, `${first}${spare > 0 ? ` + ${spare}` : ''}`];
  return `${outcome}${behind} (${requests})`;
}

const INTRODUCTION = `<!-- Written by \`npm run docs\` from the table of the fault matrix, test/matrix/. -->

# What happens when…

A \`ResilientProvider\` with \`retry: { maxRetries: ${MAX_RETRIES}, maxDelay: ${MAX_DELAY} }\` asks a provider that fails, and has a
spare one that is well. This is what whoever reads \`stream()\` sees, in each mode of \`recovery\`. Every line is a test
over real HTTP, with each of these adapters, and in each mode where something has been shown:

${ADAPTERS.map(({ adapter }) => `- ${adapter}`).join('\n')}

**The answer** is the whole one, letter by letter: nothing of it is missing, doubled, or of somebody else. **An error
with** a text is a \`StreamInterruptedError\` that carries what stands; **an error** alone came before anything was shown.
The *error* of a line is the \`kind\` of what went wrong, whether the reader hears of it or not. **Behind** stand the marks
that the reader got: \`retract\` when what was shown is void, \`resume\` when what follows continues it, \`switch\` when the
spare provider speaks. In parentheses stands what it cost: **requests** to the first provider, and to the spare one.

The models of the AI SDK run with the global \`fetch\` here. With that of \`wholeEvents()\` they lose neither a last event
without a line end nor a finish in front of a lost connection.

The text is \`The quick brown fox jumps over the lazy 🐕.\`; where an answer breaks, three words of it have been shown
unless the line says otherwise. "Again and again" is meant where nothing is said of "once" or a time to wait.
`;
