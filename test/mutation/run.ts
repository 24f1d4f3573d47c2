/**
 * Changes the code in thousands of ways, one at a time, and asks the tests to notice: `npm run mutate`. With names of rooms,
 * or folders and files of `src/`, only those: `npm run mutate -- lines src/core/race.ts`. What has been judged before is not
 * judged again, unless the code or its tests are others; `--fresh` judges anew, and `--survivors` only who has lived: that is
 * what to ask after a new test.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { unexplained } from './explained.ts';
import { ALIVE, type Measured, type Report, readResults, resultsOf, writeResults } from './results.ts';
import { filesOf, type Room, rooms } from './rooms.ts';

const WORKSHOP = '.stryker';

process.chdir(resolve(import.meta.dirname, '../..'));
const given = process.argv.slice(2);
const wanted = given.filter((argument) => !argument.startsWith('--'));
const fresh = given.includes('--fresh');
const again = given.includes('--survivors');

for (const room of rooms) {
  const files = mutatedIn(room);
  if (files.length > 0) report(await judged(room, files));
}

/** What of a room was asked for. */
function mutatedIn(room: Room): string[] {
  const files = filesOf(room);
  if (wanted.length === 0 || wanted.includes(room.name)) return files;
  return files.filter((file) => wanted.some((path) => file === path || file.startsWith(join(path, '/'))));
}

/** The results of the room that are known by now. */
async function judged({ name, judges }: Room, files: string[]): Promise<Measured> {
  const history = join(WORKSHOP, `${name}.json`);
  // The judges read it: the runner passes nothing on to a config of theirs.
  process.env.JUDGES = [
    'test/mutation/loads.test.ts',
    ...judges.map((judge) => `test/${judge}`),
    'marbles/marbles.test.ts',
  ].join(',');
  await new Stryker({
    mutate: again ? files.flatMap((file) => whereSomebodyLives(file, reportIn(history))) : files,
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    plugins: ['@stryker-mutator/vitest-runner'],
    // There is no compiler that it could ask what the file means.
    tsconfigFile: 'none',
    coverageAnalysis: 'perTest',
    // The compiler refuses nearly all of these: the strings are reasons and states, the objects have a shape. The rest is wording.
    mutator: { excludedMutations: ['StringLiteral', 'ObjectLiteral'] },
    // What spins is found by counting how often the code is hit, what waits for ever by the limit of a test: this is for
    // what spins beside the mutant, and so long that on a machine with other work no one passes for unending who is slow.
    timeoutMS: 120_000,
    dryRunTimeoutMinutes: 60,
    reporters: ['progress-append-only'],
    allowConsoleColors: false,
    ignorePatterns: ['/docs', '/dist', '/bench', '/demo', `/${WORKSHOP}`],
    tempDirName: join(WORKSHOP, 'sandbox'),
    incremental: true,
    incrementalFile: history,
    force: fresh || again,
  }).runMutationTest();
  const now = new Date().toISOString().slice(0, 10);
  const before = readResults().files;
  const results = resultsOf(reportIn(history), now);
  // Where nothing can be changed, as in a file of types.
  const nothing = { measured: now, killed: 0, timedOut: 0, survivors: [] };
  const found = Object.fromEntries(files.map((file) => [file, results[file] ?? nothing]));
  const measured = { tools: tools(), files: { ...before, ...found } };
  writeResults(measured);
  return { ...measured, files: found };
}

function reportIn(path: string): Report {
  return JSON.parse(readFileSync(path, 'utf8')) as Report;
}

/** The lines of the file on which a mutant has lived, wherever they stand by now. */
function whereSomebodyLives(file: string, { files }: Report): string[] {
  const { source = '', mutants = [] } = files[file] ?? {};
  const before = source.split('\n');
  const now = readFileSync(file, 'utf8').split('\n');
  return mutants
    .filter(({ status }) => ALIVE.has(status))
    .flatMap(({ location: { start, end } }) =>
      now.flatMap((text, line) =>
        text === before[start.line - 1] ? [`${file}:${line + 1}-${line + 1 + end.line - start.line}`] : [],
      ),
    );
}

function report({ files }: Measured): void {
  for (const [file, { killed, timedOut, survivors }] of Object.entries(files)) {
    const noticed = killed + timedOut;
    console.log(`${file}: ${noticed} of ${noticed + survivors.length}`);
    for (const survivor of unexplained(file, survivors)) {
      const { line, text, before, after, uncovered } = survivor;
      console.log(`  ${line}: ${text}\n    ${before} → ${after}${uncovered ? ' (no test comes by)' : ''}`);
    }
  }
}

function tools(): string {
  const version = (name: string): string =>
    (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }).version;
  return `Stryker ${version('@stryker-mutator/core')}, Vitest ${version('vitest')}, Node ${process.versions.node}`;
}
