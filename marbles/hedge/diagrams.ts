import { map, of, pipe } from 'rxjs';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker, type CircuitState, circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { RetryBudget } from '../../src/core/retry-budget.ts';
import { hedge, LatencyPercentile } from '../../src/hedge/index.ts';
import { fixedBackoff, retryWithBackoff } from '../../src/retry/index.ts';
import type { Chapter } from '../diagram.ts';

export const hedgeChapter: Chapter = {
  operator: 'hedge',
  introduction:
    'Most answers come soon, a few are late: somewhere a queue was long, a connection slow. Asking a second time when the first answer is late, and taking whichever comes first, cuts that tail at the price of a few requests more.',
  diagrams: [
    {
      title: 'Who is in time is left alone',
      prose: 'The first value comes before the delay of 5 ms. Nothing is added, delayed or dropped.',
      setup: () => hedge(5),
      source: '       --a--b--|',
      expected: '     --a--b--|',
      subscriptions: ['^-------!'],
    },
    {
      title: 'A second attempt joins the one that is late, and the first to speak wins',
      prose:
        'After 5 ms without a value the source is subscribed again. The second attempt speaks first: the other one is unsubscribed before its value is delivered, and never heard.',
      setup: () => hedge(5),
      source: ['      ---------a--|', '--b--c|'],
      expected: '     -------b--c|',
      subscriptions: ['^------!', '-----^-----!'],
    },
    {
      title: 'The first attempt may still win',
      prose: 'The hedge was in vain, and is unsubscribed.',
      setup: () => hedge(5),
      source: ['      ------a--b|', '-----c|'],
      expected: '     ------a--b|',
      subscriptions: ['^---------!', '-----^!'],
    },
    {
      title: 'An attempt that fails is followed at once',
      prose: 'Waiting for the delay would help nobody.',
      setup: () => hedge(5),
      source: ['      --#', '--a|'],
      expected: '     ----a|',
      subscriptions: ['^-!', '--^--!'],
    },
    {
      title: 'An error cannot win',
      prose:
        'The hedge fails, and the first attempt is still under way: it goes on as if nothing had happened.',
      setup: () => hedge(4),
      source: ['      --------a|', '--#'],
      expected: '     --------a|',
      subscriptions: ['^--------!', '----^-!'],
    },
    {
      title: 'An empty stream cannot win',
      prose:
        'It may be that there is nothing to say; it may also be that it was cut off. Somebody else may know more.',
      setup: () => hedge(4),
      source: ['      ---------a|', '--|'],
      expected: '     ---------a|',
      subscriptions: ['^---------!', '----^-!'],
    },
    {
      title: 'When nobody has won, the first to complete is believed',
      prose:
        'The second attempt completes without a value, the first one fails. One of them knew that there is nothing to say.',
      setup: () => hedge(4),
      source: ['      ---------#', '--|'],
      expected: '     ---------|',
      subscriptions: ['^--------!', '----^-!'],
    },
    {
      title: 'commitOn says who has really spoken: a ping cannot win',
      prose:
        'A ping "p" is held back until its attempt has won. The second attempt wins with "b", and what it has held back is delivered before it; the pings of the first are lost with it.',
      setup: () => hedge<string>({ delay: 4, commitOn: (value) => value !== 'p' }),
      source: ['      -p----p----a|', '-p-b---c|'],
      expected: '     -------(pb)c|',
      subscriptions: ['^------!', '----^-------!'],
    },
    {
      title: 'When all attempts fail, one error tells of all',
      prose: 'HedgeExhaustedError holds the error of every attempt, the first as its cause.',
      setup: () => hedge(4),
      source: ['      ----------#', '---#'],
      expected: '     ----------#',
      errors: ['HedgeExhaustedError'],
      subscriptions: ['^---------!', '----^--!'],
    },
    {
      title: 'An error that no repetition cures is not hedged',
      prose: 'A bad request stays bad: the error goes downstream at once, as it came.',
      setup: () => hedge(4),
      source: '       --#',
      sourceErrors: [{ status: 400 }],
      expected: '     --#',
      errors: [{ status: 400 }],
      subscriptions: ['^-!'],
    },
    {
      title: 'hedgeIf decides which errors are followed at once',
      prose: 'Here none is, so a failure before the delay is final.',
      setup: () => hedge({ delay: 4, hedgeIf: () => false }),
      source: '       --#',
      expected: '     --#',
      subscriptions: ['^-!'],
    },
    {
      title: 'maxHedges allows more than one, each after the delay of the one before',
      prose: 'Two hedges, 3 ms apart. The third attempt wins, and both others are unsubscribed.',
      setup: () => hedge({ delay: 3, maxHedges: 2 }),
      source: ['      -----------a|', '-----------b|', '--c|'],
      expected: '     --------c|',
      subscriptions: ['^-------!', '---^----!', '------^--!'],
    },
    {
      title: 'Alternatives race against the source',
      prose:
        'The hedge asks somebody else: a second provider, a replica, a cache. It is asked only when the source is late, and its values are the stream from then on.',
      setup: () => hedge({ delay: 4, alternatives: [of('x', 'y')] }),
      source: '       --------a|',
      expected: '     ----(xy|)',
      subscriptions: ['^---!'],
    },
    {
      title: 'The delay may be a live percentile of past times',
      prose:
        'It has seen three answers after 4 ms, and so it hedges after 4 ms. Now it knows a fourth time, that of the loser: it took at least 6 ms.',
      setup() {
        const usual = new LatencyPercentile({ percentile: 0.5, minimumSamples: 3 });
        for (const latency of [4, 4, 4]) usual.record(latency);
        return hedge({ delay: usual });
      },
      source: ['      ---------a|', '--b|'],
      expected: '     ------b|',
      subscriptions: ['^-----!', '----^--!'],
    },
    {
      title: 'A budget bounds what hedges add to the load',
      prose:
        'Every call pays in half a hedge. Two calls are late at once: one of them is hedged, the other one has to wait for its own answer.',
      setup() {
        const events = new EventBus();
        const budget = new RetryBudget({ retryRatio: 0.5, minRetriesPerSecond: 0 });
        return {
          operator: hedge({ delay: 4, budget, events }),
          lanes: { events: events.pipe(map(({ type }) => type)) },
        };
      },
      source: ['      --------a|', '--------b|', '--c|'],
      consumers: ['   ^', '      -^'],
      expected: ['    ------c|', '  ---------b|'],
      subscriptions: ['^-----!', '-^--------!', '----^--!'],
      lanes: {
        events: {
          expected: '----sxw',
          values: { s: 'hedge_started', x: 'hedge_refused', w: 'hedge_won' },
        },
      },
    },
    {
      title: 'A loser is neutral to the policies around it',
      prose:
        'The breaker is inside, so it sees both attempts: one failure would open it. The loser is cancelled and counts as nothing, the winner as a success.',
      setup() {
        const breaker = new CircuitBreaker({ failureThreshold: 1 });
        return { operator: pipe(circuitBreaker(breaker), hedge(4)), lanes: { circuit: breaker.state$ } };
      },
      source: ['      --------#', '--b|'],
      expected: '     ------b|',
      subscriptions: ['^-----!', '----^--!'],
      lanes: {
        circuit: { expected: 'c', values: { c: 'closed', o: 'open' } satisfies Record<string, CircuitState> },
      },
    },
    {
      title: 'A retry around it begins the race anew',
      prose: 'Both attempts of the first race have failed; after a wait of 3 ms there is another race.',
      setup: () => pipe(hedge(4), retryWithBackoff({ backoff: fixedBackoff(3) })),
      source: ['      ------#', '--#', '--a|'],
      expected: '     -----------a|',
      subscriptions: ['^-----!', '----^-!', '---------^--!'],
    },
    {
      title: 'After its first value the winner is alone',
      prose:
        'The commit rule: what breaks then is not hedged, for another attempt would say everything again.',
      setup: () => hedge(4),
      source: '       --a---------#',
      expected: '     --a---------#',
      subscriptions: ['^-----------!'],
    },
    {
      title: 'Unsubscribing ends all attempts',
      prose: 'Whoever leaves is not made to wait for anybody, and no other attempt begins.',
      setup: () => hedge({ delay: 3, maxHedges: 2 }),
      source: '       ----------a|',
      consumers: ['   ^----!'],
      expected: '     ------',
      subscriptions: ['^----!', '---^-!'],
    },
    {
      title: 'Nobody gets the place of another attempt by a cancel',
      prose:
        'There is one place, and the second attempt waits for it. It comes free because the consumer has left, so the second attempt must not begin.',
      setup: () => pipe(bulkhead({ maxConcurrent: 1 }), hedge(3)),
      source: ['      ----------', 'b|'],
      consumers: ['   ^----!'],
      expected: '     ------',
      subscriptions: ['^----!'],
    },
  ],
};
