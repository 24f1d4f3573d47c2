/** Installs the packed package into an empty project and uses it there as its users do: `consumer.ts <tarball>`. */
import { execSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const tarball = resolve(process.argv[2] ?? 'give the path of the tarball');
const project = mkdtempSync(join(tmpdir(), 'consumer-'));
const run = (command: string): void => {
  execSync(command, { cwd: project, stdio: 'inherit' });
};
const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  devDependencies: Record<string, string>;
};
const insights = ['@rxjs-insights/core', '@rxjs-insights/recorder'].map(
  (name) => `${name}@${devDependencies[name]}`,
);
const typeCheck = 'tsc --noEmit --strict --target es2022 --lib es2022,dom --skipLibCheck false';

try {
  cpSync(resolve(import.meta.dirname, 'consumer'), project, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  run(`npm install --prefer-offline --no-audit --no-fund "${tarball}" rxjs@^7.8.0`);

  run('node load.cjs import @opentelemetry/api');
  run('npm install --prefer-offline --no-audit --no-fund @opentelemetry/api@^1.9.0');

  // Two processes, so that `require` meets modules that nobody has imported before.
  run('node load.cjs import');
  run('node load.cjs require');
  run('node --test --test-reporter=dot conversation.test.js');
  run(`${typeCheck} --module nodenext --moduleResolution nodenext types.ts`);
  run(`${typeCheck} --module esnext --moduleResolution bundler types.ts`);
  run('esbuild browser.js --bundle --platform=browser --format=esm --outfile=bundle.js --log-level=warning');

  run('node --test --test-reporter=dot insights-missing.test.js');
  run(`npm install --prefer-offline --no-audit --no-fund ${insights.join(' ')}`);
  run('node insights.js');
  run('vite build && node bundle/insights.js');
  run('vitest run --reporter=dot');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(project, { recursive: true, force: true });
}
