import { RateLimiter, rateLimit } from '../src/rate-limit/index.ts';
import { seededRandom } from '../src/testing/random.ts';
import { lognormal } from './distribution.ts';
import { closedLoop, perSecond } from './load.ts';
import { SimulatedModel } from './model.ts';
import type { Scenario } from './scenario.ts';
import { VirtualTime } from './virtual-time.ts';

const CALLERS = 200;
const REQUESTS_PER_MINUTE = 500;
const END = 5 * 60_000;

export const quota: Scenario = {
  slug: 'quota',
  title: 'Two hundred callers, one quota',
  prose: `A provider accepts ${REQUESTS_PER_MINUTE} requests in each minute and answers any further one with a 429. ${CALLERS} callers have more to ask than that, all the time. One \`RateLimiter\` stands between them.`,
  run() {
    const time = new VirtualTime();
    const random = seededRandom(1);
    const model = new SimulatedModel({
      time,
      firstToken: lognormal(400, 0.3, random),
      writing: lognormal(3_000, 0.3, random),
      quota: { requests: REQUESTS_PER_MINUTE },
    });
    const limiter = new RateLimiter({
      requestsPerSecond: (0.99 * REQUESTS_PER_MINUTE) / 60,
      burstSize: 1,
      maxQueue: CALLERS,
      queueTimeout: Number.POSITIVE_INFINITY,
      scheduler: time,
    });
    const answer = model
      .stream({ messages: [{ role: 'user', content: 'Write about a fox.' }] })
      .pipe(rateLimit(limiter));
    closedLoop(time, CALLERS, () => answer);
    time.run(END);

    const refused = model.visits.filter(({ outcome }) => outcome === 'rate-limit');
    const minutes = model.minutes.map(({ requests }) => requests);
    return {
      claims: [
        {
          claim: 'Refusals (429) after the first minute',
          measured: refused.filter(({ at }) => at >= 60_000).length,
          atMost: 0,
        },
        {
          claim: 'Share of the quota used, after the first minute',
          measured:
            (100 * minutes.slice(1).reduce((sum, used) => sum + used)) /
            (REQUESTS_PER_MINUTE * (minutes.length - 1)),
          atLeast: 95,
          unit: ' %',
        },
      ],
      table: {
        columns: ['Minute', 'Requests accepted', 'Requests refused'],
        rows: minutes.map((requests, minute) => [
          minute + 1,
          requests,
          refused.filter(({ at }) => Math.floor(at / 60_000) === minute).length,
        ]),
      },
      charts: [
        {
          slug: 'requests',
          title: 'Requests that reach the provider',
          description: 'They arrive evenly, just below what it accepts.',
          x: 'seconds',
          y: 'requests a second',
          curves: [
            {
              name: 'requests',
              points: perSecond(
                model.visits.map(({ at }) => at),
                5_000,
                END,
              ),
              style: 'steps',
            },
            {
              name: 'quota',
              points: [
                [0, REQUESTS_PER_MINUTE / 60],
                [END / 1_000 - 5, REQUESTS_PER_MINUTE / 60],
              ],
              style: 'bound',
            },
          ],
        },
      ],
    };
  },
};
