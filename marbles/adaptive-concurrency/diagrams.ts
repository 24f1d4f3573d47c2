import { distinctUntilChanged, map, startWith } from 'rxjs';
import {
  AdaptiveConcurrency,
  type AdaptiveConcurrencyConfig,
  adaptiveConcurrency,
  aimd,
  gradient,
} from '../../src/adaptive-concurrency/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { Chapter } from '../diagram.ts';

/** How many may run, and how many do. */
function watched(config: AdaptiveConcurrencyConfig) {
  const events = new EventBus();
  const limiter = new AdaptiveConcurrency({ events, ...config });
  return {
    operator: adaptiveConcurrency(limiter),
    lanes: {
      limit: events.on('concurrency_limit_changed').pipe(
        map(({ data }) => data.to),
        startWith(limiter.limit),
      ),
      'in use': limiter.state$.pipe(
        map(({ activeCount }) => activeCount),
        distinctUntilChanged(),
      ),
    },
  };
}

const busy = { status: 429 };

export const adaptiveConcurrencyChapter: Chapter = {
  operator: 'adaptiveConcurrency',
  introduction:
    'How many requests a service can serve at a time nobody knows, and it is another number tomorrow. So the limit follows the service: as long as its first values come as fast as ever there may be more, and when they come late, or are refused, there must be fewer. Everything else is as with a bulkhead.',
  written: (code) => code.replace('watched(', 'adaptiveConcurrency('),
  diagrams: [
    {
      title: 'A stream that finds a place runs at once',
      prose: 'Nothing is added, delayed or dropped.',
      setup: () => adaptiveConcurrency(),
      source: '       --a--b--|',
      expected: '     --a--b--|',
      subscriptions: ['^-------!'],
    },
    {
      title: 'A first value raises the limit',
      prose:
        'With one in use of one, the first value shows that there may be a second; the stream that waits starts in the same millisecond.',
      setup: () => watched({ algorithm: 'aimd', initialLimit: 1 }),
      source: ['     --a----|', '  --b|'],
      consumers: [' ^', '        ^'],
      expected: ['  --a----|', '  ----b|'],
      subscriptions: ['^------!', '  --^--!'],
      lanes: { limit: { expected: '1-2-3' }, 'in use': { expected: '1-2--1-0' } },
    },
    {
      title: 'A refusal lowers the limit',
      prose:
        'The service says 429. From then on one less may run; who has a place keeps it, and the newcomer waits for two to end.',
      setup: () => watched({ algorithm: aimd({ backoffRatio: 0.5 }), initialLimit: 3 }),
      source: ['     ------a|', ' ------b|', ' -#', '    -d|'],
      sourceErrors: ['error', 'error', busy, 'error'],
      consumers: [' ^', '       ^', '       ^', '      ----^'],
      expected: ['  ------a|', ' ------b|', ' -#', '    --------d|'],
      errors: ['error', 'error', busy, 'error'],
      subscriptions: ['^------!', '^------!', '^!', '   -------^-!'],
      lanes: { limit: { expected: '31------2' }, 'in use': { expected: '32-----1-0' } },
    },
    {
      title: 'Refusals of one moment are one reason',
      prose:
        'All three were sent under the same limit. That it is too high they say once, so it is halved once.',
      setup: () => watched({ algorithm: aimd({ backoffRatio: 0.5 }), initialLimit: 4 }),
      source: '       ---#',
      sourceErrors: [busy, busy, busy],
      consumers: [' ^', '       ^', '       ^'],
      expected: ['  ---#', '    ---#', '    ---#'],
      errors: [busy, busy, busy],
      subscriptions: ['^--!', '   ^--!', '   ^--!'],
      lanes: { limit: { expected: '4--2' }, 'in use': { expected: '3--0' } },
    },
    {
      title: 'Who does not use what there is gets no more',
      prose: 'One stream of four says nothing of what five would do.',
      setup: () => watched({ algorithm: 'aimd', initialLimit: 4 }),
      source: '       --a--|',
      expected: '     --a--|',
      subscriptions: ['^----!'],
      lanes: { limit: { expected: '4' }, 'in use': { expected: '1----0' } },
    },
    {
      title: 'The limit has a floor and a ceiling',
      prose: 'It rises to maxLimit and falls to minLimit, whatever the service says.',
      setup: () =>
        watched({ algorithm: aimd({ backoffRatio: 0.5 }), initialLimit: 2, minLimit: 2, maxLimit: 3 }),
      source: ['     -a|', '     -b|', '     -c|', '     -#', '     -#'],
      sourceErrors: ['error', 'error', 'error', busy, busy],
      consumers: [' ^', '     --^', '     ----^', '     ------^', '     --------^'],
      expected: ['  -a|', '    ---b|', '    -----c|', '    -------#', '    ---------#'],
      errors: ['error', 'error', 'error', busy, busy],
      subscriptions: ['^-!', '  --^-!', '  ----^-!', '  ------^!', '  --------^!'],
      lanes: { limit: { expected: '23-----2' }, 'in use': { expected: '1------010' } },
    },
    {
      title: 'At first half of the limit shows how fast the service is',
      prose:
        'The gradient compares with the latency at rest. Until it knows that, two of four may run; the third waits.',
      setup: () => watched({ algorithm: gradient({ window: 1 }), initialLimit: 4 }),
      source: '       --a-|',
      consumers: [' ^', '       ^', '       ^'],
      expected: ['  --a-|', '   --a-|', '   ------a-|'],
      subscriptions: ['^---!', '   ^---!', '   ----^---!'],
      lanes: { limit: { expected: '2-----4' }, 'in use': { expected: '2---1---0' } },
    },
    {
      title: 'A first value that comes too late lowers the limit',
      prose: 'Nobody was refused, but what takes longer than maxLatency waits behind others already.',
      setup: () => watched({ algorithm: aimd({ maxLatency: 3 }), initialLimit: 4 }),
      source: '       ----a-|',
      expected: '     ----a-|',
      subscriptions: ['^-----!'],
      lanes: { limit: { expected: '4---3' }, 'in use': { expected: '1-----0' } },
    },
    {
      title: 'Only what commits is a first value',
      prose: 'A ping comes at once, whatever the load. Measured is the wait for what is behind it.',
      setup: () =>
        watched({
          algorithm: aimd({ maxLatency: 3 }),
          initialLimit: 4,
          commitOn: (value) => value !== 'p',
        }),
      source: '       -p---a|',
      expected: '     -p---a|',
      subscriptions: ['^-----!'],
      lanes: { limit: { expected: '4----3' }, 'in use': { expected: '1-----0' } },
    },
    {
      title: 'You can say which errors mean that it is too much',
      prose:
        'classify is asked; by default it is a 429, a 503, a 529, and a first value that comes too late.',
      setup: () =>
        watched({
          algorithm: 'aimd',
          initialLimit: 10,
          classify: (error) => (error === 'full' ? 'drop' : 'neutral'),
        }),
      source: ['     -#', '     -#'],
      sourceErrors: [busy, 'full'],
      consumers: [' ^', '     ---^'],
      expected: ['  -#', '    ----#'],
      errors: [busy, 'full'],
      subscriptions: ['^!', '  ---^!'],
      lanes: { limit: { expected: 'A---9', values: { A: 10, 9: 9 } }, 'in use': { expected: '10-10' } },
    },
    {
      title: 'A full queue refuses at once, and who waits too long is sent away',
      prose: 'maxQueue and queueTimeout are those of a bulkhead.',
      setup: () => watched({ initialLimit: 1, maxQueue: 1, queueTimeout: 4 }),
      source: '       -------a|',
      consumers: [' ^', '       -^', '      --^'],
      expected: ['  -------a|', '-----#', '--#'],
      errors: ['error', 'BulkheadRejectedError', 'BulkheadRejectedError'],
      subscriptions: ['^-------!'],
      lanes: { limit: { expected: '1' }, 'in use': { expected: '1-------0' } },
    },
    {
      title: 'Who leaves says nothing about the limit',
      prose:
        'The place is free for the next at once; that the stream was slow may have been anybody’s fault.',
      setup: () => watched({ algorithm: 'aimd', initialLimit: 1 }),
      source: ['     ------a|', '    -b|'],
      consumers: [' ^--!', '     -^'],
      expected: ['  ---', '      ----b|'],
      subscriptions: ['^--!', '    ---^-!'],
      lanes: { limit: { expected: '1---2' }, 'in use': { expected: '1----0' } },
    },
  ],
};
