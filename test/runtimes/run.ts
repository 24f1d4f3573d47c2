/**
 * The suites of the operators and of the chat in every runtime that people use: `npm run test:runtimes`. With names, in
 * those only: `npm run test:runtimes -- bun chromium`. The verdict is the last line.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CHROMIUM } from './chromium.ts';
import { LEFT_OUT, portableSuites } from './suites.ts';

interface Runtime {
  readonly name: string;
  /** Without it the runtime is not on this machine. */
  readonly program: string;
  /** What runs the test runner. */
  readonly command: readonly string[];
  readonly suites: readonly string[];
}

process.chdir(resolve(import.meta.dirname, '../..'));
const installed = (path: string): string => resolve('test/runtimes/node_modules', path);
const vitest = resolve('node_modules/vitest/vitest.mjs');

function runtime(name: string, path: string, ...options: string[]): Runtime {
  const program = installed(path);
  return { name, program, command: [program, ...options, vitest, 'run'], suites: portableSuites() };
}

const RUNTIMES: readonly Runtime[] = [
  runtime('node-22', 'node-22/bin/node'),
  runtime('node-24', 'node-24/bin/node'),
  runtime('node-26', 'node-26/bin/node'),
  runtime('bun', '@oven/bun-linux-x64/bin/bun', '--bun'),
  runtime('deno', '@deno/linux-x64-glibc/deno', 'run', '--allow-all'),
  {
    name: 'chromium',
    program: CHROMIUM,
    command: [process.execPath, vitest, 'run', '--config', 'test/runtimes/browser.config.ts'],
    suites: [],
  },
];

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const scratch = mkdtempSync(join(tmpdir(), 'rxjs-resilience-runtimes-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !RUNTIMES.some((known) => known.name === name));
if (unknown.length > 0)
  throw new Error(
    `There is no runtime ${unknown.join(', ')}: try ${RUNTIMES.map(({ name }) => name).join(', ')}`,
  );

const total = { passed: 0, failed: 0, skipped: 0 };
for (const each of RUNTIMES) if (asked.length === 0 || asked.includes(each.name)) await test(each);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function test({ name, program, command, suites }: Runtime): Promise<void> {
  if (!existsSync(program)) {
    total.skipped++;
    console.log(`- ${name.padEnd(9)} skipped: it is not installed`);
    return;
  }
  const leftOut = LEFT_OUT[name] ?? [];
  const report = join(scratch, `${name}.json`);
  const started = performance.now();
  const output = await run([
    ...command,
    ...suites,
    '--allowOnly=false',
    '--reporter=json',
    `--outputFile=${report}`,
    ...(leftOut.length > 0
      ? ['--testNamePattern', `^(?!.*(${leftOut.map(({ test }) => escaped(test)).join('|')}))`]
      : []),
  ]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { passed, failures } = existsSync(report)
    ? read(JSON.parse(readFileSync(report, 'utf8')) as Report)
    : { passed: 0, failures: [output.trim()] };
  // Nothing that ran is no success.
  if (passed === 0 && failures.length === 0) failures.push(`no test ran\n${output.trim()}`);
  total.passed += passed;
  total.failed += failures.length;
  console.log(
    `${failures.length > 0 ? '✗' : '✓'} ${name.padEnd(9)} ${String(passed).padStart(5)} passed ${seconds.padStart(6)} s`,
  );
  for (const { test, why } of leftOut) console.log(`    without "${test}": ${why}`);
  for (const failure of failures) console.log(`    ${failure.replaceAll('\n', '\n    ')}`);
}

function read({ numPassedTests, testResults }: Report): { passed: number; failures: string[] } {
  const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((it) => it.status === 'failed');
    // A file that could not be loaded has no test that failed.
    if (status === 'failed' && failed.length === 0) return [`${name}: ${message ?? 'could not run'}`];
    return failed.map((it) => `${it.fullName}\n${it.failureMessages.join('\n').slice(0, 1_000)}`);
  });
  return { passed: numPassedTests, failures };
}

function run([program = '', ...options]: readonly string[]): Promise<string> {
  return new Promise((done) => {
    let output = '';
    const child = spawn(program, options, { env: { ...process.env, NO_COLOR: '1' } });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = `${output}${text}`.slice(-20_000);
      });
    child.once('error', (error) => done(String(error)));
    child.once('close', () => done(output));
  });
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
