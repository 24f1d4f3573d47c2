/** Every check of this repository, the tests beside all else. The verdict is the last line. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

interface Count {
  readonly passed?: number;
  readonly failed?: number;
  readonly skipped?: number;
}
interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { status: string }[];
  }[];
}

const STEP_LIMIT = 30 * 60_000;

process.chdir(resolve(import.meta.dirname, '..'));
const scratch = mkdtempSync(join(tmpdir(), 'rxjs-resilience-'));
const report = join(scratch, 'tests.json');
const { name, version } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  name: string;
  version: string;
};
const tarball = join(scratch, `${name}-${version}.tgz`);

const { FORCE_COLOR: _, ...inherited } = process.env;
const env = {
  ...inherited,
  ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
  PATH: resolve('node_modules/.bin') + delimiter + process.env.PATH,
};

// Each step is a process group of its own, so that none of its children outlives it.
const running = new Set<number>();
const end = (group: number): void => {
  if (running.delete(group)) process.kill(-group, 'SIGKILL');
};
process.once('exit', () => {
  running.forEach(end);
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

function run(command: string): Promise<{ ok: boolean; output: string }> {
  return new Promise((done) => {
    let output = '';
    const child = spawn(command, { shell: true, env, detached: true });
    const group = child.pid;
    if (group === undefined) throw new Error(`no process for ${command}`);
    running.add(group);
    const limit = setTimeout(() => {
      output += `\nnot done after ${STEP_LIMIT} ms`;
      end(group);
    }, STEP_LIMIT);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    child.once('close', (code) => {
      clearTimeout(limit);
      running.delete(group);
      done({ ok: code === 0, output });
    });
  });
}

const total = { passed: 0, failed: 0, skipped: 0 };

async function step(
  title: string,
  command: string,
  count = (ok: boolean): Count => (ok ? { passed: 1 } : { failed: 1 }),
) {
  const started = performance.now();
  const { ok, output } = await run(command);
  const { passed = 0, failed = 0, skipped = 0 } = count(ok);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${failed > 0 ? '✗' : '✓'} ${title.padEnd(24)} ${seconds.padStart(6)} s`);
  if (failed > 0) console.log(`\n$ ${command}\n${output.trim()}\n`);
  return failed === 0;
}

/** Every test counts; a file that cannot run, an error outside of tests and a missing report are failures. */
function countTests(ok: boolean): Count {
  try {
    const tests = JSON.parse(readFileSync(report, 'utf8')) as TestReport;
    const broken = tests.testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
    );
    const passed = tests.numPassedTests;
    const failed = tests.numFailedTests + broken.length;
    const silent = (!ok && failed === 0) || passed + failed === 0;
    return { passed, failed: silent ? 1 : failed, skipped: tests.numPendingTests + tests.numTodoTests };
  } catch {
    return { failed: 1 };
  }
}

async function sourceSteps(): Promise<void> {
  await step('format and lint', 'biome check --error-on-warnings');
  await step('lint with types', 'oxlint');
  await step('types', 'tsc -p tsconfig.json');
  await step('unused code', 'knip --no-progress');
  await step('benchmarks in little', 'npm run --silent bench -- --short');
}

async function packageSteps(): Promise<void> {
  const built = await step(
    'build',
    `npm run build && npm pack --ignore-scripts --pack-destination "${scratch}"`,
  );
  const packed = (command: string): string =>
    built ? command : 'echo There is no package to check. && exit 1';
  await step('package', packed(`publint run "${tarball}" --strict`));
  await step('types of the package', packed(`attw "${tarball}" --profile esm-only`));
  await step('size of the package', packed(`tsx test/package/size.ts "${tarball}"`));
  await step('use of the package', packed(`tsx test/package/consumer.ts "${tarball}"`));
}

await Promise.all([
  step(
    'tests',
    `vitest run --allowOnly=false --reporter=dot --reporter=json --outputFile.json="${report}"`,
    countTests,
  ),
  sourceSteps(),
  packageSteps(),
]);

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed > 0 ? 1 : 0);
