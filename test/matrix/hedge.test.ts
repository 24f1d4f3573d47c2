/** Races over real HTTP, for every adapter: the answer is whole, and the connection of who has lost is closed. */
import { afterAll, describe, expect, test } from 'vitest';
import { type AttemptReport, ResilientProvider, type ResilientProviderConfig } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { Ticks } from '../support/closing-time.ts';
import {
  DEFAULT_ANSWER,
  type Fault,
  ok,
  silence,
  stallAfter,
  startFaultServer,
} from '../support/fault-server.ts';
import { ADAPTERS } from './adapters.ts';

const ticks = new Ticks();
afterAll(() => ticks[Symbol.dispose]());

const HELLO = [{ role: 'user', content: 'Hello' }] as const;

interface Raced {
  readonly text: string;
  readonly spoken: number;
  readonly reports: readonly AttemptReport[];
}

function race(config: ResilientProviderConfig): Promise<Raced> {
  const events = new EventBus();
  const reports: AttemptReport[] = [];
  events.on('attempt_ended').subscribe(({ data }) => reports.push(data as AttemptReport));
  const assistant = new ResilientProvider({ ...config, events });
  return new Promise((resolve, reject) => {
    let text = '';
    let spoken = Number.NaN;
    assistant.stream(HELLO).subscribe({
      next(chunk) {
        if (chunk.type !== 'text') return;
        if (text === '') spoken = ticks.elapsed;
        text += chunk.text;
      },
      error: reject,
      complete: () => resolve({ text, spoken, reports }),
    });
  });
}

const told = ({ provider, outcome, lostTo }: AttemptReport): unknown => [provider, outcome, lostTo];

describe.each<[string, Fault]>([
  ['says nothing at all', silence()],
  ['stops behind its preamble', stallAfter(0)],
])('a provider that %s', (_, fault) => {
  test.each(ADAPTERS)('loses to a second attempt: $adapter', async ({ at }) => {
    await using wall = await startFaultServer({ script: [fault, ok()] });
    const { text, spoken, reports } = await race({ provider: at(wall.url, 'wall'), hedge: 30 });
    expect(text).toBe(DEFAULT_ANSWER);
    expect(reports.map(told)).toStrictEqual([
      ['wall', 'cancelled', 2],
      ['wall', 'completed', undefined],
    ]);
    const loser = await wall.attempt(0);
    await loser.closed;
    expect(loser.clientClosedAt).toBeDefined();
    expect(ticks.elapsed - spoken).toBeLessThan(100);
    await wall.idle();
  });

  test.each(ADAPTERS)('loses to the next provider: $adapter', async ({ at }) => {
    await using wall = await startFaultServer({ script: fault });
    await using spare = await startFaultServer();
    const { text, spoken, reports } = await race({
      provider: at(wall.url, 'wall'),
      fallbackProvider: at(spare.url, 'spare'),
      hedge: { delay: 30, race: 'providers' },
    });
    expect(text).toBe(DEFAULT_ANSWER);
    expect(reports.map(told)).toStrictEqual([
      ['wall', 'cancelled', 2],
      ['spare', 'completed', undefined],
    ]);
    const loser = await wall.attempt(0);
    await loser.closed;
    expect(loser.clientClosedAt).toBeDefined();
    expect(ticks.elapsed - spoken).toBeLessThan(100);
    await wall.idle();
    await spare.idle();
  });
});

test('what a loser has read is in the ledger once it was accepted, estimated where it has not told', async () => {
  const [compatible] = ADAPTERS;
  for (const [fault, phase, usage] of [
    [stallAfter(0), 'preamble', { inputTokens: 2, estimated: true }],
    [silence(), 'connecting', undefined],
  ] as const) {
    await using wall = await startFaultServer({ script: [fault, ok()] });
    const { reports } = await race({ provider: compatible!.at(wall.url, 'wall'), hedge: 30 });
    expect(reports[0]).toMatchObject({ outcome: 'cancelled', phase, lostTo: 2 });
    expect(reports[0]?.usage).toStrictEqual(usage);
  }
});

test('a hundred calls at once, of which every third is stuck: all answers are whole, and nothing is left', async () => {
  await using wall = await startFaultServer({
    script: (index) => (index % 3 === 0 ? (index % 2 === 0 ? silence() : stallAfter(0)) : ok()),
  });
  const assistant = new ResilientProvider({
    provider: ADAPTERS[0]!.at(wall.url, 'wall'),
    // A hedge may be stuck as well.
    hedge: { delay: 30, maxHedges: 6, budget: { minRetriesPerSecond: 1_000 } },
    events: new EventBus(),
  });
  const answers = await Promise.all(Array.from({ length: 100 }, () => assistant.chat(HELLO)));
  expect(new Set(answers.map(({ text }) => text))).toStrictEqual(new Set([DEFAULT_ANSWER]));
  await wall.idle();
  const { attempts, completed, cancelled, lost } = assistant.stats.providers.wall!;
  expect([completed, cancelled - lost, attempts - completed - cancelled]).toStrictEqual([100, 0, 0]);
  expect(lost).toBeGreaterThan(20);
});
