import type { MonoTypeOperatorFunction } from 'rxjs';
import type { ChatChunk } from '../src/chat/index.ts';
import { EventBus } from '../src/core/event-bus.ts';
import { hedge, LatencyPercentile } from '../src/hedge/index.ts';
import { seededRandom } from '../src/testing/random.ts';
import { exponential, lognormal } from './distribution.ts';
import { openLoop } from './load.ts';
import { SimulatedModel } from './model.ts';
import type { Point, Scenario } from './scenario.ts';
import { percentile } from './statistics.ts';
import { VirtualTime } from './virtual-time.ts';

const CALLS_PER_SECOND = 20;
const END = 420_000;
/** The first calls teach the percentile. */
const LEARNING = 30_000;
/** One request in so many meets a machine that is not well. */
const UNLUCKY = 33;
const SHARES = [0.5, 0.9, 0.95, 0.99, 0.999];

export const hedging: Scenario = {
  slug: 'hedging',
  title: 'A tail that a second request cuts off',
  prose: `A provider gives its first token after some 400 ms, but one request in ${UNLUCKY} meets a machine that takes ten times as long. \`hedge()\` sends a second request when the first is slower than 95 % of those before it, and takes whichever speaks first; its budget allows one hedge for every twenty calls.`,
  run() {
    const bare = played(() => (source) => source);
    const hedged = played((time) =>
      hedge({
        delay: new LatencyPercentile({ percentile: 0.95 }),
        budget: { retryRatio: 0.05, minRetriesPerSecond: 0 },
        scheduler: time,
        events: new EventBus(),
      }),
    );
    const [before, after] = [bare, hedged].map(({ firsts }) => percentile(firsts, 0.99)) as [number, number];
    return {
      claims: [
        {
          claim: 'p99 time to first token, as a share of that without hedges',
          measured: (100 * after) / before,
          atMost: 50,
          unit: ' %',
        },
        { claim: 'Requests beyond one for each call', measured: hedged.added, atMost: 5, unit: ' %' },
      ],
      table: {
        columns: ['Time to first token (ms)', 'Without hedges', 'Hedged at p95'],
        rows: [
          ...SHARES.map((share) => [
            `p${Number((share * 100).toPrecision(3))}`,
            ...[bare, hedged].map(({ firsts }) => Math.round(percentile(firsts, share))),
          ]),
          ['Calls', bare.calls, hedged.calls],
          ['Requests', bare.requests, hedged.requests],
        ],
      },
      charts: [
        {
          slug: 'percentiles',
          title: 'Time to first token, by percentile',
          description:
            'Up to the 95th percentile both curves are the same. From the 97th on the curve without hedges jumps to several seconds; the one with hedges stays near a second until beyond the 99th.',
          x: 'percentile',
          y: 'time to first token (s)',
          curves: [
            { name: 'hedged at p95', points: curveOf(hedged.firsts) },
            { name: 'without hedges', points: curveOf(bare.firsts) },
          ],
        },
      ],
    };
  },
};

function played(guard: (time: VirtualTime) => MonoTypeOperatorFunction<ChatChunk>) {
  const time = new VirtualTime();
  // Whatever is done about them, the same calls arrive.
  const [random, arrivals] = [seededRandom(11), seededRandom(12)];
  const [usual, slow] = [lognormal(400, 0.25, random), lognormal(4_000, 0.25, random)];
  const model = new SimulatedModel({
    time,
    firstToken: () => (random() * UNLUCKY < 1 ? slow() : usual()),
    writing: lognormal(1_000, 0.3, random),
  });
  const guarded = guard(time);
  let begun = 0;
  const calls = openLoop(time, exponential(CALLS_PER_SECOND, arrivals), () => {
    begun++;
    return model.stream({ messages: [] }).pipe(guarded);
  });
  time.run(END);
  const counted = calls.filter(({ begun }) => begun >= LEARNING);
  return {
    firsts: counted.map(({ begun, first = Number.NaN }) => first - begun),
    calls: begun,
    requests: model.visits.length,
    added: (100 * (model.visits.length - begun)) / begun,
  };
}

/** From the 90th percentile to the 99.9th. */
function curveOf(firsts: readonly number[]): Point[] {
  return Array.from({ length: 100 }, (_, index): Point => {
    const share = 0.9 + index / 1_000;
    return [share * 100, percentile(firsts, share) / 1_000];
  });
}
