/**
 * What the README says is true: its examples compile and print what they say, its pictures are those of the marble
 * diagrams, its tables agree with the schemas, and its commands exist.
 */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chapters } from '../../marbles/index.ts';
import { ascii } from '../../marbles/picture/ascii.ts';
import { runDiagram } from '../../marbles/run-diagram.ts';
import { EVENT_CATEGORIES } from '../../src/core/event-categories.ts';
import * as library from '../../src/index.ts';
import * as openTelemetry from '../../src/opentelemetry/index.ts';
import * as openai from '../../src/providers/openai-compatible/index.ts';
import {
  cutAfter,
  type Fault,
  httpStatus,
  ok,
  rateLimited,
  silence,
  startFaultServer,
} from '../support/fault-server.ts';
import { type Block, blocks, expectedOutput, noteCount, optionRows } from './readme.ts';

/** Milliseconds after which something hangs. Nothing here waits for so long. */
const PATIENCE = 60_000;

const examples = blocks.filter(({ language }) => language === 'ts');

describe('the examples of the README', () => {
  let scratch: string;
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  /** An example, alone in a file, on the lines that it has in the README. */
  const fileOf = ({ line }: Block): string => `line-${line}.ts`;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'rxjs-resilience-readme-'));
    symlinkSync(resolve('node_modules'), join(scratch, 'node_modules'), 'junction');
    writeFileSync(join(scratch, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify(tsconfig()));
    for (const example of examples)
      writeFileSync(join(scratch, fileOf(example)), '\n'.repeat(example.line - 1) + example.code);
    mkdirSync(join(scratch, 'out'));
    await build({
      absWorkingDir: scratch,
      entryPoints: examples.map(fileOf),
      outdir: 'out',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      // It is CommonJS, which asks for Node's own modules in the middle of its code.
      external: ['@opentelemetry/*'],
      sourcemap: true,
      logLevel: 'silent',
    });
  }, PATIENCE);

  test.concurrent(
    'compile as they stand, without a type argument or a cast that the README does not show',
    async () => {
      const tsc = resolve('node_modules/.bin/tsc');
      const { stdout } = await run(tsc, ['-p', scratch], { cwd: scratch }).catch(
        (failure: Failure) => failure,
      );
      expect(stdout).toBe('');
    },
    PATIENCE,
  );

  test.concurrent.each(examples)(
    'print what they say: line $line',
    async ({ line, code, note }) => {
      const expected = expectedOutput(code);
      expect(expected, `README.md:${line} shows nothing that it prints`).not.toStrictEqual([]);
      await using services = await startServices(note.provider);
      const { stdout, stderr } = await run(
        process.execPath,
        ['--enable-source-maps', join('out', `line-${line}.js`)],
        {
          cwd: scratch,
          env: services.env,
          timeout: PATIENCE,
        },
      );
      expect(stderr).toBe('');
      const printed = stdout.trimEnd().split('\n');
      expect(printed.map((it) => it.trimEnd())).toStrictEqual(expected);
    },
    PATIENCE,
  );
});

describe('the pictures of the README', () => {
  const pictures = blocks.filter(({ note }) => note.picture !== undefined);

  test.each(pictures)('are those of a marble diagram: line $line', ({ code, note }) => {
    const diagram = chapters
      .flatMap(({ operator, diagrams }) =>
        diagrams.map((diagram) => ({ caption: `${operator}: ${diagram.title}`, diagram })),
      )
      .find(({ caption }) => caption === note.picture)?.diagram;
    if (diagram === undefined) throw new Error(`there is no diagram "${note.picture}"`);
    expect(code.trimEnd(), 'run `npm run docs`').toBe(ascii(runDiagram(diagram)));
  });
});

describe('the tables of the README', () => {
  const schemas: Record<string, unknown> = { ...library, ...openai, ...openTelemetry };
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join('src', file), 'utf8'));

  test.each(optionRows)('agree with $schema about $option', ({ schema, option, stated }) => {
    const { shape } = schemas[schema] as {
      shape: Record<string, { _zod: { def: { type: string; defaultValue?: unknown } } }>;
    };
    const field = shape[option]?._zod.def;
    if (field === undefined) throw new Error(`${schema} has no option "${option}"`);
    const defaultsIn = (some: (source: string) => boolean): string[] =>
      sources.filter(some).flatMap((source) => documentedDefaults(source, option));
    const own = defaultsIn((source) => source.includes(`${schema} =`));
    // Options that several schemas share are spread into them from an object of their own.
    const documented = own.length > 0 ? own : defaultsIn((source) => /const \w+Options = \{/.test(source));
    if (documented.length > 0) expect(documented).toContain(stated);
    else expect(stated).toBe(field.type === 'optional' || field.type === 'default' ? 'none' : 'required');
    if (field.type === 'default') expect(plain(stated)).toBe(String(field.defaultValue));
  });
});

