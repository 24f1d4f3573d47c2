/** Installs the packed package into an empty project and uses it there as its users do: `consumer.ts <tarball>`. */
import { execSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

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
/**
 * In every compiler that users have; the one of this repository is the latest. Bundlers look elsewhere for declarations, and
 * need not check the declarations themselves once more.
 */
function checkTypes(): void {
  cpSync(resolve(import.meta.dirname, 'compilers'), join(project, 'compilers'), { recursive: true });
  run('npm ci --prefix compilers --prefer-offline --no-audit --no-fund');
  // The clients of the services are large, and here already. npm does not look into this folder.
  for (const client of ['@ai-sdk/anthropic', '@ai-sdk/openai', '@anthropic-ai/sdk', 'ollama', 'openai']) {
    const link = join(project, 'clients/node_modules', client);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', client), link, 'junction');
  }
  const older = ['5.9', '6'].map((version) => `node compilers/node_modules/typescript-${version}/bin/tsc`);
  for (const compiler of [...older, 'tsc'])
    run(`${compiler} --build types.nodenext.json types.bundler.json clients --force`);
}

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
  checkTypes();
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
