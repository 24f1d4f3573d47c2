/** The project of a user: made in an empty folder from the packed package by test/package/consumer.ts, which runs its test. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const PROJECT = 'test/package/consumer';

it('needs ten lines to test its own pipeline', () => {
  const [, test = ''] = readFileSync(`${PROJECT}/conversation.test.js`, 'utf8').split('\n\n');
  expect(test.trimEnd().split('\n')).toHaveLength(10);
  expect(test).toContain('runMarbles(');
});

it('has a test that holds against the code of this repository as well', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rxjs-resilience-user-'));
  try {
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction');
    await build({
      entryPoints: [`${PROJECT}/conversation.test.js`],
      outfile: join(folder, 'conversation.test.mjs'),
      alias: {
        'rxjs-resilience/testing': resolve('src/testing/index.ts'),
        'rxjs-resilience': resolve('src/index.ts'),
      },
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: ['rxjs', 'zod'],
    });
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', folder]);
    expect(stdout).toMatch(/^# pass 1$/m);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
