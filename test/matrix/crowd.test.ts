import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

test('a hundred calls at once, a third of them broken: all answers are exact, nothing is left, the process ends by itself', {
  timeout: 60_000,
}, async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/matrix/crowd.ts'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 55_000,
  });
  const [output, complaints, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  expect({ code, signal, complaints }).toStrictEqual({ code: 0, signal: null, complaints: '' });
  const { faults, ...report } = JSON.parse(output) as Record<string, unknown>;
  expect(faults).toBeGreaterThan(20);
  expect(report).toStrictEqual({
    wrong: [],
    answers: 100,
    left: { leases: 0, places: 0, calls: 0, listeners: 0, sockets: 0 },
  });
});
