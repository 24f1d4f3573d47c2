import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The rooms whose code runs in any runtime, and the pipelines of a chat: what is tested in all of them. */
const ROOMS = [
  'core',
  'interop',
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
  'pipeline',
  'health',
  'sinks',
  'chat',
  'promise',
];

/** Every test file of these rooms, and all marbles. */
export function portableSuites(): string[] {
  const rooms = ROOMS.map((room) => join('test', room)).filter((folder) => existsSync(folder));
  const files = rooms.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  );
  return ['marbles/marbles.test.ts', ...files.sort()];
}

/** Those that need no server and nothing else of Node: what a page can run. */
export function browserSuites(): string[] {
  return portableSuites().filter((file) => !needsNode(file));
}

const needsNode = (file: string): boolean =>
  /from '(node:|.*\/fault-server)|@opentelemetry\/sdk/.test(readFileSync(file, 'utf8'));

/** What a runtime does otherwise than Node, which makes a test of Node's ways pointless there. */
export const LEFT_OUT: Readonly<Record<string, readonly { readonly test: string; readonly why: string }[]>> =
  {
    bun: [
      {
        test: "'cut after 3'",
        why: 'its fetch forgets what came in one piece with a reset: such an answer has broken before its content',
      },
    ],
    deno: [
      {
        test: "chat() gives the exact answer despite 'reset after request'",
        why: 'its fetch asks again by itself after a reset: the answer is exact, the attempts are not ours to count',
      },
      {
        test: 'a background task does not keep a process alive',
        why: 'the test starts a program with the options of Node',
      },
      {
        test: 'a bridge runs over the ports of a real channel',
        why: 'under the test runner there, no message comes through a MessageChannel, and the test waits for ever',
      },
    ],
  };
