/** Plays one scene after the other over a link that fails, and prints of each what became of the calls. */
import { spawn } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStreamInterruptedError, kindOf, ResilientProvider } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { ADAPTERS, type Adapter } from '../matrix/adapters.ts';
import { startFaultServer } from '../support/fault-server.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import { ANSWER, SLOW } from './answer.ts';
import {
  allDropped,
  answersDropped,
  cablePulled,
  connect,
  connectedPorts,
  connectionsReset,
  type Trouble,
} from './link.ts';
import type { Outcome, Scene, TroubleName } from './outcome.ts';
import type { Records } from './wall.ts';

/** One for each protocol, and for each way in which requests are sent. */
const CALLERS = [
  'openAICompatible',
  'openai responses in background',
  'anthropic by client',
  'ollama',
  'aiSdk of @ai-sdk/openai chat',
].map((name) => ADAPTERS.find(({ adapter }) => adapter === name) as Adapter);

const SILENCE = 1_000;
const UNHEARD_WORDS = 5;

// The kernel kills it when this process is gone, also while it is stopped.
const wall = spawn(
  'unshare',
  ['--net', 'setpriv', '--pdeathsig', 'KILL', process.execPath, '--import', 'tsx', 'test/network/wall.ts'],
  { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
);
const next = async <T>(): Promise<T> => ((await once(wall, 'message')) as [T])[0];
const ask = <T>(question: string): Promise<T> => {
  wall.send(question);
  return next();
};
const records = () => ask<Records>('records');
await next();
connect(wall.pid ?? 0);
const url = await ask<string>('serve');
const spare = await startFaultServer({ answer: ANSWER });

// One that has never carried a request waits in the pool of the client, and is nobody's.
const used = new Set<number>();
subscribe('undici:client:sendHeaders', (message) => {
  used.add((message as { socket: Socket }).socket.localPort ?? 0);
});

const TROUBLES: Readonly<Record<TroubleName, Trouble>> = {
  'the answers are dropped': answersDropped,
  'everything is dropped': allDropped,
  'the connections are reset': connectionsReset,
  'the cable is pulled': cablePulled,
  'the provider is stopped': { begin: () => wall.kill('SIGSTOP'), mend: () => wall.kill('SIGCONT') },
};

class Call {
  text = '';
  words = 0;
  provider = 'first';
  attempt = 0;
  end: Outcome['end'] | undefined;
  kind?: string;
  readonly marks: string[] = [];
  leave = (): void => {};

  constructor(
    readonly adapter: Adapter,
    readonly caller: string,
    readonly changed: () => void,
  ) {}

  start({ recovery, stays }: Scene, scheduler: ManualScheduler): void {
    const events = new EventBus();
    const fallbackProvider = stays
      ? new ResilientProvider({ provider: this.adapter.at(spare.url, 'spare'), events })
      : undefined;
    const provider = new ResilientProvider({
      provider: this.adapter.at(`${url}/${this.caller}`, 'first'),
      fallbackProvider,
      // A connection that is refused is tried again until the trouble is over.
      retry: { maxRetries: fallbackProvider === undefined ? 1_000 : 1, backoff: fixedBackoff(100) },
      timeout: { first: SILENCE, each: SILENCE },
      circuitBreaker: { failureThreshold: 1_000_000 },
      recovery,
      events,
      scheduler,
    });
    const stream = provider.stream([{ role: 'user', content: 'Hello' }], {
      onPhase: ({ attempt, provider: speaker }) => {
        this.attempt = attempt;
        this.provider = speaker;
        this.changed();
      },
    });
    const subscription = stream.subscribe({
      next: (chunk) => {
        if (chunk.type === 'retract' || chunk.type === 'resume' || chunk.type === 'switch')
          this.marks.push(chunk.type);
        if (chunk.type === 'retract') this.text = '';
        if (chunk.type !== 'text') return;
        this.text += chunk.text;
        this.words++;
        this.changed();
      },
      error: (error: unknown) => {
        this.kind = kindOf(error) ?? 'unknown';
        this.#over(isStreamInterruptedError(error) && error.text === this.text ? 'interrupted' : 'refused');
      },
      complete: () => this.#over('answer'),
    });
    this.leave = () => {
      subscription.unsubscribe();
      this.#over('left');
    };
  }

  #over(end: Outcome['end']): void {
    this.end ??= end;
    this.changed();
  }

  outcome(attempts: Records['attempts']): Outcome {
    const { adapter, end = 'refused', kind, text, marks } = this;
    const own = attempts.filter(({ caller }) => caller === this.caller);
    const heard = text === ANSWER ? 'whole' : ANSWER.startsWith(text) ? 'a true beginning' : 'wrong';
    return { adapter: adapter.adapter, end, ...(kind && { kind }), text: heard, marks, requests: own.length };
  }
}

/** Resolves when it holds; whoever waits for ever is ended by the test. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(10);
}

let scenes = 0;

/** Ends when nothing is connected any more at this end, and nothing asked at the other. */
async function play(scene: Scene): Promise<readonly Outcome[]> {
  const { during, stays = false, leave = false } = scene;
  const trouble = TROUBLES[scene.trouble];
  const scheduler = new ManualScheduler();
  const losesPackets =
    during === 'content' &&
    scene.trouble !== 'the provider is stopped' &&
    scene.trouble !== 'the connections are reset';
  const leaveAll = (): void => {
    for (const call of calls) call.leave();
  };
  let now: 'well' | 'troubled' | 'mended' = 'well';
  const begin = (): void => {
    now = 'troubled';
    trouble.begin();
    // In the same turn: a reset would be heard in the next.
    if (leave && !losesPackets) leaveAll();
  };
  const change = (): void => {
    if (now === 'well' && during === 'content' && calls.every(({ words }) => words >= 3)) begin();
    // Before anything else of the new attempts happens: no packet of theirs is lost.
    if (now === 'troubled' && !stays && !leave && calls.every(isThrough)) {
      now = 'mended';
      trouble.mend();
    }
  };
  const isThrough = (call: Call): boolean =>
    call.end !== undefined || (stays ? call.provider === 'spare' : call.attempt > 1);
  scenes++;
  const calls = CALLERS.map(
    (adapter, index) =>
      new Call(adapter, `${during === 'content' ? SLOW : 'caller'}-${scenes}-${index}`, change),
  );
  if (during === 'connecting') begin();
  for (const call of calls) call.start(scene, scheduler);
  await until(() => now !== 'well');

  // Packets are lost when the other end speaks and nobody hears it.
  if (losesPackets)
    await until(async () => {
      const { attempts } = await records();
      return calls.every(({ caller, words }) =>
        attempts.some((attempt) => attempt.caller === caller && attempt.sentTokens >= words + UNHEARD_WORDS),
      );
    });
  if (leave && losesPackets) leaveAll();
  // Time passes while there is trouble, and at no other time: a slow machine is none.
  while (!calls.every(isThrough)) {
    scheduler.advanceTo(scheduler.now() + SILENCE / 10);
    await sleep(10);
  }
  await until(() => calls.every(({ end }) => end !== undefined));

  if (stays || leave) {
    await until(() => !connectedPorts().some((port) => used.has(port)));
    trouble.mend();
  }
  await until(async () => (await records()).open === 0);
  const { attempts } = await records();
  return calls.map((call) => call.outcome(attempts));
}

for (const scene of JSON.parse(process.argv[2] ?? '[]') as Scene[])
  console.log(JSON.stringify(await play(scene)));
await spare.close();
wall.kill('SIGKILL');
