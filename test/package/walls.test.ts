import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { parseSync } from 'vite';
import { describe, expect, test } from 'vitest';

const PATTERNS = [
  'circuit-breaker',
  'retry',
  'bulkhead',
  'adaptive-concurrency',
  'adaptive-throttle',
  'rate-limit',
  'timeout',
  'fallback',
  'hedge',
  'chaos',
];
const BELOW_PIPELINE = ['core', 'interop', ...PATTERNS];
const BELOW_CHAT = [...BELOW_PIPELINE, 'pipeline'];

/** What each folder of src/ may import besides itself. A folder that is not listed has no place in the house. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  interop: ['core'],
  ...Object.fromEntries(PATTERNS.map((pattern) => [pattern, ['core', 'interop']])),
  pipeline: BELOW_PIPELINE,
  health: ['core', 'circuit-breaker'],
  sinks: ['core'],
  opentelemetry: ['core'],
  chat: BELOW_CHAT,
  insights: BELOW_CHAT,
  // Its scripted providers speak the chunks and errors of a chat; a copy of their types would drift away.
  testing: [...BELOW_CHAT, 'chat'],
  'index.ts': [...BELOW_CHAT, 'health', 'sinks', 'chat', 'insights', 'testing'],
  providers: [...BELOW_CHAT, 'chat'],
};
const TYPES_ONLY = ['health > circuit-breaker'];

const RXJS_INTERNALS = /^rxjs\/(internal|dist|src)\b/;
const HOST = ['globalThis', 'window', 'self', 'global'];
const NODE_GLOBALS = ['process', 'Buffer', 'NodeJS', 'require', 'global', '__dirname', '__filename'];
const TIME_GLOBALS = [
  'Date.now',
  'new Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'requestAnimationFrame',
  'requestIdleCallback',
  'AbortSignal.timeout',
];

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}
interface Import {
  /** `undefined` when only run time knows. */
  readonly specifier: string | undefined;
  readonly types: boolean;
}
interface Module {
  /** Every module that is named, by a static, dynamic, type-only or re-exporting import alike. */
  readonly imports: Import[];
  /** Every name that may be a global: `setTimeout`, `Date.now`, `new Date`. A local variable of that name counts. */
  readonly globals: Set<string>;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

const literal = (node: unknown): string | undefined =>
  isNode(node) && typeof node.value === 'string' ? node.value : undefined;

/** `Date.now` for `Date.now`, `(globalThis as any).Date.now` and `globalThis['Date'].now` alike. */
function nameOf(node: unknown): string {
  if (!isNode(node)) return '?';
  if (node.type === 'Identifier') return node.name as string;
  if (node.type === 'Literal') return String(node.value);
  if (isNode(node.expression)) return nameOf(node.expression);
  return node.type === 'MemberExpression' ? member(nameOf(node.object), node) : '?';
}

/** The name of the property that `access` reads from `object`. */
function member(object: string, access: Node): string {
  const key = (access.key ?? access.property) as Node;
  const property = access.computed === true && key.type !== 'Literal' ? '?' : nameOf(key);
  return HOST.includes(object) ? property : `${object}.${property}`;
}

function read(file: string, code: string): Module {
  const { program, errors } = parseSync(file, code);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const globals = new Set<string>();

  function visit(node: Node): void {
    const { type, source, id, init } = node;
    const reexport = type.startsWith('Export') && isNode(source);
    if (reexport || type === 'ImportDeclaration' || type === 'ImportExpression' || type === 'TSImportType') {
      const types = [node.importKind, node.exportKind].includes('type') || type === 'TSImportType';
      imports.push({ specifier: literal(source), types });
    }
    if (type === 'TSExternalModuleReference')
      imports.push({ specifier: literal(node.expression), types: false });

    if (type === 'Identifier' || type === 'MemberExpression') globals.add(nameOf(node));
    if (type === 'NewExpression' || type === 'CallExpression') globals.add(`new ${nameOf(node.callee)}`);
    if (type === 'VariableDeclarator' && isNode(id) && id.type === 'ObjectPattern')
      for (const property of id.properties as Node[])
        if (property.type === 'Property') globals.add(member(nameOf(init), property));

    for (const [key, child] of Object.entries(node)) {
      // `socket.process` and `{ process() {} }` name a property, not the global.
      if ((key === 'property' || key === 'key') && node.computed !== true) continue;
      for (const next of Array.isArray(child) ? child : [child]) if (isNode(next)) visit(next);
    }
  }
  visit(program as unknown as Node);
  return { imports, globals };
}

/** The folder directly in src/ (or the file there) that `file` belongs to. */
const floorOf = (file: string): string => file.split('/')[1] ?? '';

/** Every wall of design.md that the code of `file` breaks, in words. */
function breaches(file: string, code: string): string[] {
  const { imports, globals } = read(file, code);
  const floor = file.startsWith('src/') ? floorOf(file) : undefined;
  const found = new Set<string>();

  for (const { specifier, types } of imports) {
    if (specifier && RXJS_INTERNALS.test(specifier)) found.add(`reaches into rxjs: ${specifier}`);
    if (!floor) continue;
    if (specifier === undefined) found.add('imports what only run time knows');
    else if (/^rxjs-resilience\b/.test(specifier)) found.add(`imports its own package: ${specifier}`);
    else if (floor !== 'providers' && isBuiltin(specifier)) found.add(`needs Node: ${specifier}`);
    else if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(file), specifier);
      const goal = floorOf(target);
      const allowed = goal === floor || MAY_IMPORT[floor]?.includes(goal);
      if (!target.startsWith('src/') || !allowed) found.add(`may not import ${target}`);
      else if (!types && TYPES_ONLY.includes(`${floor} > ${goal}`))
        found.add(`needs more than types of ${goal}`);
    }
  }
  if (floor && !MAY_IMPORT[floor]) found.add(`is on no floor of the house: ${floor}`);
  if (floor)
    for (const name of globals) {
      if (floor !== 'providers' && NODE_GLOBALS.includes(name)) found.add(`needs Node: ${name}`);
      if (file !== 'src/core/clock.ts' && TIME_GLOBALS.includes(name))
        found.add(`bypasses the clock: ${name}`);
      if (file !== 'src/core/random.ts' && name === 'Math.random') found.add(`bypasses random.ts: ${name}`);
    }
  return [...found].map((breach) => `${file} ${breach}`);
}