test('every note of the README is one that a test reads', () => {
  const tables = new Set(optionRows.map(({ schema }) => schema)).size;
  // The begin and the end of the benchmarks, which the book writes.
  const others = 2;
  expect(blocks.filter(({ note }) => Object.keys(note).length > 0).length + tables + others).toBe(noteCount);
});

test('every error and every event has its name in the README', () => {
  const errors = Object.keys(library).filter((name) => /^[A-Z].*Error$/.test(name));
  const text = readFileSync('README.md', 'utf8');
  expect(errors).toContain('CircuitOpenError');
  expect(
    [...errors, ...Object.keys(EVENT_CATEGORIES)].filter((name) => !text.includes(`\`${name}\``)),
  ).toEqual([]);
});

test('every link of the README that stays in this repository leads somewhere', () => {
  const text = readFileSync('README.md', 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');
  const anchors = new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(
      ([, heading = '']) =>
        `#${heading
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, '')
          .replaceAll(' ', '-')}`,
    ),
  );
  const targets = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  expect(targets).toContain('docs/README.md');
  expect(
    targets
      .filter((target) => !target.startsWith('https://'))
      .filter((target) => (target.startsWith('#') ? !anchors.has(target) : !existsSync(target))),
  ).toEqual([]);
});

test('every entry of the package stands in the README', () => {
  const { name, exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    name: string;
    exports: Record<string, unknown>;
  };
  const imported = new Set(
    examples.flatMap(({ code }) => [...code.matchAll(/from '([^']+)'/g)].map(([, from]) => from)),
  );
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
  expect(entries.map((entry) => name + entry.slice(1)).filter((entry) => !imported.has(entry))).toEqual([]);
});

test('the README has two commands, and the package knows them', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const commands = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code.trim());
  expect(commands).toStrictEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test', 'bench']));
});

const run = promisify(execFile);
type Failure = Error & { readonly stdout: string; readonly stderr: string };

/** Examples import the package by its name; the exports of its package.json say which source that is. */
function tsconfig(): object {
  const { name, exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    name: string;
    exports: Record<string, string | { default: string }>;
  };
  const paths = Object.entries(exports).flatMap(([entry, target]) =>
    typeof target === 'string'
      ? []
      : [[name + entry.slice(1), [resolve(target.default.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts'))]]],
  );
  return {
    extends: resolve('tsconfig.json'),
    compilerOptions: { paths: Object.fromEntries(paths), noUnusedParameters: false },
    include: ['*.ts'],
    exclude: [],
  };
}

/** What OpenAI does to one example: the n-th fault to the n-th request, the last repeats. The others are always well. */
const SERVICES: Record<string, readonly Fault[]> = {
  'is well': [ok()],
  'breaks off once': [cutAfter(3), ok()],
  'breaks off': [cutAfter(3)],
  'is silent once': [silence(), ok()],
  'is busy, then gone': [rateLimited({ retryAfter: 0.05 }), httpStatus(503)],
};

async function startServices(
  story: string | undefined,
): Promise<AsyncDisposable & { readonly env: Record<string, string> }> {
  const script = story === undefined ? undefined : SERVICES[story];
  if (story !== undefined && script === undefined) throw new Error(`there is no service that "${story}"`);
  if (script === undefined) return { env: {}, async [Symbol.asyncDispose]() {} };
  const [openai, others] = await Promise.all([startFaultServer({ script }), startFaultServer()]);
  return {
    env: {
      OPENAI_BASE_URL: `${openai.url}/v1`,
      OPENAI_API_KEY: 'test',
      ANTHROPIC_BASE_URL: others.url,
      ANTHROPIC_API_KEY: 'test',
      OLLAMA_HOST: others.url,
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([openai.close(), others.close()]);
    },
  };
}

/** The words behind `@default` in the comments above an option. */
function documentedDefaults(source: string, option: string): string[] {
  const comments = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:readonly )?(\w+)\??:/g);
  return [...comments]
    .filter(([, , name]) => name === option)
    .flatMap(([, comment = '']) => /@default ([\s\S]*)/.exec(comment)?.[1] ?? [])
    .map((words) =>
      words
        .replaceAll(/\s*\n\s*\*?\s*/g, ' ')
        .replaceAll('`', '')
        .trim(),
    );
}

/** A value as it is written in a table, without what makes it legible. */
const plain = (stated: string): string => stated.replaceAll(/[_']/g, '');
