import type { MonoTypeOperatorFunction } from 'rxjs';
import type { ChatChunk } from '../src/chat/index.ts';
import { CircuitBreaker, circuitBreaker } from '../src/circuit-breaker/index.ts';
import { EventBus } from '../src/core/event-bus.ts';
import { RetryBudget } from '../src/core/retry-budget.ts';
import { retryWithBackoff } from '../src/retry/index.ts';
import { seededRandom } from '../src/testing/random.ts';
import { exponential, lognormal } from './distribution.ts';
import { type Call, openLoop, perSecond } from './load.ts';
import { SimulatedModel } from './model.ts';
import type { Scenario } from './scenario.ts';
import { VirtualTime } from './virtual-time.ts';

const CALLS_PER_SECOND = 50;
const FROM = 60_000;
const UNTIL = 120_000;
const END = 180_000;
/** Of a step of the curves, and of what the worst is taken from: calls that arrive by chance mean nothing in less. */
const [STEP, SPAN] = [2_000, 5_000];

export const outage: Scenario = {
  slug: 'outage',
  title: 'A minute of outage under load',
  prose: `${CALLS_PER_SECOND} calls a second arrive, by chance. For a minute the provider is down: the answers that it writes break off in one moment, and every further request fails. Each call may be retried three times, after 1, 2 and 4 seconds with jitter. A \`RetryBudget\` of 15 % is shared by all of them.`,
  run() {
    const bare = played(({ common }) => retryWithBackoff({ ...common, ...retries }));
    const budgeted = played(({ common, time }) => {
      const budget = new RetryBudget({ retryRatio: 0.15, minRetriesPerSecond: 0, scheduler: time });
      return retryWithBackoff({ ...common, ...retries, budget });
    });
    const broken = played(({ common, time }) => {
      const budget = new RetryBudget({ retryRatio: 0.15, minRetriesPerSecond: 0, scheduler: time });
      const breaker = circuitBreaker(
        new CircuitBreaker({ scheduler: time, events: common.events, recoveryTimeout: 2_000 }),
      );
      const retry = retryWithBackoff({ ...common, ...retries, budget });
      return (source) => source.pipe(breaker, retry);
    });
    return {
      claims: [
        {
          claim: 'Load that retries add during the outage, with a budget',
          measured: budgeted.added,
          atMost: 20,
          unit: ' %',
        },
        {
          claim: '… without one',
          measured: bare.added,
          atLeast: 100,
          unit: ' %',
        },
        {
          claim: 'Requests for every call in the worst five seconds after the outage, with a budget',
          measured: budgeted.peak,
          atMost: 120,
          unit: ' %',
        },
      ],
      table: {
        columns: ['', 'No budget', 'Budget', 'Budget and circuit breaker'],
        rows: [
          ['Calls during the outage', bare.calls, budgeted.calls, broken.calls],
          ['Requests that reach the provider then', bare.requests, budgeted.requests, broken.requests],
          ...[
            ['… more than calls', 'added'] as const,
            ['Requests for every call in the worst five seconds of it', 'worst'] as const,
            ['… and in the worst five seconds after it', 'peak'] as const,
          ].map(([name, of]) => [name, ...[bare, budgeted, broken].map((it) => `${Math.round(it[of])} %`)]),
          ['Calls that fail after it', bare.failedAfter, budgeted.failedAfter, broken.failedAfter],
        ],
      },
      charts: [
        {
          slug: 'requests',
          title: 'What the provider has to bear',
          description:
            'Requests a second. Without a budget retries make nearly four times as much of the load for the whole outage, and go on for seconds after; with a budget it rises by less than a fifth; with a circuit breaker as well, next to nothing arrives until the provider is back.',
          x: 'seconds',
          y: 'requests a second',
          curves: [
            { name: 'budget', points: budgeted.curve, style: 'steps' },
            { name: 'no budget', points: bare.curve, style: 'steps' },
            { name: 'budget and circuit breaker', points: broken.curve, style: 'steps' },
          ],
          spans: [{ name: 'outage', from: FROM / 1_000, until: UNTIL / 1_000 }],
        },
      ],
    };
  },
};

const retries = { maxRetries: 3, backoff: 'jittered', retryIf: () => true } as const;

interface Surroundings {
  readonly time: VirtualTime;
  readonly common: {
    readonly scheduler: VirtualTime;
    readonly events: EventBus;
    readonly random: () => number;
  };
}

function played(guard: (of: Surroundings) => MonoTypeOperatorFunction<ChatChunk>) {
  const time = new VirtualTime();
  // Whatever is done about them, the same calls arrive.
  const [random, arrivals] = [seededRandom(3), seededRandom(4)];
  const model = new SimulatedModel({
    time,
    firstToken: lognormal(400, 0.3, random),
    writing: lognormal(3_000, 0.3, random),
  });
  const guarded = guard({ time, common: { scheduler: time, events: new EventBus(), random } });
  time.after(FROM, () => model.fail('server'));
  time.after(UNTIL, () => model.fail(undefined));
  const calls = openLoop(time, exponential(CALLS_PER_SECOND, arrivals), () =>
    model.stream({ messages: [] }).pipe(guarded),
  );
  time.run(END);
  return figures(model, calls);
}

function figures(model: SimulatedModel, calls: readonly Call[]) {
  const moments = model.visits.map(({ at }) => at);
  const begun = calls.map((call) => call.begun);
  const highest = (from: number, until: number): number => {
    const [asked, wanted] = [moments, begun].map((of) => perSecond(of, SPAN, END));
    const loads = asked!.map(([x, load], index) => [x * 1_000, (100 * load) / wanted![index]![1]] as const);
    return Math.max(...loads.filter(([x]) => x >= from && x < until).map(([, load]) => load));
  };
  const during = calls.filter(({ begun }) => begun >= FROM && begun < UNTIL).length;
  const requests = model.count(() => true, FROM, UNTIL);
  return {
    curve: perSecond(moments, STEP, END),
    calls: during,
    requests,
    added: (100 * (requests - during)) / during,
    worst: highest(FROM, UNTIL),
    // What begins later has not ended yet.
    peak: highest(UNTIL, END - 20_000),
    failedAfter: calls.filter(({ begun, error }) => begun >= UNTIL && error !== undefined).length,
  };
}
