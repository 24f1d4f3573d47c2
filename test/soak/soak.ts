/**
 * Thousands of concurrent streams over loopback HTTP, while the provider behind them breaks answers, is stopped, ended and
 * killed: `npm run soak`. Every answer has to be exact, or a typed error with a true beginning of it; between the laps
 * nothing may be left, and the memory has to be flat. It ends by itself and prints its verdict as the last line.
 */
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Bulkhead } from '../../src/bulkhead/index.ts';
import {
  type CallPhase,
  type ChatChunk,
  type ChatTimeout,
  isStreamInterruptedError,
  ResilientProvider,
} from '../../src/chat/index.ts';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { toAsyncIterable } from '../../src/interop/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { ADAPTERS } from '../matrix/adapters.ts';
import { DEFAULT_ANSWER } from '../support/fault-server.ts';
import { ProviderProcess } from './provider-process.ts';

const HELP = `npm run soak [-- --minutes N] [-- --streams N] [-- --faults RATE] [-- --seed N] [-- --json]

  --minutes N    how long new laps of streams begin (default 5)
  --streams N    how many callers there are at once, of whom four fifths are let in (default 2000)
  --faults RATE  what part of the requests to the first provider is broken (default 0.3)
  --seed N       for the same faults and the same consumers again (default: others in every run)
  --json         print the report as one object and nothing else`;

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    streams: { type: 'string', default: '2000' },
    faults: { type: 'string', default: '0.3' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(HELP);
  process.exit(0);
}
const [minutes, streams, faults, seed] = [flags.minutes, flags.streams, flags.faults, flags.seed].map(
  Number,
) as [number, number, number, number];
if (!(minutes > 0 && streams >= 1 && faults >= 0 && Number.isInteger(streams) && Number.isInteger(seed)))
  throw new Error(HELP);

/** How long a lap takes at least, in milliseconds. */
const LAP = Math.min(10_000, Math.max(2_000, minutes * 10_000));
/** Between two tokens, at most: most of the streams that are open have nothing to do, or the processors had too much. */
const PACE = Math.max(LAP / 20, 1.5 * streams);
/** When nothing is left, nothing has to be waited for; a slow machine may take its time. */
const LONG = 60_000;

const random = seededRandom(seed);
const say = (line: string): void => {
  if (!flags.json) console.log(line);
};
const problems: string[] = [];
process.on('unhandledRejection', (reason) => problems.push(`unhandled rejection: ${String(reason)}`));
process.on('uncaughtException', (error) => problems.push(`uncaught exception: ${String(error)}`));

/** Ends the soak before its time, and all calls with it. */
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());

const first = new ProviderProcess(seed, faults, PACE);
const spare = new ProviderProcess(seed, 0, PACE);
await Promise.all([first.start(), spare.start()]);

const counts = {
  exact: 0,
  partial: 0,
  cancelled: 0,
  retracted: 0,
  resumed: 0,
  switched: 0,
  timedOut: 0,
  opened: 0,
};
const events = new EventBus();
events.on('timed_out').subscribe(() => counts.timedOut++);
events.on('circuit_opened').subscribe(() => counts.opened++);
const bulkhead = new Bulkhead({
  name: 'soak',
  maxConcurrent: Math.ceil(0.8 * streams),
  maxQueue: streams,
  queueTimeout: Infinity,
  events,
});
// Opens while the first provider is down, and not for what is only broken.
const circuitBreaker = new CircuitBreaker({
  name: 'soak',
  failureThreshold: 10,
  recoveryTimeout: LAP / 50,
  successThreshold: 1,
  events,
});

type Pipeline = ReturnType<typeof pipelines>[number];

