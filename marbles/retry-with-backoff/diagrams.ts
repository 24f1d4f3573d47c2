import { map, Subject } from 'rxjs';
import { CircuitOpenError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { RetryBudget } from '../../src/core/retry-budget.ts';
import {
  exponentialBackoff,
  fixedBackoff,
  fullJitterBackoff,
  jitteredBackoff,
  linearBackoff,
  replayFromStart,
  restartBehind,
  retryWithBackoff,
  skipDelivered,
} from '../../src/retry/index.ts';
import type { Chapter } from '../diagram.ts';

export const retryWithBackoffChapter: Chapter = {
  operator: 'retryWithBackoff',
  introduction:
    'Most failures pass. Asking again cures them, asking again at once makes them worse: so each retry waits longer than the one before. And what has been delivered is never delivered twice.',
  diagrams: [
    {
      title: 'A stream that does not fail is left alone',
      prose: 'Nothing is added, delayed or dropped.',
      setup: () => retryWithBackoff(3),
      source: '       --a--b--|',
      expected: '     --a--b--|',
      subscriptions: ['^-------!'],
    },
    {
      title: 'A failed source is subscribed again after a wait',
      prose: 'Downstream sees one stream and never hears of the failure.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2) }),
      source: ['      --#', '--a--b|'],
      expected: '     ------a--b|',
      subscriptions: ['^-!', '----^-----!'],
    },
    {
      title: 'Every wait is twice as long as the one before',
      prose:
        'Exponential back-off, here with a base of 2 ms. An event tells of every retry before its wait; none follows the last.',
      setup() {
        const events = new EventBus();
        return {
          operator: retryWithBackoff({ events, backoff: exponentialBackoff({ base: 2 }) }),
          lanes: { 'waits in ms': events.on('retry_attempted').pipe(map(({ data }) => String(data.delay))) },
        };
      },
      source: ['      --#', '--#', '--#', 'a|'],
      expected: '     --------------------a|',
      subscriptions: ['^-!', '----^-!', '----------^-!', '--------------------^!'],
      lanes: { 'waits in ms': { expected: '--2---4-----8' } },
    },
    {
      title: 'Or every wait is longer by as much',
      prose:
        'Linear back-off: 2 ms, 4, 6. fixedBackoff always waits as long, and a function of your own says what it likes.',
      setup: () => retryWithBackoff({ backoff: linearBackoff({ initial: 2, increment: 2 }) }),
      source: ['      -#', '-#', '-#', 'a|'],
      expected: '     ---------------a|',
      subscriptions: ['^!', '---^!', '--------^!', '---------------^!'],
    },
    {
      title: 'A wait of 0 is none',
      prose: 'The next attempt begins in the same millisecond. 0 is never replaced by a default.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(0) }),
      source: ['      -#', '-a|'],
      expected: '     --a|',
      subscriptions: ['^!', '-^-!'],
    },
    {
      title: 'Every subscription has all the retries',
      prose: 'The operator was made once, for one retry. Both consumers have it.',
      setup: () => retryWithBackoff({ maxRetries: 1, backoff: fixedBackoff(1) }),
      source: ['      -#', '-#', '-a|', '-b|'],
      consumers: ['   ^', '^'],
      expected: ['    ---a|', '---b|'],
      subscriptions: ['^!', '^!', '--^-!', '--^-!'],
    },
    {
      title: 'When the retries are used up, their last error is told',
      prose:
        'maxRetries counts the extra attempts: 2 means at most three. RetryExhaustedError says how many there were, and its cause is the last error.',
      setup: () => retryWithBackoff({ maxRetries: 2, backoff: fixedBackoff(1) }),
      source: '       --#',
      expected: '     --------#',
      errors: ['RetryExhaustedError'],
      subscriptions: ['^-!', '---^-!', '------^-!'],
    },
    {
      title: 'An error that no repetition cures is not retried',
      prose: 'A bad request stays bad. Downstream receives the error as it came.',
      setup: () => retryWithBackoff(3),
      source: '       --#',
      sourceErrors: [{ status: 400 }],
      expected: '     --#',
      errors: [{ status: 400 }],
      subscriptions: ['^-!'],
    },
    {
      title: 'retryOn names the classes of errors that are retried',
      prose: 'A RangeError is one of them, the TypeError of the second attempt is none.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2), retryOn: [RangeError] }),
      source: '       --#',
      sourceErrors: [new RangeError('too many'), new TypeError('a mistake')],
      expected: '     ------#',
      errors: ['RetryExhaustedError'],
      subscriptions: ['^-!', '----^-!'],
    },
    {
      title: 'retryIf decides by the error and the number of the attempt',
      prose: 'Here only the first attempt is forgiven.',
      setup: () =>
        retryWithBackoff({
          backoff: fixedBackoff(2),
          retryIf: (error, attempt) => error === 'busy' && attempt < 2,
        }),
      source: '       --#',
      sourceErrors: ['busy', 'busy'],
      expected: '     ------#',
      errors: ['RetryExhaustedError'],
      subscriptions: ['^-!', '----^-!'],
    },
    {
      title: 'onRetry hears of every retry before its wait',
      prose:
        'With its number, the error and the wait in milliseconds. After the last attempt there is nothing to hear.',
      setup() {
        const heard = new Subject<string>();
        return {
          operator: retryWithBackoff({
            maxRetries: 2,
            backoff: fixedBackoff(2),
            onRetry: (attempt, error, delay) => heard.next(`${attempt}: ${String(error)}, ${delay} ms`),
          }),
          lanes: { heard },
        };
      },
      source: '       -#',
      expected: '     -------#',
      errors: ['RetryExhaustedError'],
      subscriptions: ['^!', '---^!', '------^!'],
      lanes: { heard: { expected: '-1--2', values: { 1: '1: error, 2 ms', 2: '2: error, 2 ms' } } },
    },
    {
      title: 'Jitter spreads the waits, by a source of chance that you may choose',
      prose:
        'Clients that failed together should not come back together. Full jitter waits anything up to the back-off: here a quarter of 8 ms, then three quarters of 16.',
      setup() {
        const chance = [0.25, 0.75];
        return retryWithBackoff({
          backoff: fullJitterBackoff({ base: 8 }),
          random: () => chance.shift() ?? 0,
        });
      },
      source: ['      -#', '-#', 'a|'],
      expected: '     ----------------a|',
      subscriptions: ['^!', '---^!', '----------------^!'],
    },
    {
      title: 'No wait is longer than maxDelay, whatever chance says',
      prose: 'Twice as long is the most that this jitter may make of 8 ms. The cap holds behind it: 10.',
      setup: () =>
        retryWithBackoff({
          backoff: jitteredBackoff(fixedBackoff(8), { factor: 1 }),
          maxDelay: 10,
          random: () => 0.99,
        }),
      source: ['      -#', 'a|'],
      expected: '     -----------a|',
      subscriptions: ['^!', '-----------^!'],
    },
    {
      title: 'A wait that is no time at all is an error, and no loop',
      prose: 'A back-off of your own that answers with NaN would otherwise never wait, or for ever.',
      setup: () => retryWithBackoff({ backoff: () => Number.NaN }),
      source: '       -#',
      expected: '     -#',
      errors: ['ResilienceError'],
      subscriptions: ['^!'],
    },
    {
      title: 'What a callback throws is the error of the stream',
      prose: 'retryIf has a bug here. Nothing hangs, and the process lives on.',
      setup: () =>
        retryWithBackoff({
          retryIf: () => {
            throw new TypeError('a bug');
          },
        }),
      source: '       -#',
      expected: '     -#',
      errors: ['TypeError'],
      subscriptions: ['^!'],
    },
    {
      title: 'But a listener that throws changes nothing',
      prose: 'onRetry only hears what has been decided. The retry goes on.',
      setup: () =>
        retryWithBackoff({
          backoff: fixedBackoff(2),
          onRetry: () => {
            throw new TypeError('a bug');
          },
        }),
      source: ['      -#', '-a|'],
      expected: '     ----a|',
      subscriptions: ['^!', '---^-!'],
    },
    {
      title: 'After the first delivered value an error is not retried',
      prose:
        'The commit rule: a second attempt would deliver "a" again. The error goes downstream as it came, although three retries are left.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2) }),
      source: '       --a--#',
      expected: '     --a--#',
      subscriptions: ['^----!'],
    },
    {
      title: 'commitOn says which values count',
      prose: 'A ping "p" is delivered but says nothing yet, so a stream that broke behind it is retried.',
      setup: () => retryWithBackoff<string>({ backoff: fixedBackoff(2), commitOn: (value) => value !== 'p' }),
      source: ['      --p--#', '--p--a--#'],
      expected: '     --p------p--a--#',
      subscriptions: ['^----!', '-------^-------!'],
    },
    {
      title: 'Resume by replaying from the start',
      prose: 'The author says that duplicates do no harm.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2), resume: replayFromStart }),
      source: ['      --a--b--#', '--a--b--c|'],
      expected: '     --a--b------a--b--c|',
      subscriptions: ['^-------!', '----------^--------!'],
    },
    {
      title: 'Resume by skipping what was delivered',
      prose: 'Exact for a source that repeats itself: nothing is lost and nothing comes twice.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2), resume: skipDelivered }),
      source: ['      --a--b--#', '--a--b--c|'],
      expected: '     --a--b------------c|',
      subscriptions: ['^-------!', '----------^--------!'],
    },
    {
      title: 'Resume behind a marker',
      prose: 'The marker "M" tells the consumer to forget what it has, and the answer starts again.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2), resume: restartBehind('M') }),
      source: ['      --a--b--#', '--a--b--c|'],
      expected: '     --a--b----M-a--b--c|',
      subscriptions: ['^-------!', '----------^--------!'],
    },
    {
      title: 'Resume in a way of your own',
      prose:
        'The function hears of the error and of how many values were emitted, and answers with what follows.',
      setup: () =>
        retryWithBackoff({
          backoff: fixedBackoff(2),
          resume: ({ emitted }) => ['0', '1', '2'].slice(emitted),
        }),
      source: '       --a--b--#',
      expected: '     --a--b----(2|)',
      subscriptions: ['^-------!'],
    },
    {
      title: "A server's own delay wins when it is longer",
      prose:
        'The error says retryAfter: 5, so the wait is 5 ms although the back-off would be content with 2.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2) }),
      source: ['      --#', 'a|'],
      sourceErrors: [{ retryAfter: 5 }],
      expected: '     -------a|',
      subscriptions: ['^-!', '-------^!'],
    },
    {
      title: 'A server that asks for too much patience is not asked again',
      prose: 'It gives up at once, neither hammering nor sleeping, so a fallback can act.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2), maxDelay: 10 }),
      source: '       --#',
      sourceErrors: [{ retryAfter: 11 }],
      expected: '     --#',
      errors: [{ retryAfter: 11 }],
      subscriptions: ['^-!'],
    },
    {
      title: 'Behind an open circuit it waits until the circuit lets a probe through',
      prose: 'One that was opened by hand cannot say when, and is not asked again at all.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2) }),
      source: '       -#',
      sourceErrors: [
        new CircuitOpenError('payments', 6),
        new CircuitOpenError('payments', undefined, { state: 'forced-open' }),
      ],
      expected: '     --------#',
      errors: ['RetryExhaustedError'],
      subscriptions: ['^!', '-------^!'],
    },
    {
      title: 'A budget bounds what all retries add to the load',
      prose:
        'Each call pays in half a retry, so both together may retry once. The first to fail takes it; the second one has the error of its only attempt.',
      setup: () =>
        retryWithBackoff({
          backoff: fixedBackoff(2),
          budget: new RetryBudget({ retryRatio: 0.5, minRetriesPerSecond: 0 }),
        }),
      source: ['      --#', '--#', '--a|'],
      consumers: ['   ^', '      -^'],
      expected: ['    ------a|', '  ---#'],
      subscriptions: ['^-!', '-^-!', '----^--!'],
    },
    {
      title: 'A wait that does not fit into the time left is not begun',
      prose:
        'At 4 ms, 6 of the 10 are left: too few to wait 6 and then try. The error comes at once, not at 10 ms.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(6), timeout: 10 }),
      source: '       ----#',
      expected: '     ----#',
      subscriptions: ['^---!'],
    },
    {
      title: 'The total timeout ends all attempts and waits together',
      prose: 'It counts from the subscription, not from the attempt that it hits.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(2), timeout: 10 }),
      source: ['      --#', '-----------a|'],
      expected: '     ----------#',
      errors: ['StreamTimeoutError'],
      subscriptions: ['^-!', '----^-----!'],
    },
    {
      title: 'A cancel ends the wait',
      prose:
        'The consumer leaves during the back-off. No further attempt is made and nobody hears of an error.',
      setup: () => retryWithBackoff({ backoff: fixedBackoff(5) }),
      source: '       --#',
      consumers: ['    ^---!'],
      expected: '     -----',
      subscriptions: ['^-!'],
    },
  ],
};
