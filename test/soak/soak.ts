/**
 * Thousands of concurrent streams over loopback HTTP, while the provider behind them fails at random, is stopped, and is
 * killed: `npm run soak`. Every answer has to be exact, or a typed error with a true beginning of it; at the end nothing may
 * be left, and the memory has to be flat. It ends by itself and prints its verdict as the last line.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Bulkhead } from '../../src/bulkhead/index.ts';
import { type ChatChunk, isStreamInterruptedError, ResilientProvider } from '../../src/chat/index.ts';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { isResilienceError } from '../../src/core/errors.ts';
import { toAsyncIterable } from '../../src/interop/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { ADAPTERS } from '../matrix/adapters.ts';
import { DEFAULT_ANSWER } from '../support/fault-server.ts';

const HELP = `npm run soak [-- --minutes N] [-- --streams N] [-- --faults RATE] [-- --seed N] [-- --json]

  --minutes N    how long new laps of streams begin (default 1)
  --streams N    how many streams are open at once (default 2000)
  --faults RATE  what part of the attempts at the first provider is broken (default 0.3)
  --seed N       for the same chance again (default: another one in every run)
  --json         print the report as one object and nothing else`;

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    streams: { type: 'string', default: '2000' },
    faults: { type: 'string', default: '0.3' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const duration = Number(options.minutes) * 60_000;
const streams = Number(options.streams);
if (!(duration > 0 && Number.isInteger(streams) && streams > 0)) throw new Error(HELP);

const seed = Number(options.seed);
const random = seededRandom(seed);
const say = (line: string): void => {
  if (!options.json) console.log(line);
};
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const uncaught: string[] = [];
process.on('unhandledRejection', (reason) => uncaught.push(`unhandled rejection: ${String(reason)}`));
process.on('uncaughtException', (error) => uncaught.push(`uncaught exception: ${String(error)}`));

/** A provider in a process of its own. */
class Wall {
  url = '';
  #port = '0';
  #process: ChildProcess | undefined;
  readonly #faults: string;

  constructor(faults: string) {
    this.#faults = faults;
  }

