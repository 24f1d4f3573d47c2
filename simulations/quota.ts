import { ResilientProvider } from '../src/chat/index.ts';
import { EventBus } from '../src/core/event-bus.ts';
import type { RateLimiterConfig } from '../src/rate-limit/index.ts';
import { seededRandom } from '../src/testing/random.ts';
import { lognormal } from './distribution.ts';
import { closedLoop } from './load.ts';
import { type Quota, SimulatedModel } from './model.ts';
import type { Point, Scenario } from './scenario.ts';
import { VirtualTime } from './virtual-time.ts';

const CALLERS = 200;
const MINUTE = 60_000;
const MINUTES = 4;
/** What is kept clear of the limit: the clocks of the two sides know nothing of each other. */
const SHARE = 0.98;

const QUOTAS = {
  tokens: { requests: 500, tokens: 60_000 },
  requests: { requests: 150, tokens: 100_000 },
} as const satisfies Record<string, Required<Quota>>;

export const quota: Scenario = {
  slug: 'quota',
  title: 'Two hundred callers, one quota',
  prose: `A provider accepts so many requests and so many tokens in each minute of its own clock, and answers whatever is more with a 429. ${CALLERS} callers always want an answer, of which nobody knows how long it will be. One \`RateLimiter\` in a \`ResilientProvider\` knows the two limits, less 2 %: it reserves an estimate for each request, and at its end gives back or takes what it was wrong by. Without it, every caller waits as long as the 429 says, and asks again.`,
  run() {
    const limited = {
      tokens: played(QUOTAS.tokens, limiterFor(QUOTAS.tokens)),
      requests: played(QUOTAS.requests, limiterFor(QUOTAS.requests)),
    };
    const bare = played(QUOTAS.tokens);
    return {
      claims: Object.entries(limited).flatMap(([scarce, { minutes }]) => [
        {
          claim: `Refusals (429) after the first minute, where ${scarce} are scarce`,
          measured: minutes.slice(1).reduce((sum, { refused }) => sum + refused, 0),
          atMost: 0,
        },
        {
          claim: `Share of the quota of ${scarce} that is used then`,
          measured: minutes.slice(1).reduce((sum, { used }) => sum + used, 0) / (minutes.length - 1),
          atLeast: 95,
          unit: ' %',
        },
      ]),
      table: {
        columns: [
          'Minute',
          'Tokens scarce: used',
          'refused',
          'Requests scarce: used',
          'refused',
          'No limiter: used',
          'refused',
        ],
        rows: Array.from({ length: MINUTES }, (_, minute) => [
          minute + 1,
          ...[limited.tokens, limited.requests, bare].flatMap(({ minutes }) => {
            const { used = 0, refused = 0 } = minutes[minute] ?? {};
            return [`${used.toFixed(1)} %`, refused];
          }),
        ]),
      },
      charts: [
        {
          slug: 'tokens',
          title: 'What each minute has used up so far',
          description: `Tokens of the minute, which the provider counts from 0 again and again. With a limiter they rise evenly, to just below ${QUOTAS.tokens.tokens}. Without one they are used up within seconds of each minute, and then everybody is refused.`,
          x: 'seconds',
          y: 'tokens since the minute began',
          curves: [
            { name: 'with a limiter', points: limited.tokens.tokens },
            { name: 'without', points: bare.tokens },
            {
              name: 'quota',
              points: [
                [0, QUOTAS.tokens.tokens],
                [(MINUTES * MINUTE) / 1_000, QUOTAS.tokens.tokens],
              ],
              style: 'bound',
            },
          ],
        },
      ],
    };
  },
};

const limiterFor = ({ requests, tokens }: Required<Quota>): RateLimiterConfig => ({
  requestsPerMinute: SHARE * requests,
  tokensPerMinute: SHARE * tokens,
  maxQueue: CALLERS,
  queueTimeout: Number.POSITIVE_INFINITY,
});

function played(quota: Required<Quota>, rateLimit?: RateLimiterConfig) {
  const time = new VirtualTime();
  const random = seededRandom(7);
  const model = new SimulatedModel({
    time,
    firstToken: lognormal(400, 0.3, random),
    writing: lognormal(3_000, 0.3, random),
    tokens: lognormal(200, 0.5, random),
    quota,
  });
  const provider = new ResilientProvider({
    provider: model,
    rateLimit: rateLimit && { ...rateLimit, random },
    retry: { maxRetries: 5, maxDelay: MINUTE, random },
    circuitBreaker: { failureThreshold: Number.MAX_SAFE_INTEGER },
    scheduler: time,
    events: new EventBus(),
  });
  const question = { role: 'user', content: 'Write about a fox.'.repeat(20) } as const;
  const tokens: Point[] = [];
  time.every(500, () => {
    const minute = model.minutes[Math.floor(time.now() / MINUTE)];
    tokens.push([time.now() / 1_000, minute?.tokens ?? 0]);
  });
  closedLoop(time, CALLERS, () => provider.stream([question]));
  time.run(MINUTES * MINUTE);
  return {
    tokens,
    minutes: model.minutes.map((minute, index) => ({
      used: 100 * Math.max(minute.requests / quota.requests, minute.tokens / quota.tokens),
      refused: model.count((outcome) => outcome === 'rate-limit', index * MINUTE, (index + 1) * MINUTE),
    })),
  };
}
