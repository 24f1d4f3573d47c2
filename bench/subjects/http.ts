import { once } from 'node:events';
import { type Ask, adapter, aiSdk, native, official, type Place, resilient } from '../clients.ts';
import { answerOf } from '../frames.ts';
import { type Contestant, timedAfter, wallTime } from '../measure.ts';
import { start } from '../start.ts';
import { table } from '../table.ts';

const WORDS = 50;

/** Started when it is first needed; ends with this process. */
let service: Promise<Place> | undefined;

async function started(): Promise<Place> {
  const server = start('http-server', String(WORDS));
  const [baseURL] = (await once(server, 'message')) as [string];
  server.unref();
  server.channel?.unref();
  return { baseURL };
}

/** @param atOnce how many callers there are; each begins a call when the one before has ended. */
function calling(name: string, client: (place: Place) => Ask, calls: number, atOnce: number): Contestant {
  let ask: Ask | undefined;
  return timedAfter(
    name,
    async () => {
      service ??= started();
      ask ??= client(await service);
      const call = ask;
      return async () => {
        let left = calls;
        const caller = async () => {
          while (left-- > 0)
            if ((await call()) !== answerOf(WORDS)) throw new Error(`${name} has read another answer`);
        };
        await Promise.all(Array.from({ length: atOnce }, caller));
        return calls;
      };
    },
    wallTime,
  );
}

const everybody = (calls: number, atOnce: number) => ({
  native: calling('fetch, native streams and eventsource-parser', native, calls, atOnce),
  ours: calling('openAICompatible', adapter, calls, atOnce),
  resilient: calling('openAICompatible in a ResilientProvider with every policy', resilient, calls, atOnce),
  official: calling('the client of OpenAI', official, calls, atOnce),
  aiSdk: calling('AI SDK openai-compatible', aiSdk, calls, atOnce),
});

export const tables = [
  table({
    title: 'A whole call over HTTP, one after the other',
    about: `From the request to the end of an answer of ${WORDS} words, a frame each, over loopback from a process of its own, connection kept alive: the latency of a call, by the clock.`,
    unit: 'ns',
    contestants: (short) => everybody(short ? 3 : 300, 1),
    comparisons: {
      'http.latency': { of: 'resilient', to: 'ours' },
      'http.addedLatency': { of: 'resilient', above: 'ours' },
      'http.vsFetch': { of: 'resilient', to: 'native' },
      'http.vsOpenAI': { of: 'resilient', to: 'official' },
    },
  }),
  table({
    title: 'A whole call over HTTP, 32 at once',
    about:
      'The same with 32 callers: the time that all take, for each of their calls, which is the reciprocal of the throughput.',
    unit: 'ns',
    contestants: (short) => everybody(short ? 4 : 640, short ? 2 : 32),
    comparisons: {
      'http.throughput': { of: 'resilient', to: 'ours' },
      'http.throughputVsFetch': { of: 'resilient', to: 'native' },
      'http.throughputVsOpenAI': { of: 'resilient', to: 'official' },
    },
  }),
];
