import { amount, figure } from './format.ts';
import { provenance, tableOf } from './page.ts';
import type { Results } from './results.ts';

const SUMMARY = /(?<=^<!-- benchmarks -->\n)[\s\S]*?(?=^<!-- end of benchmarks -->$)/m;

/** What is worth to be known at once, by the name of the comparison. */
const FIGURES: readonly (readonly [what: string, key: string])[] = [
  ['a token of a synchronous stream, through all six operators', 'perToken.vsMap6'],
  ['a token of one of 1 000 streams', 'manyStreams.vsMap6'],
  ['a token of an asynchronous stream', 'asyncToken.vsFrom'],
  ['', 'asyncToken.vsTransformStreams'],
  ['a call, from a resolved promise to a promise', 'perCall.vsCockatiel'],
  ['', 'perCall.vsBuiltins'],
  ['a refusal by an open circuit, as a promise', 'openCircuit.vsCockatiel'],
  ['a frame of a chat answer', 'decode.vsOpenAI'],
  ['a whole call over HTTP', 'http.vsOpenAI'],
  ['a token of a chat that OpenTelemetry watches', 'perToken.bridgeOnVsOff'],
];

/** A text with the figures of a run where its mark is. */
export function summarized(text: string, results: Results): string {
  if (!SUMMARY.test(text)) throw new Error('There is no "<!-- benchmarks -->" to write the figures to.');
  return text.replace(SUMMARY, () => `${summary(results)}\n`);
}

function summary(results: Results): string {
  const tables = Object.values(results.subjects).flat();
  const rows = FIGURES.map(([what, key]) => {
    const table = tables.find(({ comparisons }) => key in comparisons);
    if (table === undefined) throw new Error(`No run has measured "${key}".`);
    const { unit, rows, comparisons } = table;
    const comparison = comparisons[key]!;
    const [one, other] = [rows[comparison.of]!, rows[comparison.to!]!];
    const rounds = `${figure(comparison, comparison.lowest, unit)} to ${figure(comparison, comparison.highest, unit)}`;
    return [
      what,
      amount(one.median, unit),
      `${other.name}: ${amount(other.median, unit)}`,
      `**${figure(comparison, comparison.median, unit)}** (${rounds})`,
    ];
  });
  return `${tableOf(['What', 'This library', 'Compared with', 'Ratio'], rows)}

${provenance(results)}; in parentheses the
lowest and the highest round. Times are processor time, but for the call over HTTP.`;
}
