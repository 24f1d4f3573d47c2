/** `npm run size`: what a program weighs that imports a part of this package. */
import { execSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { version as esbuild } from 'esbuild';
import type { Weighing } from './budget.ts';
import { BUNDLES } from './bundles.ts';
import { rowOf, summary, weighing } from './page.ts';
import { projectWith } from './unpacked.ts';
import { type WholeWeight, weighWholly } from './weigh.ts';

const HELP = `npm run size [-- --page]

Packs the package, bundles parts of it as a web application would, and prints kilobytes.
  --page  takes the weights for the README and docs/size.md, and as the budgets of the tests; then: npm run docs`;

const options = process.argv.slice(2);
if (options.includes('--help')) {
  console.log(HELP);
  process.exit(0);
}

process.chdir(resolve(import.meta.dirname, '../..'));
const versionOf = (manifest: string): string =>
  (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
const version = versionOf('package.json');

const scratch = mkdtempSync(join(tmpdir(), 'packed-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
execSync(`npm pack --silent --pack-destination "${scratch}"`, { stdio: ['ignore', 'ignore', 'inherit'] });
const project = projectWith(join(scratch, `rxjs-resilience-${version}.tgz`));

const line = ([name, ...figures]: readonly string[]): string =>
  `${name!.padEnd(22)} ${figures.map((figure) => figure.padStart(10)).join('')}`;
console.log(line(['kB', 'minified', 'gzip', 'brotli', 'zod', 'beside']));

const weights: Record<string, WholeWeight> = {};
for (const [name, source] of Object.entries(BUNDLES)) {
  const weight = await weighWholly(project, source);
  weights[name] = weight;
  console.log(line(rowOf(name, weight)));
}
console.log('zod: part of the minified bytes. beside: brotli, for a program that has zod already.');

if (options.includes('--page')) {
  const before = summary(weighing());
  const now: Weighing = {
    date: new Date().toISOString().slice(0, 10),
    versions: {
      'rxjs-resilience': version,
      zod: versionOf('node_modules/zod/package.json'),
      esbuild,
      Node: process.versions.node,
    },
    weights,
  };
  writeFileSync('bench/size/weighed.json', `${JSON.stringify(now, null, 2)}\n`);
  writeFileSync('README.md', readFileSync('README.md', 'utf8').replace(before, summary(now)));
}
