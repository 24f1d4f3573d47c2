import { distinctUntilChanged, map } from 'rxjs';
import { Bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker, type CircuitState } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { resilience } from '../../src/pipeline/index.ts';
import { RateLimiter } from '../../src/rate-limit/index.ts';
import { fixedBackoff, fullJitterBackoff } from '../../src/retry/index.ts';
import type { Chapter } from '../diagram.ts';

const states = { c: 'closed', o: 'open', h: 'half-open' } satisfies Record<string, CircuitState>;

export const resilienceChapter: Chapter = {
  operator: 'resilience',
  introduction:
    'Every pattern helps alone; in the wrong order they harm each other. This is the order in which they help: fallback > total timeout > retry > circuit breaker > rate limit > bulkhead > first and each timeout > source. Each diagram shows one reason for it.',
  diagrams: [
    {
      title: 'A stream that has no trouble is not touched',
      prose: 'Six policies stand around it. Nothing is added, delayed or dropped.',
      setup: () =>
        resilience({
          fallback: 'f',
          timeout: { total: 50, first: 10, each: 10 },
          retry: 3,
          circuitBreaker: {},
          rateLimit: {},
          bulkhead: {},
        }),
      source: '       --a--b--|',
      expected: '     --a--b--|',
      subscriptions: ['^-------!'],
    },
    {
      title: 'A failure is retried, and nobody hears of it',
      prose: 'The innermost part that can help does. The fallback is not asked.',
      setup: () => resilience({ fallback: 'f', retry: { backoff: fixedBackoff(3) } }),
      source: ['      --#', '--a|'],
      expected: '     -------a|',
      subscriptions: ['^-!', '-----^--!'],
    },
    {
      title: 'The fallback sees the final verdict',
      prose: 'It stands outside the retry, so it answers once, when all attempts are used up.',
      setup: () => resilience({ fallback: 'f', retry: { maxRetries: 1, backoff: fixedBackoff(3) } }),
      source: '       --#',
      expected: '     -------(f|)',
      subscriptions: ['^-!', '-----^-!'],
    },
    {
      title: 'The breaker sees every attempt',
      prose:
        'It stands inside the retry. Two attempts of one call are enough to open it. The third is refused without touching the source, and the retry gives up: the circuit stays open for longer than it may wait.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 2, recoveryTimeout: 50 });
        return {
          operator: resilience({
            fallback: 'f',
            retry: { backoff: fixedBackoff(3), maxDelay: 10 },
            circuitBreaker: breaker,
          }),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: '       --#',
      expected: '     ----------(f|)',
      subscriptions: ['^-!', '-----^-!'],
      lanes: { circuit: { expected: 'c------o 49ms h', values: states } },
    },
    {
      title: 'The breaker sees the timeout of an attempt',
      prose:
        'first and each stand inside it: a provider that is silent is as broken as one that fails. The second consumer is refused at once.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 50 });
        return {
          operator: resilience({ timeout: { first: 4 }, circuitBreaker: breaker }),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: '       ---------a|',
      consumers: ['   ^', '      ------^'],
      expected: ['    ----#', '  ------#'],
      errors: ['StreamTimeoutError', 'CircuitOpenError'],
      subscriptions: ['^---!', ''],
      lanes: { circuit: { expected: 'c---o 49ms h', values: states } },
    },
    {
      title: 'An open circuit uses no quota',
      prose:
        'The limiter stands inside the breaker. The first attempt takes the only permit and opens the circuit; the second consumer is refused by the circuit, not queued by the limiter.',
      setup() {
        const events = new EventBus();
        return {
          operator: resilience({
            events,
            circuitBreaker: { failureThreshold: 1, recoveryTimeout: 50 },
            rateLimit: { requestsPerSecond: 100, burstSize: 1 },
          }),
          lanes: {
            events: events.pipe(map(({ type }) => type)),
          },
        };
      },
      source: '       --#',
      consumers: ['   ^', '      ----^'],
      expected: ['    --#', '    ----#'],
      errors: ['error', 'CircuitOpenError'],
      subscriptions: ['^-!', ''],
      lanes: {
        events: {
          expected: '--o-x 47ms h',
          values: { o: 'circuit_opened', x: 'circuit_rejected', h: 'circuit_half_open', q: 'rate_limited' },
        },
      },
    },
    {
      title: 'The wait for a permit is no part of a slow call',
      prose:
        'The second stream waits 10 ms for its permit and then takes 3 ms. A call is slow above 5 ms; the circuit stays closed.',
      setup() {
        const breaker = new CircuitBreaker({
          window: { type: 'count', size: 2 },
          slowCall: { threshold: 5, rate: 0.5 },
        });
        return {
          operator: resilience({
            circuitBreaker: breaker,
            rateLimit: new RateLimiter({ requestsPerSecond: 100, burstSize: 1 }),
          }),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: '       --a|',
      consumers: ['   ^', '      ^'],
      expected: ['    --a|', '   ------------a|'],
      subscriptions: ['^--!', '----------^--!'],
      lanes: { circuit: { expected: 'c', values: states } },
    },
    {
      title: 'The wait for a permit holds no place',
      prose:
        'The bulkhead stands inside the limiter: only who may send takes a place. While the second stream waits for its permit, nothing is in use.',
      setup() {
        const bulkhead = new Bulkhead({ maxConcurrent: 1 });
        return {
          operator: resilience({ bulkhead, rateLimit: { requestsPerSecond: 100, burstSize: 1 } }),
          lanes: {
            'in use': bulkhead.state$.pipe(
              map(({ activeCount }) => activeCount),
              distinctUntilChanged(),
            ),
          },
        };
      },
      source: '       ---a|',
      consumers: ['   ^', '      -^'],
      expected: ['    ---a|', '  -------------a|'],
      subscriptions: ['^---!', '----------^---!'],
      lanes: { 'in use': { expected: '(01)0-----1---0' } },
    },
    {
      title: 'The wait for a place is no part of timeout.first',
      prose:
        'The bulkhead stands outside the clocks of an attempt: they start when the source does, not when the line is joined.',
      setup: () => resilience({ timeout: { first: 4 }, bulkhead: { maxConcurrent: 1 } }),
      source: '       --a-----|',
      consumers: ['   ^', '      -^'],
      expected: ['    --a-----|', ' ----------a-----|'],
      subscriptions: ['^-------!', '--------^-------!'],
    },
    {
      title: 'The total bounds attempts, waits and back-offs',
      prose:
        'A back-off that does not fit into what is left of it is not waited for: the fallback, further out, acts at once. An attempt that is under way is ended when the total is over.',
      setup: () =>
        resilience({
          fallback: 'f',
          timeout: { total: 8 },
          retry: { maxRetries: 5, backoff: fixedBackoff(3) },
        }),
      source: '       --#',
      expected: '     -------(f|)',
      subscriptions: ['^-!', '-----^-!'],
    },
    {
      title: 'After the first value nothing starts again',
      prose:
        'One rule for retry and fallback: what has been delivered stands, and nothing is delivered twice or mixed with something else. Here the commit is the first value that is no ping.',
      setup: () =>
        resilience({
          fallback: 'f',
          retry: { backoff: fixedBackoff(2) },
          commitOn: (value: string) => value !== 'p',
        }),
      source: ['      -p-#', '-p-a-#'],
      expected: '     -p----p-a-#',
      subscriptions: ['^--!', '-----^----!'],
    },
    {
      title: 'One source of chance for all parts',
      prose: 'random is given to the back-off of the retry: half of a full jitter of 8 ms.',
      setup: () => resilience({ random: () => 0.5, retry: { backoff: fullJitterBackoff({ base: 8 }) } }),
      source: ['      -#', 'a|'],
      expected: '     -----a|',
      subscriptions: ['^!', '-----^!'],
    },
    {
      title: 'A cancel ends an attempt, and is neutral',
      prose: 'One failure would open this circuit. A consumer that leaves is none.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1 });
        return {
          operator: resilience({
            fallback: 'f',
            retry: 3,
            circuitBreaker: breaker,
            bulkhead: { maxConcurrent: 1 },
          }),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: '       --a--#',
      consumers: ['   ^---!'],
      expected: '     --a--',
      subscriptions: ['^---!'],
      lanes: { circuit: { expected: 'c', values: states } },
    },
    {
      title: 'A cancel ends a back-off',
      prose: 'No further attempt, no fallback, no timer.',
      setup: () => resilience({ fallback: 'f', timeout: 50, retry: { backoff: fixedBackoff(9) } }),
      source: '       --#',
      consumers: ['   ^-----!'],
      expected: '     ------',
      subscriptions: ['^-!'],
    },
    {
      title: 'A cancel leaves the line',
      prose:
        'The second consumer waits for a place and leaves; its source is never subscribed, and the third moves up.',
      setup: () => resilience({ retry: 3, circuitBreaker: {}, bulkhead: { maxConcurrent: 1 } }),
      source: ['      --a--|', '-b|'],
      consumers: ['   ^', '      -^-!', '   --^'],
      expected: ['    --a--|', ' ----', '     ------b|'],
      subscriptions: ['^----!', '-----^-!'],
    },
  ],
};
