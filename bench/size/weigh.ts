import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';

/** What a bundle weighs, in bytes. RxJS is not in it: whoever uses operators has it. */
export interface Weight {
  readonly brotli: number;
  /** Bytes before the compression, by module; zod is one. */
  readonly modules: Readonly<Record<string, number>>;
}

export interface WholeWeight extends Weight {
  readonly minified: number;
  readonly gzip: number;
  /** What it weighs, compressed, for a program that has zod already. */
  readonly beside: number;
}

/** Bundles a module of `project` as a web application does, and weighs what comes out. */
export async function weigh(project: string, source: string): Promise<Weight> {
  const { code, metafile } = await bundled(project, source, ['rxjs']);
  return { brotli: brotliCompressSync(code).length, modules: partsOf(metafile) };
}

/** The same in every way that people compare. */
export async function weighWholly(project: string, source: string): Promise<WholeWeight> {
  const { code } = await bundled(project, source, ['rxjs']);
  const ours = await bundled(project, source, ['rxjs', 'zod']);
  return {
    minified: code.length,
    gzip: gzipSync(code, { level: 9 }).length,
    beside: brotliCompressSync(ours.code).length,
    ...(await weigh(project, source)),
  };
}

async function bundled(project: string, contents: string, external: string[]) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: project },
    absWorkingDir: project,
    external,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return { code: outputFiles[0]!.contents, metafile };
}

/** How many bytes each module has left in the bundle. */
function partsOf({ outputs }: Metafile): Record<string, number> {
  const parts: Record<string, number> = {};
  for (const { inputs } of Object.values(outputs))
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const part = partOf(path);
      if (bytesInOutput > 0) parts[part] = (parts[part] ?? 0) + bytesInOutput;
    }
  return Object.fromEntries(Object.entries(parts).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** A module of ours by its path, of somebody else only whose it is. */
export function partOf(path: string): string {
  const [, name, file] = /.*node_modules\/([^/]+)\/(.*)/.exec(path.replaceAll('\\', '/')) ?? [];
  return name === 'rxjs-resilience' ? file!.replace(/^dist\//, '') : (name ?? 'the entry');
}
