import { distinctUntilChanged, filter, map, of, pipe } from 'rxjs';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker, type CircuitState, circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { fallback } from '../../src/fallback/index.ts';
import { resilience } from '../../src/pipeline/index.ts';
import { RateLimiter, rateLimit } from '../../src/rate-limit/index.ts';
import { fixedBackoff, fullJitterBackoff, retryWithBackoff } from '../../src/retry/index.ts';
import { timeout } from '../../src/timeout/index.ts';
import type { Chapter } from '../diagram.ts';
import { sampled } from '../sampled.ts';

const inUse = ({ state$ }: Bulkhead) =>
  state$.pipe(
    map(({ activeCount }) => activeCount),
    distinctUntilChanged(),
  );

const states = { c: 'closed', o: 'open', h: 'half-open' } satisfies Record<string, CircuitState>;

export const resilienceChapter: Chapter = {
  operator: 'resilience',
  introduction:
    'Every pattern helps alone; in the wrong order they harm each other. This is the order in which they help: fallback > total timeout > retry > hedge > circuit breaker > throttle > rate limit > bulkhead > first and each timeout > source. Each diagram shows one reason for it.',
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
      title: 'Nothing happens before the subscription, and every subscription is an attempt of its own',
      prose:
        'The operator was made at 0. A place is taken when somebody subscribes, and given back when that stream ends.',
      setup() {
        const bulkhead = new Bulkhead({ maxConcurrent: 2 });
        return { operator: resilience({ retry: 3, bulkhead }), lanes: { 'in use': inUse(bulkhead) } };
      },
      source: '       --a--|',
      consumers: ['   ---^', '-----^'],
      expected: ['    -----a--|', '-------a--|'],
      subscriptions: ['---^----!', '-----^----!'],
      lanes: { 'in use': { expected: '0--1-2--1-0' } },
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
      title: 'A hedge is an attempt like any other to what is inside of it',
      prose:
        'It takes a place of its own, which comes back when it has lost or won. The breaker sees two attempts: a success, and a cancel, which counts as nothing.',
      setup() {
        const bulkhead = new Bulkhead({ maxConcurrent: 2 });
        const inUse = bulkhead.state$.pipe(map(({ activeCount }) => String(activeCount)));
        return {
          operator: resilience({ hedge: 4, circuitBreaker: { failureThreshold: 1 }, bulkhead }),
          lanes: { 'in use': inUse.pipe(distinctUntilChanged()) },
        };
      },
      source: ['      ---------a|', '--b---|'],
      expected: '     ------b---|',
      subscriptions: ['^-----!', '----^-----!'],
      lanes: { 'in use': { expected: '(01)2-1---0' } },
    },
    {
      title: 'Who waits for a place is not hedged',
      prose:
        'The second consumer waits 6 ms for its place. That is no fault of the other side, and a hedge could only wait behind it: the delay of 4 ms begins when the attempt does.',
      setup() {
        const bulkhead = new Bulkhead({ maxConcurrent: 1 });
        const waiting = bulkhead.state$.pipe(map(({ queueSize }) => String(queueSize)));
        return {
          operator: resilience({ hedge: 4, bulkhead }),
          lanes: { waiting: waiting.pipe(distinctUntilChanged()) },
        };
      },
      source: ['      a-----|', '---b|'],
      consumers: ['   ^', '      ^'],
      expected: ['    a-----|', '  ---------b|'],
      subscriptions: ['^-----!', '------^---!'],
      lanes: { waiting: { expected: '(01)--0' } },
    },
    {
      title: 'When a hedge has failed as well, the retry waits and begins anew',
      prose: 'It stands outside. The second round has a hedge of its own.',
      setup: () => resilience({ hedge: 3, retry: { maxRetries: 1, backoff: fixedBackoff(4) } }),
      source: ['      -----#', '--#', '-------a|', '--b|'],
      expected: '     --------------b|',
      subscriptions: ['^----!', '---^-!', '---------^----!', '------------^--!'],
    },
    {
      title: 'Retry and hedge spend from one budget',
      prose:
        'The call has paid for one attempt more. The hedge has taken it, so nothing is left for a retry, and the error of both attempts is the end.',
      setup: () =>
        resilience({
          hedge: 3,
          retry: {
            backoff: fixedBackoff(2),
            budget: { retryRatio: 1, minRetriesPerSecond: 0 },
          },
        }),
      source: '       -----#',
      expected: '     --------#',
      errors: ['HedgeExhaustedError'],
      subscriptions: ['^----!', '---^----!'],
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
      title: 'Whoever finds the places of the probes taken waits once more',
      prose:
        'Both wait until the circuit lets a probe through, and come back at once. The one place is for the first of them; the other waits as long as its back-off says, and not at all in a circle, and finds the circuit closed.',
      setup() {
        const breaker = new CircuitBreaker({
          failureThreshold: 1,
          recoveryTimeout: 5,
          halfOpenMaxCalls: 1,
          successThreshold: 1,
        });
        return {
          operator: resilience({ retry: { backoff: fixedBackoff(2) }, circuitBreaker: breaker }),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: ['      -#', '-#', '-a|'],
      consumers: ['   ^', '^'],
      expected: ['    -------a|', '---------a|'],
      subscriptions: ['^!', '^!', '------^-!', '--------^-!'],
      lanes: { circuit: { expected: 'co----h-c', values: states } },
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
      title: 'Every attempt has a timeout.first of its own',
      prose: 'It stands inside the retry, as the innermost of all. The second attempt has 4 ms again.',
      setup: () => resilience({ timeout: { first: 4 }, retry: { backoff: fixedBackoff(2) } }),
      source: ['      ---------a|', '---b|'],
      expected: '     ---------b|',
      subscriptions: ['^---!', '------^---!'],
    },
    {
      title: 'A refusal is no failure',
      prose:
        'One failure would open this circuit. The second stream was refused by the full bulkhead inside of it, which says nothing about the other side.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1 });
        return {
          operator: resilience({ circuitBreaker: breaker, bulkhead: { maxConcurrent: 1, maxQueue: 0 } }),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: ['      --a--|', '-b|'],
      consumers: ['   ^', '-^', '------^'],
      expected: ['    --a--|', '-#', '-------b|'],
      errors: ['error', 'BulkheadRejectedError'],
      subscriptions: ['^----!', '------^-!'],
      lanes: { circuit: { expected: 'c', values: states } },
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
            events: events.pipe(
              filter(({ category }) => category !== 'lifecycle'),
              map(({ type }) => type),
            ),
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
      title: 'What is turned away uses no quota',
      prose:
        'The throttle stands outside of the limiter. The first attempt takes the only permit and is refused by the service; the second consumer is turned away at once, not queued for a permit that the service would not honour.',
      setup() {
        const events = new EventBus();
        return {
          operator: resilience({
            events,
            random: () => 0.1,
            throttle: { multiplier: 1 },
            rateLimit: { requestsPerSecond: 100, burstSize: 1 },
          }),
          lanes: {
            events: events.pipe(
              filter(({ category }) => category !== 'lifecycle'),
              map(({ type }) => type),
            ),
          },
        };
      },
      source: '       --#',
      sourceErrors: [{ status: 429 }],
      consumers: ['   ^', '      ----^'],
      expected: ['    --#', '    ----#'],
      errors: [{ status: 429 }, 'ThrottledError'],
      subscriptions: ['^-!'],
      lanes: {
        events: { expected: '----t', values: { t: 'throttled', q: 'rate_limited' } },
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
            'in use': inUse(bulkhead),
          },
        };
      },
      source: '       ---a|',
      consumers: ['   ^', '      -^'],
      expected: ['    ---a|', '  -------------a|'],
      subscriptions: ['^---!', '----------^---!'],
      lanes: { 'in use': { expected: '1---0-----1---0' } },
    },
    {
      title: 'Every attempt reserves tokens of its own',
      prose:
        'Four are expected of each, six are there, and one comes back every millisecond. The first attempt breaks off and keeps its four; the retry, due at 3 ms, finds five.',
      setup() {
        const limiter = new RateLimiter({ tokensPerMinute: 60_000, burstWindow: 6 });
        return {
          operator: resilience({
            retry: { backoff: fixedBackoff(1) },
            rateLimit: limiter,
            tokens: 4,
            usageOf: (value) => (value === 'b' ? 1 : undefined),
          }),
          lanes: { tokens: sampled(() => limiter.state.balances.tokens, 7) },
        };
      },
      source: ['      --#', '-b|'],
      expected: '     ----b|',
      subscriptions: ['^-!', '---^-!'],
      lanes: { tokens: { expected: '234126' } },
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
      title: 'The total ends an attempt that is under way',
      prose: 'The retry had one left. The fallback stands further out, so it can still act.',
      setup: () => resilience({ fallback: 'f', timeout: 6, retry: { backoff: fixedBackoff(2) } }),
      source: ['      --#', '-----b|'],
      expected: '     ------(f|)',
      subscriptions: ['^-!', '----^-!'],
    },
    {
      title: 'Without a fallback the timeout is the error',
      prose: 'Of the whole, whichever attempt is under way.',
      setup: () => resilience({ timeout: 6, retry: { backoff: fixedBackoff(2) } }),
      source: ['      --#', '-----b|'],
      expected: '     ------#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^-!', '----^-!'],
    },
    {
      title: 'A circuit that stays open for longer than is left is not waited for',
      prose:
        'The second attempt is refused for 20 ms more, and 5 are left of the total. The retry gives up at once instead of at the end of the time.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 20 });
        return {
          operator: resilience({ timeout: 10, retry: { backoff: fixedBackoff(3) }, circuitBreaker: breaker }),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: '       --#',
      expected: '     -----#',
      errors: ['RetryExhaustedError'],
      subscriptions: ['^-!'],
      lanes: { circuit: { expected: 'c-o 19ms h', values: states } },
    },
    {
      title: 'timeout.with answers whichever clock ran out',
      prose: 'For first and each that answer is the one of the attempt, and to the breaker a success.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1 });
        return {
          operator: resilience({
            timeout: { first: 4, total: 7, with: ({ kind }) => of(kind) },
            circuitBreaker: breaker,
          }),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: ['      ------', '-a------'],
      consumers: ['   ^', '-^'],
      expected: ['    ----(f|)', '--a-----(t|)'],
      values: { a: 'a', f: 'first', t: 'total' },
      subscriptions: ['^---!', '-^------!'],
      lanes: { circuit: { expected: 'c', values: states } },
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
      title: 'A part may say otherwise about the commit',
      prose:
        'A ping "p" is no answer, so a stream that broke behind one is retried. But it ends the wait for the first value here: timeout.commitOn is asked, not the one of the whole.',
      setup: () =>
        resilience({
          timeout: { first: 4, commitOn: () => true },
          retry: { backoff: fixedBackoff(2) },
          commitOn: (value: string) => value !== 'p',
        }),
      source: ['      --p---#', '-a|'],
      expected: '     --p------a|',
      subscriptions: ['^-----!', '--------^-!'],
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
    {
      title: 'Written by hand, the first operator is the innermost',
      prose:
        'The same order as a pipe, for whoever wants another operator of their own in between. Two failures open the circuit, the third attempt is refused, the fallback answers.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 2, recoveryTimeout: 50 });
        return {
          operator: pipe(
            timeout({ first: 4 }),
            bulkhead({ maxConcurrent: 10 }),
            rateLimit({ requestsPerSecond: 1_000 }),
            circuitBreaker(breaker),
            retryWithBackoff({ backoff: fixedBackoff(3), maxDelay: 10 }),
            timeout(40),
            fallback('f'),
          ),
          lanes: { circuit: breaker.state$ },
        };
      },
      source: ['      --#', '------a|'],
      expected: '     ------------(f|)',
      subscriptions: ['^-!', '-----^---!'],
      lanes: { circuit: { expected: 'c--------o 49ms h', values: states } },
    },
    {
      title: 'The bus tells the story of a call',
      prose:
        'Every decision is an event, in the order in which it was made: the retry before its wait, the circuit when it opens, the fallback when it is used; and the call says when it begins and when it ends.',
      setup() {
        const events = new EventBus();
        return {
          operator: resilience({
            events,
            fallback: 'f',
            timeout: { total: 10_000, first: 2_000 },
            retry: { maxRetries: 5, backoff: fixedBackoff(10), maxDelay: 5_000 },
            circuitBreaker: { failureThreshold: 2, recoveryTimeout: 60_000 },
            bulkhead: { maxConcurrent: 10 },
          }),
          lanes: { events: events.pipe(map(({ type }) => type)) },
        };
      },
      source: '       -#',
      expected: '     ----------------------(f|)',
      subscriptions: ['^!', '-----------^!'],
      lanes: {
        events: {
          expected: 'cr----------(or)------(xefd) 59984ms h',
          values: {
            c: 'call_started',
            r: 'retry_attempted',
            o: 'circuit_opened',
            x: 'circuit_rejected',
            e: 'retry_exhausted',
            f: 'fallback_used',
            d: 'call_ended',
            h: 'circuit_half_open',
          },
        },
      },
    },
  ],
};
