import { map, of, pipe } from 'rxjs';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { fixedBackoff, retryWithBackoff } from '../../src/retry/index.ts';
import { timeout } from '../../src/timeout/index.ts';
import { again } from '../again.ts';
import type { Chapter } from '../diagram.ts';

export const timeoutChapter: Chapter = {
  operator: 'timeout',
  introduction:
    'A stream can be late in three ways: it does not begin, it stops in the middle, or it does not end. Each has a clock of its own - first, each and total - and a plain number is the total.',
  diagrams: [
    {
      title: 'A stream that is in time is left alone',
      prose: 'Nothing is added, delayed or dropped.',
      setup: () => timeout(20),
      source: '       --a--b--|',
      expected: '     --a--b--|',
      subscriptions: ['^-------!'],
    },
    {
      title: 'A number is the time for the whole stream',
      prose:
        'However busy it is: a value every 2 ms does not help a stream that should have ended within 6. It is unsubscribed, and then the error goes downstream.',
      setup: () => timeout(6),
      source: '       -a-b-c-d-e-|',
      expected: '     -a-b-c#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^-----!'],
    },
    {
      title: 'first is the time to the first value',
      prose: 'The stream has begun within 4 ms, and from then on it may take as long as it likes.',
      setup: () => timeout({ first: 4 }),
      source: ['    ---a-------b|'],
      expected: '     ---a-------b|',
      subscriptions: ['^-----------!'],
    },
    {
      title: 'A stream that does not begin in time fails',
      prose: 'The first value would have come too late by a millisecond.',
      setup: () => timeout({ first: 4 }),
      source: '       -----a|',
      expected: '     ----#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^---!'],
    },
    {
      title: 'each is the longest gap between two values',
      prose: 'Every value starts it anew, and the subscription starts it too.',
      setup: () => timeout({ each: 4 }),
      source: '       ---a--b-------c|',
      expected: '     ---a--b---#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^---------!'],
    },
    {
      title: 'What arrives at the very moment is in time',
      prose: 'A gap of exactly 4 ms, and an end at exactly 9 ms.',
      setup: () => timeout({ each: 4, total: 9 }),
      source: '       ----a---b|',
      expected: '     ----a---b|',
      subscriptions: ['^--------!'],
    },
    {
      title: 'With first, each begins with the first value',
      prose:
        'A language model may think for a while before it speaks; once it speaks, a silence means trouble. Here 9 ms are allowed for the beginning and 3 for a gap.',
      setup: () => timeout({ first: 9, each: 3 }),
      source: '       ------a--b------c|',
      expected: '     ------a--b--#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^-----------!'],
    },
    {
      title: 'A ping is no first value',
      prose:
        'commitOn says which values count as a beginning. A ping is delivered and shows that the line is alive, so it ends a gap; but it does not end the wait for the answer.',
      setup: () => timeout({ first: 7, each: 4, commitOn: (value) => value !== 'p' }),
      source: '       --p--p--p--p-a|',
      expected: '     --p--p-#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^------!'],
    },
    {
      title: 'The strictest clock decides',
      prose: 'Every gap is short enough and the beginning was in time, but the whole takes too long.',
      setup: () => timeout({ first: 4, each: 4, total: 10 }),
      source: '       ---a--b--c--d|',
      expected: '     ---a--b--c#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^---------!'],
    },
    {
      title: 'A failure of the source is passed on as it is',
      prose: 'The clocks stop with the stream.',
      setup: () => timeout(10),
      source: '       -a-#',
      expected: '     -a-#',
      subscriptions: ['^--!'],
    },
    {
      title: 'A cancel is no timeout',
      prose:
        'Unsubscribing reaches the source at once and stops the clocks: nobody hears of an error, then or later.',
      setup() {
        const events = new EventBus();
        return { operator: timeout({ total: 6, events }), lanes: { events } };
      },
      source: '       -a-------b',
      consumers: ['   ^---!'],
      expected: '     -a---',
      subscriptions: ['^---!'],
      lanes: { events: { expected: '' } },
    },
    {
      title: 'with answers instead of the error',
      prose:
        'It learns which clock ran out. What it answers follows in the same stream, and is not timed itself.',
      setup: () => timeout({ first: 4, with: ({ kind }) => of(`${kind} was late`) }),
      source: '       ------a|',
      expected: '     ----(l|)',
      values: { a: 'a', l: 'first was late' },
      subscriptions: ['^---!'],
    },
    {
      title: 'A timeout is an ordinary error, so it can be retried',
      prose: 'Every attempt has clocks of its own.',
      setup: () => pipe(timeout({ first: 4 }), retryWithBackoff({ maxRetries: 1, backoff: fixedBackoff(2) })),
      source: ['      ------a|', '    --b|'],
      expected: '     --------b|',
      subscriptions: ['^---!', '      ------^--!'],
    },
    {
      title: 'The source has stopped before anybody hears of the timeout',
      prose:
        'There is one place in the bulkhead below and no line. The second attempt finds it free, because the first one has left it.',
      setup: () => pipe(bulkhead({ maxConcurrent: 1, maxQueue: 0 }), timeout({ first: 4 }), again),
      source: ['      ------a|', '    --b|'],
      expected: '     ------b|',
      subscriptions: ['^---!', '      ----^--!'],
    },
    {
      title: 'Around the retry, it bounds all attempts together',
      prose:
        'The same two operators the other way round: the second attempt has only what the first one left.',
      setup: () => pipe(retryWithBackoff({ maxRetries: 1, backoff: fixedBackoff(2) }), timeout(8)),
      source: ['      ----#', '     -----b|'],
      expected: '     --------#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^---!', '      ------^-!'],
    },
    {
      title: 'A timeout is announced',
      prose: 'After the source has been unsubscribed, and before downstream hears of it.',
      setup() {
        const events = new EventBus();
        return {
          operator: timeout({ each: 3, total: 9, events }),
          lanes: {
            events: events.on('timed_out').pipe(map(({ data }) => `${data.kind}, ${data.after} ms`)),
          },
        };
      },
      source: '       -a-b------|',
      expected: '     -a-b--#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^-----!'],
      lanes: { events: { expected: '------e', values: { e: 'each, 3 ms' } } },
    },
  ],
};
