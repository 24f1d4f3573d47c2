import { type MonoTypeOperatorFunction, tap } from 'rxjs';
import { AdaptiveConcurrency, adaptiveConcurrency } from '../src/adaptive-concurrency/index.ts';
import { Bulkhead, bulkhead } from '../src/bulkhead/index.ts';
import type { ChatChunk } from '../src/chat/index.ts';
import { EventBus } from '../src/core/event-bus.ts';
import { seededRandom } from '../src/testing/random.ts';
import { lognormal } from './distribution.ts';
import { closedLoop } from './load.ts';
import { SimulatedModel } from './model.ts';
import type { Point, Scenario } from './scenario.ts';
import { mean, percentile } from './statistics.ts';
import { VirtualTime } from './virtual-time.ts';

const CALLERS = 200;
const PHASE = 240_000;
/** The knee in each phase: answers that the provider can write at a time. */
const KNEES = [60, 24, 60];
const END = KNEES.length * PHASE;
/** What belongs to the way from one knee to the next. */
const SETTLING = 80_000;

export const slowProvider: Scenario = {
  slug: 'slow-provider',
  title: 'A provider that slows down',
  prose: `A provider writes ${KNEES[0]} answers at a time; whoever comes then queues there, and waits for a first token. After four minutes most of its machines go away, ${KNEES[1]} answers remain, and after four more they come back. ${CALLERS} callers always want an answer. An \`AdaptiveConcurrency\` is told none of this.`,
  run() {
    const limits: Point[] = [];
    const adaptive = played((time) => {
      const limiter = new AdaptiveConcurrency({ ...patient, scheduler: time, events: new EventBus() });
      time.every(2_000, () => limits.push([time.now() / 1_000, limiter.limit]));
      return adaptiveConcurrency(limiter);
    });
    const fixed = played((time) =>
      bulkhead(
        new Bulkhead({ ...patient, maxConcurrent: KNEES[0]!, scheduler: time, events: new EventBus() }),
      ),
    );
    const phases = KNEES.map((knee, phase) => {
      const settled = limits.filter(([second]) => within(second * 1_000, phase, SETTLING));
      const found = limits.find(
        ([second, limit]) => within(second * 1_000, phase) && Math.abs(limit - knee) <= 0.1 * knee,
      );
      const average = mean(settled.map(([, limit]) => limit));
      return {
        knee,
        average,
        deviation: (100 * Math.abs(average - knee)) / knee,
        found: (found?.[0] ?? Number.POSITIVE_INFINITY) - (phase * PHASE) / 1_000,
        adaptive: figures(adaptive, phase),
        fixed: figures(fixed, phase),
      };
    });
    const [first, slow, again] = phases as [(typeof phases)[0], (typeof phases)[0], (typeof phases)[0]];
    return {
      claims: [
        ...phases.map(({ knee, deviation }, phase) => ({
          claim: `Distance of the limit from the knee, ${['at first', 'while it is slow', 'after it has recovered'][phase]} (${knee})`,
          measured: deviation,
          atMost: 10,
          unit: ' %',
        })),
        {
          claim: 'Until the limit is within 10 % of the knee again, when it has fallen',
          measured: slow.found,
          atMost: 60,
          unit: ' s',
        },
        { claim: '… and when it has risen', measured: again.found, atMost: 60, unit: ' s' },
        {
          claim: 'Answers that are written while it is slow, of those behind a bulkhead of 60',
          measured: (100 * slow.adaptive.answers) / slow.fixed.answers,
          atLeast: 95,
          unit: ' %',
        },
        {
          claim: 'p95 time to first token while it is slow, as a share of that behind a bulkhead of 60',
          measured: (100 * slow.adaptive.p95) / slow.fixed.p95,
          atMost: 25,
          unit: ' %',
        },
      ],
      table: {
        columns: ['', 'At first', 'While it is slow', 'After it has recovered'],
        rows: [
          ['Knee', ...KNEES],
          ['Limit, on average', first.average, slow.average, again.average],
          ['Found after (s)', first.found, slow.found, again.found],
          ['Time to first token, p50 (ms)', ...phases.map(({ adaptive }) => Math.round(adaptive.p50))],
          ['… p95 (ms)', ...phases.map(({ adaptive }) => Math.round(adaptive.p95))],
          ['… p95 behind a bulkhead of 60 (ms)', ...phases.map(({ fixed }) => Math.round(fixed.p95))],
          ['Answers', ...phases.map(({ adaptive }) => adaptive.answers)],
          ['Answers behind a bulkhead of 60', ...phases.map(({ fixed }) => fixed.answers)],
        ],
      },
      charts: [
        {
          slug: 'limit',
          title: 'The limit follows the knee',
          description: `It rises to ${KNEES[0]}, falls to ${KNEES[1]} when the provider slows down, and rises again; the short dips are looks at the latency at rest.`,
          x: 'seconds',
          y: 'streams at a time',
          curves: [
            { name: 'limit', points: limits, style: 'steps' },
            {
              name: 'knee of the provider',
              points: KNEES.flatMap((knee, phase): Point[] => [
                [(phase * PHASE) / 1_000, knee],
                [((phase + 1) * PHASE) / 1_000, knee],
              ]),
              style: 'bound',
            },
          ],
          spans: [{ name: 'slow', from: PHASE / 1_000, until: (2 * PHASE) / 1_000 }],
        },
        {
          slug: 'first-token',
          title: 'Who waits where',
          description:
            'Time to first token from the start of an attempt, p95 of five seconds. With the adaptive limit it is near a second again soon after each change; behind a bulkhead of 60 it is more than six as long as the provider is slow.',
          x: 'seconds',
          y: 'p95 time to first token (s)',
          curves: [
            { name: 'adaptive limit', points: curveOf(adaptive) },
            { name: 'bulkhead of 60', points: curveOf(fixed) },
          ],
          spans: [{ name: 'slow', from: PHASE / 1_000, until: (2 * PHASE) / 1_000 }],
        },
      ],
    };
  },
};

