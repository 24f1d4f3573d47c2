/** `docs/mutation.md`: what `npm run mutate` has measured, and every mutant that lives with the reason why. */
import { changeOf, reasonFor, unexplained } from './explained.ts';
import { type FileResult, type Measured, readResults, type Survivor } from './results.ts';
import { filesOf, rooms } from './rooms.ts';

type Entry = readonly [file: string, result: FileResult];

export function mutationPage({ tools, files }: Measured = readResults()): string {
  const all = rooms.flatMap(filesOf);
  const entries = all.flatMap((file): Entry[] => {
    const result = files[file];
    return result !== undefined && mutantsOf(result) > 0 ? [[file, result]] : [];
  });
  const missing = all.filter((file) => files[file] === undefined);
  const days = [...new Set(entries.map(([, { measured }]) => measured))].sort();
  return [
    INTRODUCTION,
    `${tools}; ${days.join(', ')}.`,
    table(entries),
    LEGEND,
    ...(missing.length > 0 ? [`Not measured yet: ${missing.map(linked).join(', ')}.`] : []),
    '## Who lives, and why',
    ...entries.flatMap(([file, { survivors }]) => (survivors.length > 0 ? alive(file, survivors) : [])),
  ]
    .join('\n\n')
    .concat('\n');
}

const table = (entries: readonly Entry[]): string =>
  [
    '| File | Mutants | Noticed | Unending | Alive | Explained | Score |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...entries.map((entry) => row(linked(entry[0]), [entry])),
    row('**all**', entries),
  ].join('\n');

function row(title: string, entries: readonly Entry[]): string {
  const sum = (part: (result: FileResult, file: string) => number): number =>
    entries.reduce((total, [file, result]) => total + part(result, file), 0);
  const mutants = sum(mutantsOf);
  const alive = sum(({ survivors }) => survivors.length);
  const explained = alive - sum(({ survivors }, file) => unexplained(file, survivors).length);
  const cells = [mutants, sum(({ killed }) => killed), sum(({ timedOut }) => timedOut), alive, explained];
  return `| ${[title, ...cells, `${percent(mutants - alive, mutants)} %`].join(' | ')} |`;
}

/** The survivors of one file; those that live for one reason stand together. */
function alive(file: string, survivors: readonly Survivor[]): string[] {
  const byReason = new Map<string, Survivor[]>();
  for (const survivor of survivors) {
    const reason = reasonFor(file, survivor) ?? '**No reason has been found yet.**';
    byReason.set(reason, [...(byReason.get(reason) ?? []), survivor]);
  }
  return [
    `### ${linked(file)}`,
    ...[...byReason].map(
      ([reason, who]) => `${reason}\n\n\`\`\`diff\n${who.map(difference).join('\n')}\n\`\`\``,
    ),
  ];
}

function difference(survivor: Survivor): string {
  const uncovered = survivor.uncovered === true ? ' (no test comes by)' : '';
  return `  ${survivor.text}\n!     ${changeOf(survivor)}${uncovered}`;
}

const mutantsOf = ({ killed, timedOut, survivors }: FileResult): number =>
  killed + timedOut + survivors.length;

/** Never rounded up: only what is whole is 100. */
const percent = (part: number, whole: number): string => (Math.floor((1_000 * part) / whole) / 10).toFixed(1);

const linked = (file: string): string => `[${file.replace('src/', '')}](../${file})`;

const INTRODUCTION = `\
<!-- Written by \`npm run docs\` from test/mutation/results.json, which \`npm run mutate\` has written. -->

# Mutation testing

A test that cannot fail proves nothing. So the code is changed in thousands of ways, one at a time - a \`<\` becomes a
\`<=\`, a condition is always true, a statement is gone - and each time the tests run: one of them should fail. The score is
the share of these mutants that the tests notice. Whoever lives is read. Then it gets a test, or it shows code that nothing
needs and that goes, or it is listed here with the reason why no test should notice it.

\`\`\`sh
npm run mutate                        # all of it, an hour or two
npm run mutate -- rate-limit          # one part of it
npm run mutate -- src/core/race.ts    # one file
\`\`\`

The tests that judge are the fast ones in virtual time: those of the file's own folder, and the marbles of every operator.
Strings and object literals stay as they are: the compiler refuses nearly every change of a state, a reason or a shape, and
the rest is wording. Left out are files of nothing but that: what configs, errors and events look like.`;

const LEGEND = `\
*Unending*: came by the same place a hundred times as often as the tests do without it, or ran for two minutes longer. That
counts as noticed. *Explained*: it lives for a reason that is given below.`;
