import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type * as Differences from '../../marbles/difference.ts';
import type * as Book from '../../marbles/index.ts';
import type * as Runner from '../../marbles/run-diagram.ts';
import type { Breakage } from './breakages.ts';

type Modules = typeof Book & typeof Runner & typeof Differences;

const ENTRY = ['index', 'run-diagram', 'difference']
  .map((name) => `export * from './marbles/${name}.ts';`)
  .join('');

/** The library and its marbles with all breakages built in, of which none or one is in force at a time. */
export class BreakableLibrary {
  readonly #modules: Modules;
  readonly #missing: ReadonlyMap<number, string>;

  private constructor(modules: Modules, missing: ReadonlyMap<number, string>) {
    this.#modules = modules;
    this.#missing = missing;
  }

  static async of(breakages: readonly Breakage[]): Promise<BreakableLibrary> {
    const missing = new Map<number, string>();
    const folder = mkdtempSync(join(tmpdir(), 'rxjs-resilience-teeth-'));
    try {
      const { outputFiles } = await build({
        stdin: { contents: ENTRY, resolveDir: resolve('.'), loader: 'ts' },
        bundle: true,
        format: 'esm',
        platform: 'node',
        target: 'node20',
        write: false,
        logLevel: 'silent',
        plugins: [
          {
            name: 'breakages',
            setup: ({ onLoad }) =>
              onLoad({ filter: /\.ts$/ }, ({ path }) => ({
                contents: broken(path, breakages, missing),
                loader: 'ts',
              })),
          },
        ],
      });
      const file = join(folder, 'library.mjs');
      writeFileSync(file, outputFiles[0]?.text ?? '');
      return new BreakableLibrary((await import(pathToFileURL(file).href)) as Modules, missing);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /**
   * The captions of the diagrams that do not hold while the breakage is in force.
   *
   * @throws {Error} if the place in the code that it breaks is not there any more.
   */
  red(captions: readonly string[], breakage = -1): string[] {
    const complaint = this.#missing.get(breakage);
    if (complaint !== undefined) throw new Error(complaint);
    const { chapters, runDiagram, differencesOf } = this.#modules;
    const diagrams = chapters.flatMap(({ operator, diagrams }) =>
      diagrams.map((diagram) => ({ caption: `${operator}: ${diagram.title}`, diagram })),
    );
    const holds = (caption: string): boolean => {
      const diagram = diagrams.find((it) => it.caption === caption)?.diagram;
      if (diagram === undefined) throw new Error(`There is no diagram "${caption}".`);
      try {
        return differencesOf(runDiagram(diagram)) === undefined;
      } catch {
        return false;
      }
    };
    inForce(breakage);
    try {
      return captions.filter((caption) => !holds(caption));
    } finally {
      inForce(-1);
    }
  }
}

const inForce = (breakage: number): void => void Object.assign(globalThis, { breakage });

/** The file with every breakage of it built in; what is to be broken and is not there is noted in `missing`. */
function broken(path: string, breakages: readonly Breakage[], missing: Map<number, string>): string {
  let text = readFileSync(path, 'utf8');
  for (const [index, { file, edits }] of breakages.entries()) {
    if (path !== resolve(file)) continue;
    for (const { right, wrong } of edits) {
      if (text.split(right).length !== 2) missing.set(index, `${file} should say once: ${right}`);
      text = text.replace(right, () => either(`globalThis.breakage === ${index}`, right, wrong));
    }
  }
  return text;
}

function either(condition: string, right: string, wrong: string): string {
  if (wrong.includes('BROKEN')) return wrong.replaceAll('BROKEN', condition);
  return right.endsWith(';')
    ? `if (${condition}) { ${wrong} } else { ${right} }`
    : `(${condition} ? (${wrong}) : (${right}))`;
}