/** Every adapter with every recovery, through policies that all of them share. */
function pipelines(timeout: ChatTimeout | undefined) {
  return ADAPTERS.flatMap(({ adapter, at }) =>
    (['fail', 'restart', 'continue'] as const).map((recovery) => ({
      adapter,
      recovery,
      provider: new ResilientProvider({
        provider: at(first.url, 'first'),
        // With policies of its own, and no clock among them: however slow the machine, it does answer.
        fallbackProvider: new ResilientProvider({ provider: at(spare.url, 'spare'), events }),
        retry: { maxRetries: 1, backoff: fixedBackoff(5) },
        timeout,
        recovery,
        bulkhead,
        circuitBreaker,
        events,
      }),
    })),
  );
}

let mostOpen = 0;
let longestSilence = 0;

/** One stream and its consumer, who is patient, slow, or leaves. All that is left to chance follows from its number. */
async function consume(among: readonly Pipeline[], number: number | undefined): Promise<void> {
  const chance = seededRandom(seed + (number ?? 0));
  const { adapter, recovery, provider } = among[Math.floor(chance() * among.length)] as Pipeline;
  const manner = number === undefined ? 1 : chance();
  const aborted = new AbortController();
  const signal = manner < 0.1 ? aborted.signal : stop.signal;
  let shown = '';
  let lastAt = performance.now();
  const read = (chunk: ChatChunk): void => {
    longestSilence = Math.max(longestSilence, performance.now() - lastAt);
    lastAt = performance.now();
    if (chunk.type === 'retract') counts.retracted++;
    if (chunk.type === 'resume') counts.resumed++;
    if (chunk.type === 'switch') counts.switched++;
    if (chunk.type === 'retract') shown = '';
    if (chunk.type === 'text') shown += chunk.text;
    if (!DEFAULT_ANSWER.startsWith(shown)) complain('showed');
  };
  const complain = (what: string): void => {
    problems.push(`stream ${number}, ${adapter}, ${recovery}: ${what}, with ${JSON.stringify(shown)} shown`);
  };
  const content = number === undefined ? 'Warm up' : `Stream ${number}`;
  const onPhase = ({ phase }: CallPhase): void => {
    if (phase === 'connecting') lastAt = performance.now();
  };
  const answer$ = provider.stream([{ role: 'user', content }], { signal, onPhase });
  mostOpen = Math.max(mostOpen, bulkhead.activeCount);

  if (manner < 0.1) void sleep(chance() * PACE * 5).then(() => aborted.abort());
  else if (manner < 0.2) {
    const subscription = answer$.subscribe({ next: read, error: () => {} });
    await sleep(chance() * PACE * 5);
    subscription.unsubscribe();
    counts.cancelled++;
    return;
  }
  const leavesAfter = manner < 0.3 ? Math.floor(chance() * 9) : Infinity;
  const slowness = manner > 0.9 && manner < 1 ? PACE / 2 : 0;
  let received = 0;
  try {
    for await (const chunk of toAsyncIterable(answer$)) {
      read(chunk);
      if (++received > leavesAfter) break;
      if (slowness > 0) await sleep(chance() * slowness);
    }
    if (received > leavesAfter) counts.cancelled++;
    else if (shown === DEFAULT_ANSWER) counts.exact++;
    else complain('completed');
  } catch (error) {
    if (signal.aborted) counts.cancelled++;
    else if (recovery === 'fail' && isStreamInterruptedError(error) && error.text === shown) counts.partial++;
    else complain(`ended with ${String(error)}`);
  }
}

/** What happens to the first provider's process in every lap. Its other requests find it well, or broken by its script. */
async function torment(patience: number): Promise<void> {
  const blows = [
    () => first.stop(PACE),
    () => first.stop(1.5 * patience),
    () => first.restart('SIGKILL', PACE),
    () => first.restart('SIGTERM', PACE),
  ];
  for (const blow of blows) {
    await sleep(LAP / 6, undefined, { signal: stop.signal });
    await blow();
  }
  await sleep(LAP / 6, undefined, { signal: stop.signal });
}

/** As many things as are still there, once none of them is, or after a long time. */
async function until(count: () => number | Promise<number>): Promise<number> {
  const end = performance.now() + LONG;
  for (;;) {
    const left = await count();
    if (left === 0 || performance.now() > end) return left;
    await sleep(20);
  }
}

