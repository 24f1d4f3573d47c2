import { distinctUntilChanged, map, merge, type Observable, pipe, take } from 'rxjs';
import { Bulkhead, type BulkheadConfig, bulkhead } from '../../src/bulkhead/index.ts';
import type { DemandOptions } from '../../src/core/demand.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { again } from '../again.ts';
import type { Chapter } from '../diagram.ts';

function watched(config: BulkheadConfig, options: DemandOptions = {}) {
  const policy = new Bulkhead(config);
  return { operator: bulkhead(policy, options), lanes: lanesOf(policy) };
}

const lanesOf = ({ state$ }: Bulkhead) => ({
  'in use': state$.pipe(
    map(({ activeCount }) => activeCount),
    distinctUntilChanged(),
  ),
  waiting: state$.pipe(
    map(({ queueSize }) => queueSize),
    distinctUntilChanged(),
  ),
});

export const bulkheadChapter: Chapter = {
  operator: 'bulkhead',
  introduction:
    'A ship has bulkheads so that one leak does not sink it. Here, one slow dependency must not take every connection: only so many streams are open at once, some wait in line, the rest are refused.',
  written: (code) => code.replace('watched(', 'bulkhead('),
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
      setup: () => watched({ maxConcurrent: 1 }),
      source: [' --a--b--|', '---c|'],
      consumers: [' ^        ', ' -^'],
      expected: [' --a--b--|', '-----------c|'],
      subscriptions: ['^-------!', '--------^---!'],
      lanes: { 'in use': { expected: '1-----------0' }, waiting: { expected: '01------0' } },
    },
    {
      title: 'The place is free again before the consumer hears of the end',
      prose:
        'A consumer that subscribes again inside its error handler is admitted although there is only one place.',
      setup: () => pipe(bulkhead({ maxConcurrent: 1, maxQueue: 0 }), again),
      source: ['      --#', '--a|'],
      expected: '     ----a|',
      subscriptions: ['^-!', '--^--!'],
    },
    {
      title: 'Also when the end is a completion',
      prose: 'The consumer subscribes again the moment it hears that the stream is complete.',
      setup: () => pipe(bulkhead({ maxConcurrent: 1, maxQueue: 0 }), again),
      source: ['      --a|', '--b|'],
      expected: '     --a--b|',
      subscriptions: ['^--!', '---^--!'],
    },
    {
      title: 'A consumer that has had enough gives its place back',
      prose: 'With take(1) the first value is the last. In the same millisecond the next stream begins.',
      setup() {
        const policy = new Bulkhead({ maxConcurrent: 1 });
        return { operator: pipe(bulkhead(policy), take(1)), lanes: lanesOf(policy) };
      },
      source: ['    --a--b--|', '-c|'],
      consumers: [' ^', '^'],
      expected: ['  --(a|)', '---(c|)'],
      subscriptions: ['^-!', '--^!'],
      lanes: { 'in use': { expected: '1--0' }, waiting: { expected: '1-0' } },
    },
    {
      title: 'A full queue refuses at once',
      prose: 'The third stream finds one running and one waiting. Its source is never subscribed.',
      setup: () => watched({ maxConcurrent: 1, maxQueue: 1 }),
      source: ['    --a--|', '--b|'],
      consumers: [' ^', '-^', '--^'],
      expected: ['  --a--|', '-------b|', '--#'],
      errors: ['error', 'error', 'BulkheadRejectedError'],
      subscriptions: ['^----!', '-----^--!'],
      lanes: { 'in use': { expected: '1-------0' }, waiting: { expected: '01---0' } },
    },
    {
      title: 'A refusal says why',
      prose:
        'The line was full, or the wait too long. The event tells how many run and wait, and the error has the same reason.',
      setup() {
        const events = new EventBus();
        const rejected = events.on('bulkhead_rejected');
        return {
          operator: bulkhead({ maxConcurrent: 1, maxQueue: 1, queueTimeout: 4, events }),
          lanes: { rejected: rejected.pipe(map(({ data }) => data.reason)) },
        };
      },
      source: '       -------a|',
      consumers: [' ^', '-^', '---^'],
      expected: ['  -------a|', '-----#', '---#'],
      errors: ['error', 'BulkheadRejectedError', 'BulkheadRejectedError'],
      subscriptions: ['^-------!'],
      lanes: { rejected: { expected: '---f-t', values: { f: 'queue-full', t: 'queue-timeout' } } },
    },
    {
      title: 'Who waits too long is sent away',
      prose: 'queueTimeout counts from joining the line. The one behind it gets the place.',
      setup: () => watched({ maxConcurrent: 1, queueTimeout: 4 }),
      source: ['    -------a|', '-b|'],
      consumers: [' ^', '-^', '-----^'],
      expected: ['  -------a|', '-----#', '---------b|'],
      errors: ['error', 'BulkheadRejectedError', 'error'],
      subscriptions: ['^-------!', '--------^-!'],
      lanes: { 'in use': { expected: '1---------0' }, waiting: { expected: '01------0' } },
    },
    {
      title: 'A wait that is over in the moment in which a place comes free loses none',
      prose:
        'The second stream has waited its 4 ms when the first ends. Only one of both can come first, and whichever does, every place is used.',
      setup: () => watched({ maxConcurrent: 1, queueTimeout: 4 }),
      source: ['    ----a|', '-b|', '-c|'],
      consumers: [' ^', '-^', '------^'],
      expected: ['  ----a|', '------b|', '--------c|'],
      subscriptions: ['^----!', '-----^-!', '-------^-!'],
      lanes: { 'in use': { expected: '1--------0' }, waiting: { expected: '01---010' } },
    },
    {
      title: 'A newcomer never overtakes who waits',
      prose: 'It comes in the very moment in which the place is free, and still stands behind.',
      setup: () => watched({ maxConcurrent: 1 }),
      source: ['    --a|', '-b|', '-c|'],
      consumers: [' ^', '-^', '---^'],
      expected: ['  --a|', '----b|', '------c|'],
      subscriptions: ['^--!', '---^-!', '-----^-!'],
      lanes: { 'in use': { expected: '1------0' }, waiting: { expected: '01---0' } },
    },
    {
      title: 'A cancelled stream gives its place to the next in line',
      prose:
        'Unsubscribing is no error and no end that anybody hears of; the waiting stream starts in the same millisecond.',
      setup: () => watched({ maxConcurrent: 1 }),
      source: ['    --a--b--c--|', '--d|'],
      consumers: [' ^---!', '-^'],
      expected: ['  --a--', '------d|'],
      subscriptions: ['^---!', '----^--!'],
      lanes: { 'in use': { expected: '1------0' }, waiting: { expected: '01--0' } },
    },
    {
      title: 'Who leaves the queue costs nobody a place',
      prose:
        'The second consumer gives up while it waits. Its source is never subscribed, the third moves up.',
      setup: () => watched({ maxConcurrent: 1 }),
      source: ['    --a--|', '-b|'],
      consumers: [' ^', '-^-!', '--^'],
      expected: ['  --a--|', '----', '------b|'],
      subscriptions: ['^----!', '-----^-!'],
      lanes: { 'in use': { expected: '1------0' }, waiting: { expected: '0121-0' } },
    },
    {
      title: 'Operators that are given one bulkhead share its places',
      prose:
        'The state is in the object that you make and name. Two streams are merged here, each with an operator of its own, and they run one after the other.',
      setup() {
        const pool = new Bulkhead({ maxConcurrent: 1 });
        return {
          operator: (source: Observable<string>) =>
            merge(source.pipe(bulkhead(pool)), source.pipe(bulkhead(pool))),
          lanes: lanesOf(pool),
        };
      },
      source: ['    --a--|', '--b|'],
      expected: '     --a----b|',
      subscriptions: ['^----!', '-----^--!'],
      lanes: { 'in use': { expected: '1-------0' }, waiting: { expected: '1----0' } },
    },
    {
      title: 'Who is more urgent goes first',
      prose:
        'The three that wait have the priorities 0, 0 and 1. The last one goes first; among equals the order in which they came stands. There is no ageing: as long as more urgent ones come, the others wait, until queueTimeout.',
      setup() {
        const priorities = [0, 0, 0, 1];
        return watched({ maxConcurrent: 1 }, { priority: () => priorities.shift() ?? 0 });
      },
      source: ['    ----a|', '-d|', '-b|', '-c|'],
      consumers: [' ^', '-^', '--^', '---^'],
      expected: ['  ----a|', '--------b|', '----------c|', '------d|'],
      subscriptions: ['^----!', '-----^-!', '-------^-!', '---------^-!'],
      lanes: { 'in use': { expected: '1----------0' }, waiting: { expected: '0123-2-1-0' } },
    },
    {
      title: 'When the line is full, the least urgent goes',
      prose:
        'One may wait. The third stream has a higher priority than the second, which is sent away for it, and hears so at once.',
      setup() {
        const priorities = [0, 0, 1];
        return watched({ maxConcurrent: 1, maxQueue: 1 }, { priority: () => priorities.shift() ?? 0 });
      },
      source: ['    ----a|', '-c|'],
      consumers: [' ^', '-^', '--^'],
      expected: ['  ----a|', '--#', '------c|'],
      errors: ['error', 'BulkheadRejectedError', 'error'],
      subscriptions: ['^----!', '-----^-!'],
      lanes: { 'in use': { expected: '1------0' }, waiting: { expected: '01---0' } },
    },
    {
      title: 'Who cannot be served in time is refused at once',
      prose:
        'The first stream has shown that one takes 4 ms. The fourth would have to wait twice as long, and has a patience of 6: it hears so immediately, and not after 6 ms in vain.',
      setup: () => watched({ maxConcurrent: 1 }, { patience: 6 }),
      source: '       ---a|',
      consumers: [' ^', '-----^', '-----^', '-----^'],
      expected: ['  ---a|', '--------a|', '------------a|', '-----#'],
      errors: ['error', 'error', 'error', 'BulkheadRejectedError'],
      subscriptions: ['^---!', '-----^---!', '---------^---!'],
      lanes: { 'in use': { expected: '1---01-------0' }, waiting: { expected: '0----1---0' } },
    },
    {
      title: 'Nobody waits longer than the own patience',
      prose:
        'Before the first stream has ended nobody knows how long one takes, so the second waits. After 3 ms it is no longer of use.',
      setup: () => watched({ maxConcurrent: 1 }, { patience: 3 }),
      source: '       ------a|',
      consumers: [' ^', '-^'],
      expected: ['  ------a|', '----#'],
      errors: ['error', 'BulkheadRejectedError'],
      subscriptions: ['^------!'],
      lanes: { 'in use': { expected: '1------0' }, waiting: { expected: '01--0' } },
    },
  ],
};
