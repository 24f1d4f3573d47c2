import { amount, figure, subjectOf, verdict } from './format.ts';
import type { Results } from './results.ts';
import type { Result } from './table.ts';

/** `docs/benchmarks.md` from a run. */
export function benchmarksPage(results: Results): string {
  const tables = Object.entries(results.subjects).flatMap(([subject, tables]) =>
    tables.map((table) => section(subject, table)),
  );
  return `${introduction(results)}\n${tables.join('\n\n')}\n`;
}

/** Where the figures come from, in a sentence. */
export function provenance({ rounds, date, node, machine }: Results): string {
  const { cpu, cores, gigabytes } = machine;
  return `Medians of ${rounds} rounds on ${date}, Node ${node}, on ${cores} cores of ${cpu} with ${gigabytes} GB of memory`;
}

function section(subject: string, { title, about, unit, rows, comparisons }: Result): string {
  const measured = Object.values(rows).map(({ name, median, lowest, highest }) => [
    name,
    `**${amount(median, unit)}**`,
    `${amount(lowest, unit)} to ${amount(highest, unit)}`,
  ]);
  const compared = Object.entries(comparisons).map(([key, comparison]) => {
    const { median, lowest, highest } = comparison;
    return [
      `\`${key}\``,
      subjectOf(comparison, rows),
      `**${figure(comparison, median, unit)}**`,
      `${figure(comparison, lowest, unit)} to ${figure(comparison, highest, unit)}`,
      verdict(comparison, unit),
    ];
  });
  return [
    `## ${title}`,
    `${about} \`npm run bench -- --only ${subject}\``,
    tableOf(['', 'Median', 'Rounds'], measured),
    tableOf(['', 'Compared', 'Median', 'Rounds', 'Aim'], compared),
  ].join('\n\n');
}

export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const align = head.map((name) => (/^(Median|Rounds)$/.test(name) ? '---:' : '---'));
  return [head, align, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function introduction(results: Results): string {
  const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`);
  return `<!-- Written by \`npm run bench -- --page\` from what it has measured. -->

# Benchmarks

What the policies cost, beside what others cost who do the same or less. ${provenance(results)}; the whole took
${results.seconds} seconds. The next column always shows the lowest and the highest round.

How it is measured: every subject has a process of its own, in which the contestants take turns, round by round, after a
few rounds that do not count, and with a collection of garbage before each turn. Times are processor time, which does not
go on while others have the processor, but for the calls over HTTP, which wait. A machine that changes its speed changes it
for all contestants, so **a ratio means more than a time**: it is taken round by round, and its median is not the ratio of
the medians. Every contestant's output is checked in every round; nothing fails because it is slow. The code is compiled as
the package is.

Repeat it: \`npm run bench\` prints these tables for your machine, \`-- --only call\` a part of them, \`-- --rounds 15\` takes
more time and has less spread, \`-- --json\` prints all of it as data, and \`-- --page\` writes this page anew. Everything is in
[\`bench/\`](../bench), one file a subject; \`npm test\` runs each entry in little and looks at what it delivers.

Measured: ${versions.join(', ')}.
`;
}