const missing = (): string[] =>
  Object.entries(counts).flatMap(([what, count]) => (count === 0 && faults > 0 ? [what] : []));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Between laps nothing runs: what is still there is kept by somebody. */
async function rest(all: readonly Pipeline[]): Promise<number> {
  const left = {
    leases: circuitBreaker.stats.activeCount,
    places: bulkhead.activeCount + bulkhead.queueSize,
    calls: all.reduce((sum, { provider }) => sum + provider.stats.active, 0),
    listeners: getEventListeners(stop.signal, 'abort').length,
    requests: (await until(() => first.open())) + (await until(() => spare.open())),
  };
  for (const [what, count] of Object.entries(left)) if (count > 0) problems.push(`${count} ${what} left`);
  collectGarbage();
  await sleep(20);
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
}

say(
  `${streams} callers at once for ${minutes} min, a part of ${faults} of the requests broken, seed ${seed}`,
);
// How long this machine takes for so many is what a provider is given, once the code is warm. Nothing else depends on speed.
const untimed = pipelines(undefined);
for (let round = 0; round < 2; round++) {
  longestSilence = 0;
  await Promise.all(
    Array.from({ length: streams }, async () => {
      await sleep(random() * LAP);
      await consume(untimed, undefined);
    }),
  );
}
const patience = Math.ceil(Math.max(3 * longestSilence, 3 * PACE));
await rest(untimed);
counts.exact = 0;
say(`${mostOpen} streams open at once; a provider may be silent for ${patience} ms`);

const all = pipelines({ first: patience, each: patience });
const heap: number[] = [];
let number = 0;
const begun = performance.now();
do {
  const started = performance.now();
  const torments = { over: false };
  const callers = Array.from({ length: streams }, async () => {
    await sleep(random() * LAP);
    do await consume(all, number++);
    while (!torments.over && problems.length === 0);
  });
  await torment(patience).catch(() => {});
  // What has not occurred is not proven.
  await until(() => (problems.length > 0 || stop.signal.aborted ? 0 : missing().length));
  torments.over = true;
  await Promise.all(callers);
  heap.push(await rest(all));
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  const seen = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  say(`lap ${heap.length}, ${seconds} s, ${heap.at(-1)?.toFixed(1)} MB: ${seen.join(', ')}`);
} while (performance.now() - begun < minutes * 60_000 && problems.length === 0 && !stop.signal.aborted);

first.end();
spare.end();
for (const kind of ['Timeout', 'TCPSocketWrap']) {
  const left = await until(() => process.getActiveResourcesInfo().filter((it) => it === kind).length);
  if (left > 0) problems.push(`${left} of ${kind} left`);
}
// The first lap warms up: code is compiled, pools and windows fill. From then on the memory has to stay where it is.
const settled = heap.slice(1);
const half = Math.floor(settled.length / 2);
const growth = Math.min(...settled.slice(half)) - Math.min(...settled.slice(0, half));
const judged = half > 0;
if (judged && growth > Math.max(3, 0.05 * (settled[0] ?? 0)))
  problems.push(`the heap grew by ${growth.toFixed(1)} MB`);
if (!stop.signal.aborted && problems.length === 0)
  problems.push(...missing().map((what) => `nothing was ${what}`));

const { rss } = process.memoryUsage();
if (flags.json)
  console.log(
    JSON.stringify({
      seed,
      streams: number,
      mostOpen,
      patience,
      laps: heap.length,
      ...counts,
      growth: judged ? growth : null,
      rss,
      problems,
    }),
  );
for (const problem of problems.slice(0, 20)) say(problem);
say(
  problems.length === 0
    ? `Sound: ${number} answers, every one exact or honestly broken, nothing left, the memory ${judged ? `flat over ${settled.length} laps` : 'not judged, after so few laps'}.`
    : `${problems.length} problems (seed ${seed}).`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
