/** Whoever stops listening stops the work on the other side: in every phase, with every adapter, over real HTTP. */
import { afterAll, expect, test } from 'vitest';
import { type ChatPhase, ResilientProvider } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { Ticks } from '../support/closing-time.ts';
import {
  combine,
  type Fault,
  glued,
  silence,
  silenceAfterHeaders,
  stallAfter,
  startFaultServer,
} from '../support/fault-server.ts';
import { ADAPTERS, type Adapter } from './adapters.ts';

const PHASES: readonly (readonly [when: string, fault: Fault, phase: ChatPhase])[] = [
  ['before the headers', silence(), 'connecting'],
  ['behind the headers', silenceAfterHeaders(), 'preamble'],
  ['behind the preamble', stallAfter(0), 'preamble'],
  ['while nothing but pings comes', stallAfter(0, { pingEvery: 5 }), 'preamble'],
  ['behind some content', combine(glued(), stallAfter(3)), 'content'],
  ['behind some content, among pings', combine(glued(), stallAfter(3, { pingEvery: 5 })), 'content'],
];
/** Until its first token the model of the SDK keeps to itself that it has been answered. */
const phaseIn = (phase: ChatPhase, { adapter }: Adapter): ChatPhase =>
  phase === 'preamble' && adapter.startsWith('aiSdk of @ai-sdk/') ? 'connecting' : phase;

const WAYS = ['unsubscribe', 'abort'] as const;
const faults = new Map<string, Fault>();
const wall = await startFaultServer({
  script: (_, { path }) => faults.get(path.split('/')[1] ?? '') as Fault,
});
afterAll(() => wall.close());

test.each(PHASES.flatMap(([when, fault, phase]) => WAYS.map((way) => ({ when, fault, phase, way }))))(
  '$way $when closes the socket within 100 ms',
  async ({ fault, phase, way, when }) => {
    using ticks = new Ticks();
    const times = await Promise.all(
      ADAPTERS.map(async (adapter, index) => {
        const cell = `${way}-${when.replaceAll(/\W/g, '-')}-${index}`;
        faults.set(cell, fault);
        const provider = new ResilientProvider({
          provider: adapter.at(`${wall.url}/${cell}`, 'main'),
          retry: 1,
          bulkhead: {},
          events: new EventBus(),
        });
        const controller = new AbortController();
        let end = 'none';
        const reached = await new Promise<() => void>((resolve) => {
          const subscription = provider
            .stream([{ role: 'user', content: 'Hello' }], {
              signal: controller.signal,
              onPhase(now) {
                if (now.phase === phaseIn(phase, adapter)) resolve(() => subscription.unsubscribe());
              },
            })
            .subscribe({
              error: (error: Error) => (end = error.name),
              complete: () => (end = 'complete'),
            });
        });
        // The request has to be there, so that there is something to be closed.
        while (!wall.attempts.some(({ path }) => path.startsWith(`/${cell}/`)))
          await new Promise((resolve) => setTimeout(resolve, 1));
        const [attempt] = wall.attempts.filter(({ path }) => path.startsWith(`/${cell}/`));
        const left = ticks.elapsed;
        if (way === 'abort') controller.abort();
        else reached();
        await attempt?.closed;
        const time = attempt?.clientClosedAt === undefined ? Infinity : ticks.elapsed - left;
        const { active, cancelled, failed } = provider.stats;
        expect([adapter.adapter, end, active, cancelled, failed]).toStrictEqual([
          adapter.adapter,
          way === 'abort' ? 'AbortError' : 'none',
          0,
          1,
          0,
        ]);
        return [adapter.adapter, time] as const;
      }),
    );
    expect(times.filter(([, time]) => !(time < 100))).toStrictEqual([]);
    await wall.idle();
    // Nobody has tried again.
    expect(wall.attempts.length % ADAPTERS.length).toBe(0);
  },
);
