/** `npm run demo`: the process around the demo. However it ends, it leaves no port, no process and a sane terminal. */
import { demo } from './demo.ts';
import { whenOrphaned } from './orphan.ts';

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const ending = new AbortController();
let exitCode: number | undefined;
function end(code: number): void {
  exitCode ??= code;
  ending.abort();
}

for (const [signal, code] of Object.entries(EXIT_CODES)) process.on(signal, () => end(code));
// Nobody reads on: `npm run demo | head` is no mistake.
process.stdout.on('error', () => end(0));
const watch = whenOrphaned(() => end(EXIT_CODES.SIGHUP));

const { env, stdout, stderr } = process;
const code = await demo({ argv: process.argv.slice(2), env, stdout, stderr, signal: ending.signal });
watch.cancel();
process.exitCode = exitCode ?? code;