const patient = { maxQueue: CALLERS, queueTimeout: Number.POSITIVE_INFINITY };

/** The first token of one attempt: when it came, and how long after the attempt had started. */
interface First {
  readonly at: number;
  readonly after: number;
}

function played(guard: (time: VirtualTime) => MonoTypeOperatorFunction<ChatChunk>): First[] {
  const time = new VirtualTime();
  const random = seededRandom(7);
  const model = new SimulatedModel({
    time,
    firstToken: lognormal(400, 0.3, random),
    writing: lognormal(3_000, 0.3, random),
    places: KNEES[0]!,
  });
  for (const [phase, knee] of KNEES.entries()) time.after(phase * PHASE, () => model.resize(knee));
  const firsts: First[] = [];
  const guarded = guard(time);
  closedLoop(time, CALLERS, () => {
    let begun: number | undefined;
    const attempt = model.stream({ messages: [] }).pipe(
      tap({
        subscribe: () => {
          begun = time.now();
        },
        next: () => {
          if (begun !== undefined) firsts.push({ at: time.now(), after: time.now() - begun });
          begun = undefined;
        },
      }),
    );
    return attempt.pipe(guarded);
  });
  time.run(END);
  return firsts;
}

const within = (moment: number, phase: number, from = 0): boolean =>
  moment >= phase * PHASE + from && moment < (phase + 1) * PHASE;

function figures(firsts: readonly First[], phase: number) {
  const settled = firsts.filter(({ at }) => within(at, phase, SETTLING)).map(({ after }) => after);
  return { p50: percentile(settled, 0.5), p95: percentile(settled, 0.95), answers: settled.length };
}

function curveOf(firsts: readonly First[]): Point[] {
  const width = 5_000;
  const spans = Array.from({ length: END / width }, (): number[] => []);
  for (const { at, after } of firsts) spans[Math.floor(at / width)]?.push(after);
  return spans.flatMap((span, index): Point[] =>
    span.length === 0 ? [] : [[(index * width) / 1_000, percentile(span, 0.95) / 1_000]],
  );
}