describe('the walls of the house', () => {
  test('hold', () => {
    const files = ['src', 'marbles', 'simulations', 'test', 'demo', 'bench'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => posix.join(folder, name.replaceAll('\\', '/'))),
    );
    expect(files).toEqual(expect.arrayContaining(['src/index.ts', 'src/core/clock.ts']));
    expect(files.flatMap((file) => breaches(file, readFileSync(file, 'utf8')))).toEqual([]);
  });

  test.each([
    ['src/core/a.ts', "import { b } from '../retry/b.ts';", 'may not import src/retry/b.ts'],
    ['src/core/a.ts', "import type { B } from '../interop/b.ts';", 'may not import src/interop/b.ts'],
    ['src/interop/a.ts', "import { b } from '../timeout/b.ts';", 'may not import src/timeout/b.ts'],
    ...PATTERNS.map((pattern, index) => {
      const other = PATTERNS.at(index - 1);
      return [`src/${pattern}/a.ts`, `export * from '../${other}/b.ts';`, `may not import src/${other}/b.ts`];
    }),
    ['src/retry/a.ts', "export type { B } from '../pipeline/b.ts';", 'may not import src/pipeline/b.ts'],
    [
      'src/pipeline/a.ts',
      "import {\n  b, // '../core/c.ts'\n} from\n'../chat/b.ts';",
      'may not import src/chat/b.ts',
    ],
    ['src/pipeline/a.ts', "type B = import('../health/b.ts').B;", 'may not import src/health/b.ts'],
    ['src/health/a.ts', "import { b } from '../retry/b.ts';", 'may not import src/retry/b.ts'],
    [
      'src/health/a.ts',
      "import { b } from '../circuit-breaker/b.ts';",
      'needs more than types of circuit-breaker',
    ],
    ['src/chat/a.ts', "await import('../providers/x/b.ts');", 'may not import src/providers/x/b.ts'],
    ['src/chat/a.ts', "import '../health/b.ts';", 'may not import src/health/b.ts'],
    ['src/insights/a.ts', "import { b } from '../chat/b.ts';", 'may not import src/chat/b.ts'],
    ['src/testing/a.ts', "import { b } from '../providers/x/b.ts';", 'may not import src/providers/x/b.ts'],
    ['src/chat/a.ts', "import { b } from '../testing/b.ts';", 'may not import src/testing/b.ts'],
    ['src/index.ts', "export * from './providers/x/index.ts';", 'may not import src/providers/x/index.ts'],
    ['src/providers/x/a.ts', "import { b } from '../../index.ts';", 'may not import src/index.ts'],
    ['src/core/a.ts', "import { b } from '../../test/b.ts';", 'may not import test/b.ts'],
    ['src/core/a.ts', "import { b } from 'rxjs-resilience';", 'imports its own package: rxjs-resilience'],
    ['src/core/a.ts', 'await import(name);', 'imports what only run time knows'],
    ['src/attic/a.ts', '', 'is on no floor of the house: attic'],
    ['src/core/a.ts', "import { b } from 'rxjs/internal/b';", 'reaches into rxjs: rxjs/internal/b'],
    ['test/unit/a.ts', "import { b } from 'rxjs/dist/types';", 'reaches into rxjs: rxjs/dist/types'],
    ['src/chat/a.ts', "import { once } from 'node:events';", 'needs Node: node:events'],
    ['src/testing/a.ts', "import fs = require('fs/promises');", 'needs Node: fs/promises'],
    ['src/chat/a.ts', 'const key = process.env.KEY;', 'needs Node: process'],
    ['src/interop/a.ts', "Buffer.from('');", 'needs Node: Buffer'],
    ['src/core/a.ts', 'const at = Date.now();', 'bypasses the clock: Date.now'],
    ['src/core/a.ts', 'const { now } = Date;', 'bypasses the clock: Date.now'],
    ['src/core/a.ts', 'const at = +new Date();', 'bypasses the clock: new Date'],
    ['src/core/a.ts', 'const at = globalThis.performance.now();', 'bypasses the clock: performance'],
    ['src/core/a.ts', '(globalThis as any)["setTimeout"](run, 1);', 'bypasses the clock: setTimeout'],
    ['src/core/a.ts', 'const { setInterval: every } = globalThis;', 'bypasses the clock: setInterval'],
    ['src/core/a.ts', 'const options = { setImmediate };', 'bypasses the clock: setImmediate'],
    ['src/core/a.ts', 'queueMicrotask(run);', 'bypasses the clock: queueMicrotask'],
    ['src/providers/x/a.ts', 'AbortSignal.timeout(5);', 'bypasses the clock: AbortSignal.timeout'],
    ['src/retry/a.ts', 'const draw = ({ random = Math.random }) => 1;', 'bypasses random.ts: Math.random'],
  ] as [string, string, string][])('refuse %s saying %j', (file, code, breach) => {
    expect(breaches(file, code)).toEqual([`${file} ${breach}`]);
  });

  test.each([
    ['src/core/clock.ts', 'const now = () => Date.now() + performance.now(); setTimeout(now, 1);'],
    ['src/core/random.ts', 'export const random = Math.random;'],
    [
      'src/core/a.ts',
      "// import { b } from '../chat/b.ts'; Date.now()\nconst text = 'setTimeout, Math.random';",
    ],
    ['src/core/a.ts', 'scheduler.setTimeout(1); const o = { process() {} }; o.process();'],
    ['src/core/a.ts', 'const at: Date = Date.parse(text); const { a, ...rest } = globalThis;'],
    ['src/core/a.ts', "import { Observable } from 'rxjs'; import * as z from 'zod/mini'; import './b.ts';"],
    ['src/health/a.ts', "import type { CircuitBreaker } from '../circuit-breaker/b.ts';"],
    ['src/testing/a.ts', "import { ProviderError } from '../chat/b.ts';"],
    ['src/pipeline/a.ts', "export * from '../retry/b.ts'; import { c } from '../core/b.ts';"],
    ['src/index.ts', "export * from './chat/b.ts'; export * from './health/b.ts';"],
    ['src/providers/x/a.ts', "import { env } from 'node:process'; import '../../chat/c.ts'; process.env;"],
    ['test/unit/a.ts', "import { setTimeout } from 'node:timers/promises'; Date.now(); new Date();"],
  ] as [string, string][])('let %s say %j', (file, code) => {
    expect(breaches(file, code)).toEqual([]);
  });

  test('do not judge code that they cannot read', () => {
    expect(() => breaches('src/core/a.ts', 'import {')).toThrow('src/core/a.ts');
  });
});
