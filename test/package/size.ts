/** Bundles parts of the packed package, and tells what is too heavy or does not belong in there: `size.ts <tarball>`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { overdraft } from '../../bench/size/budget.ts';
import { BUNDLES, PATTERNS, type Pattern } from '../../bench/size/bundles.ts';
import { weighing } from '../../bench/size/page.ts';
import { projectWith } from '../../bench/size/unpacked.ts';
import { partOf, type Weight, weigh } from '../../bench/size/weigh.ts';
import { strangers } from './strangers.ts';

/** The modules of which Vite leaves something in the bundle. */
async function bundledByVite(project: string, pattern: Pattern): Promise<string[]> {
  const entry = join(project, `${pattern}.js`);
  writeFileSync(entry, BUNDLES[`${pattern}()`]!);
  const outputs = await build({
    configFile: false,
    root: project,
    logLevel: 'silent',
    build: {
      write: false,
      lib: { entry, formats: ['es'] },
      rolldownOptions: { external: ['rxjs'] },
    },
  });
  if (!Array.isArray(outputs)) throw new Error('Vite watches, and was not asked to.');
  return outputs.flatMap(({ output }) =>
    output.flatMap((chunk) =>
      chunk.type === 'chunk'
        ? Object.entries(chunk.modules)
            .filter(([, { renderedLength }]) => renderedLength > 0)
            .map(([path]) => partOf(path))
        : [],
    ),
  );
}

const project = projectWith(process.argv[2] ?? 'give the path of the tarball');
const { weights } = weighing();
const complaints: (string | undefined)[] = [];
const weighed: Record<string, Weight> = {};

for (const [name, source] of Object.entries(BUNDLES)) {
  const weight = await weigh(project, source);
  weighed[name] = weight;
  complaints.push(overdraft(name, weight, weights[name]));
}
for (const pattern of Object.keys(PATTERNS) as Pattern[]) {
  const { modules } = weighed[`${pattern}()`]!;
  complaints.push(strangers('esbuild', pattern, Object.keys(modules)));
  complaints.push(strangers('vite', pattern, await bundledByVite(project, pattern)));
}

const found = complaints.filter((complaint) => complaint !== undefined);
console.log(found.join('\n\n'));
if (found.length > 0) process.exitCode = 1;
