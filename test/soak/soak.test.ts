import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

test('one lap of the soak: every answer is exact or honestly broken, nothing is left, the process ends by itself', {
  timeout: 300_000,
}, async () => {
  const soak = spawn(
    process.execPath,
    ['--import', 'tsx', 'test/soak/soak.ts', '--minutes', '0.01', '--streams', '15', '--json'],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: 290_000 },
  );
  const [output, complaints, [code, signal]] = await Promise.all([
    text(soak.stdout),
    text(soak.stderr),
    once(soak, 'exit'),
  ]);
  // With its seed, so that a failure can be seen again.
  expect({ output, complaints, code, signal }).toStrictEqual({
    output: expect.stringContaining('"problems":[]'),
    complaints: '',
    code: 0,
    signal: null,
  });
});
