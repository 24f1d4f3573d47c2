import { distinctUntilChanged, map, pipe, retry } from 'rxjs';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import type { Chapter } from '../diagram.ts';

export const bulkheadChapter: Chapter = {
  operator: 'bulkhead',
  introduction:
    'A ship has bulkheads so that one leak does not sink it. Here, one slow dependency must not take every connection: only so many streams are open at once, some wait in line, the rest are refused.',
  diagrams: [
    {
      title: 'A stream that finds a free place runs at once',
      prose: 'Nothing is added, delayed or dropped: an operator that has nothing to do must not be seen.',
      setup: () => bulkhead({ maxConcurrent: 1 }),
      source: '       --a--b--|',
      expected: '     --a--b--|',
      subscriptions: ['^-------!'],
    },
    {
      title: 'A second stream waits until the first has ended',
      prose:
        'Its source is not even subscribed before. The place is held for the life of the stream, not only until it opens.',
      setup() {
        const policy = new Bulkhead({ maxConcurrent: 1 });
        return {
          operator: bulkhead(policy),
          lanes: {
            'in use': policy.state$.pipe(
              map(({ activeCount }) => activeCount),
              distinctUntilChanged(),
            ),
          },
        };
      },
      source: [' --a--b--|', '---c|'],
      consumers: [' ^        ', ' -^'],
      expected: [' --a--b--|', '-----------c|'],
      subscriptions: ['^-------!', '--------^---!'],
      lanes: { 'in use': { expected: '(01)----(01)0' } },
    },
    {
      title: 'The place is free again before the consumer hears of the end',
      prose:
        'A consumer that subscribes again inside its error handler is admitted although there is only one place.',
      setup: () => pipe(bulkhead({ maxConcurrent: 1, maxQueue: 0 }), retry(1)),
      source: ['      --#', '--a|'],
      expected: '     ----a|',
      subscriptions: ['^-!', '--^--!'],
    },
    {
      title: 'A full queue refuses at once',
      prose: 'The third stream finds one running and one waiting. Its source is never subscribed.',
      setup: () => bulkhead({ maxConcurrent: 1, maxQueue: 1 }),
      source: ['    --a--|', '--b|'],
      consumers: [' ^', '-^', '--^'],
      expected: ['  --a--|', '-------b|', '--#'],
      errors: ['error', 'error', 'BulkheadRejectedError'],
      subscriptions: ['^----!', '-----^--!'],
    },
    {
      title: 'Who waits too long is sent away',
      prose: 'queueTimeout counts from joining the line. The one behind it gets the place.',
      setup: () => bulkhead({ maxConcurrent: 1, queueTimeout: 4 }),
      source: ['    -------a|', '-b|'],
      consumers: [' ^', '-^', '-----^'],
      expected: ['  -------a|', '-----#', '---------b|'],
      errors: ['error', 'BulkheadRejectedError', 'error'],
      subscriptions: ['^-------!', '--------^-!'],
    },
    {
      title: 'A cancelled stream gives its place to the next in line',
      prose:
        'Unsubscribing is no error and no end that anybody hears of; the waiting stream starts in the same millisecond.',
      setup: () => bulkhead({ maxConcurrent: 1 }),
      source: ['    --a--b--c--|', '--d|'],
      consumers: [' ^---!', '-^'],
      expected: ['  --a--', '------d|'],
      subscriptions: ['^---!', '----^--!'],
    },
    {
      title: 'Who leaves the queue costs nobody a place',
      prose:
        'The second consumer gives up while it waits. Its source is never subscribed, the third moves up.',
      setup: () => bulkhead({ maxConcurrent: 1 }),
      source: ['    --a--|', '-b|'],
      consumers: [' ^', '-^-!', '--^'],
      expected: ['  --a--|', '----', '------b|'],
      subscriptions: ['^----!', '-----^-!'],
    },
  ],
};