  async start(): Promise<void> {
    const chance = String(Math.floor(random() * 1e9));
    const child = fork('test/soak/wall.ts', [this.#port, chance, this.#faults], {
      execArgv: ['--import', 'tsx'],
    });
    this.#process = child;
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    this.url = url;
    this.#port = new URL(url).port;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async end(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

/** How long a provider may be silent, in milliseconds: what a stalled stream costs. */
const PATIENCE = 2_000;

const first = new Wall(options.faults);
const spare = new Wall('0');
await Promise.all([first.start(), spare.start()]);

const bulkhead = new Bulkhead({
  name: 'soak',
  maxConcurrent: Math.ceil(streams / 2),
  maxQueue: streams,
  queueTimeout: Infinity,
});
const circuitBreaker = new CircuitBreaker({
  name: 'soak',
  window: { type: 'time', duration: 2_000, failureRate: 0.9 },
  recoveryTimeout: 200,
});
const { signal } = new AbortController();
const RECOVERIES = ['fail', 'restart', 'continue'] as const;
const providers = ADAPTERS.flatMap(({ adapter, at }) =>
  RECOVERIES.map((recovery) => ({
    adapter,
    recovery,
    provider: new ResilientProvider({
      provider: at(first.url, 'first'),
      // With policies of its own, and no clock among them: however slow the machine, it does answer.
      fallbackProvider: new ResilientProvider({ provider: at(spare.url, 'spare') }),
      retry: { maxRetries: 1, backoff: fixedBackoff(5) },
      timeout: { first: PATIENCE, each: PATIENCE },
      recovery,
      bulkhead,
      circuitBreaker,
    }),
  })),
);

const counts = { exact: 0, partial: 0, cancelled: 0, retracted: 0 };
const wrong: string[] = [];

/** A consumer: patient, slow, or one that leaves. */
async function consume(): Promise<void> {
  const chosen = providers[Math.floor(random() * providers.length)] as (typeof providers)[number];
  const leavesAfter = random() < 0.15 ? Math.floor(random() * 9) : Infinity;
  const leavesAt = random() < 0.1 ? random() * 50 : undefined;
  const slowness = random() < 0.1 ? random() * 10 : 0;
  let shown = '';
  let received = 0;
  const read = (chunk: ChatChunk): void => {
    received++;
    if (chunk.type === 'retract') {
      counts.retracted++;
      shown = '';
    } else if (chunk.type === 'text') shown += chunk.text;
  };
  const complain = (what: string): void => {
    wrong.push(`${chosen.adapter}, ${chosen.recovery}: ${what}`);
  };
  const answer$ = chosen.provider.stream([{ role: 'user', content: 'Hello' }], { signal });

  if (leavesAt !== undefined) {
    const subscription = answer$.subscribe({ next: read, error: () => {} });
    await sleep(leavesAt);
    subscription.unsubscribe();
    if (!DEFAULT_ANSWER.startsWith(shown)) complain(`showed ${JSON.stringify(shown)}`);
    counts.cancelled++;
    return;
  }
  try {
    for await (const chunk of toAsyncIterable(answer$)) {
      read(chunk);
      if (!DEFAULT_ANSWER.startsWith(shown)) return complain(`showed ${JSON.stringify(shown)}`);
      if (received > leavesAfter) {
        counts.cancelled++;
        return;
      }
      if (slowness > 0) await sleep(slowness);
    }
    if (shown === DEFAULT_ANSWER) counts.exact++;
    else complain(`completed with ${JSON.stringify(shown)}`);
  } catch (error) {
    if (chosen.recovery === 'fail' && isStreamInterruptedError(error) && error.text === shown)
      counts.partial++;
    else
      complain(
        `${isResilienceError(error) ? '' : 'untyped '}${String(error)} after ${JSON.stringify(shown)}`,
      );
  }
}

/** What happens to the first provider's process while a lap runs. */
async function torment(): Promise<string> {
  const chance = random();
  if (chance < 0.25) {
    await sleep(50);
    first.signal('SIGSTOP');
    await sleep(300);
    first.signal('SIGCONT');
    return 'stopped for 300 ms';
  }
  if (chance < 0.5) {
    await sleep(50);
    await first.end();
    await first.start();
    return 'killed and started again';
  }
  return 'left alone';
}

/** Between laps nothing runs, so what is still there is kept by somebody. */
async function memory(): Promise<number> {
  collectGarbage();
  await sleep(20);
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
}

const begun = performance.now();
const heap: number[] = [];
say(
  `${streams} streams at once for ${options.minutes} min, a part of ${options.faults} of the attempts broken, seed ${seed}`,
);
do {
  const started = performance.now();
  const [what] = await Promise.all([torment(), ...Array.from({ length: streams }, consume)]);
  heap.push(await memory());
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  say(
    `lap ${String(heap.length).padStart(3)}  ${seconds.padStart(5)} s  ${heap.at(-1)?.toFixed(1).padStart(6)} MB  exact ${counts.exact}, partial ${counts.partial}, cancelled ${counts.cancelled}, retracted ${counts.retracted}, wrong ${wrong.length}  (provider ${what})`,
  );
} while (performance.now() - begun < duration && wrong.length < 20);
await Promise.all([first.end(), spare.end()]);

const left = {
  leases: circuitBreaker.stats.activeCount,
  places: bulkhead.activeCount + bulkhead.queueSize,
  calls: providers.reduce((sum, { provider }) => sum + provider.stats.active, 0),
  listeners: getEventListeners(signal, 'abort').length,
  timers: process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
};
// The first laps warm up: code is compiled, pools and windows fill. From then on it has to stay where it is.
const settled = heap.slice(Math.min(2, heap.length - 1));
const growth = (settled.at(-1) ?? 0) - Math.min(...settled);
const problems = [
  ...wrong,
  ...uncaught,
  ...Object.entries(left).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what} left`])),
  ...(settled.length > 2 && growth > Math.max(5, 0.1 * (settled[0] ?? 0))
    ? [`the heap grew by ${growth.toFixed(1)} MB`]
    : []),
];
if (options.json) console.log(JSON.stringify({ seed, laps: heap.length, ...counts, left, growth, problems }));
for (const problem of problems.slice(0, 20)) say(problem);
say(
  problems.length === 0
    ? 'Sound: every answer exact or honestly broken, nothing left.'
    : `${problems.length} problems (seed ${seed}).`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
