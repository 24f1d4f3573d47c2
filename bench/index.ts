/** `npm run bench`: see `--help`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type Options, optionsOf } from './options.ts';
import { benchmarksPage } from './page.ts';
import { report } from './report.ts';
import { circumstances, RESULTS, type Results } from './results.ts';
import { measuredApart, measuredHere } from './run.ts';
import { summarized } from './summary.ts';
import type { Result } from './table.ts';

async function run({ chosen, rounds, json, page, short }: Options): Promise<void> {
  const say = json ? () => {} : console.log;
  const started = performance.now();
  const subjects: Record<string, readonly Result[]> = {};
  for (const name of chosen) {
    const results = short ? await measuredHere(name, 1, true) : await measuredApart(name, rounds);
    subjects[name] = results;
    say(results.map((table) => (short ? `✓ ${table.title}` : `\n${report(table)}`)).join('\n'));
  }
  const seconds = Math.round((performance.now() - started) / 1_000);
  const results: Results = { ...circumstances(), rounds, seconds, subjects };
  if (json) console.log(JSON.stringify(results, undefined, 2));
  if (page) write(results);
}

function write(results: Results): void {
  const files = {
    [RESULTS]: `${JSON.stringify(results, undefined, 2)}\n`,
    'docs/benchmarks.md': benchmarksPage(results),
    'README.md': summarized(readFileSync('README.md', 'utf8'), results),
  };
  for (const [path, content] of Object.entries(files)) writeFileSync(path, content);
  console.error(`\nWritten: ${Object.keys(files).join(', ')}`);
}

try {
  const options = optionsOf(process.argv.slice(2));
  if (typeof options === 'string') console.log(options);
  else await run(options);
  process.exit();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
