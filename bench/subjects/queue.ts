import { seededRandom } from '../../src/testing/random.ts';
import { effect, type Line, ours, pQueue } from '../lines.ts';
import { type Contestant, nanoseconds } from '../measure.ts';
import { table } from '../table.ts';

type Costs = Readonly<Record<'join' | 'leave' | 'drain' | 'all', number>>;

/** Fills as many lines as it takes for `total` waiters, lets a random half of all leave, and serves the others. */
async function queued(open: () => Line, waiters: number, total: number, collect: () => void): Promise<Costs> {
  const leaving = shuffled(total).slice(0, total / 2);
  const lines = Array.from({ length: total / waiters }, open);
  const leave: (() => unknown)[] = [];
  collect();
  const joined = await nanoseconds(() => {
    for (const line of lines) for (let waiter = 0; waiter < waiters; waiter++) leave.push(line.join());
    return total;
  });
  const left = await nanoseconds(() => {
    for (const waiter of leaving) leave[waiter]!();
    return total / 2;
  });
  let served = 0;
  const drained = await nanoseconds(async () => {
    for (const line of lines) served += await line.drain();
    return total / 2;
  });
  if (served !== total / 2) throw new Error(`${served} of ${total / 2} were served`);
  return { join: joined, leave: left, drain: drained, all: (2 * joined + left + drained) / 4 };
}

/** What the phases cost, each a contestant of its own; in every round they share one run. */
function phases(open: () => Line, waiters: number, total: number) {
  const runs: Promise<Costs>[] = [];
  return (name: string, phase: keyof Costs): Contestant => {
    let round = 0;
    return {
      name,
      async sample(collect) {
        const run = round++;
        runs[run] ??= queued(open, waiters, total, collect);
        return (await runs[run])[phase];
      },
    };
  };
}

/** A repeatable shuffle: the same order in every round and on every machine. */
function shuffled(length: number): number[] {
  const random = seededRandom(42);
  const order = Array.from({ length }, (_, index) => ({ index, at: random() }));
  return order.sort((one, other) => one.at - other.at).map(({ index }) => index);
}

const chance = seededRandom(7);
const anyPriority = () => ours(() => Math.floor(chance() * 1_000));

export const tables = [
  table({
    title: 'An operation on a queue',
    about:
      'Attempts wait for the one place of a bulkhead, a random half of them is cancelled, and the others are served. In every row 100 000 attempts join, in as many queues as that takes.',
    unit: 'ns',
    contestants(little) {
      const part = little ? 100 : 1;
      const queues = (waiters: number) => phases(ours, waiters / part, 100_000 / part);
      const [short, middle, long] = [queues(1_000), queues(10_000), queues(100_000)];
      return {
        join3: short('join a queue of 1 000', 'join'),
        join4: middle('join a queue of 10 000', 'join'),
        join5: long('join a queue of 100 000', 'join'),
        leave3: short('leave a queue of 1 000', 'leave'),
        leave4: middle('leave a queue of 10 000', 'leave'),
        leave5: long('leave a queue of 100 000', 'leave'),
        drain3: short('be served from a queue of 1 000', 'drain'),
        drain4: middle('be served from a queue of 10 000', 'drain'),
        drain5: long('be served from a queue of 100 000', 'drain'),
      };
    },
    comparisons: {
      'queue.join': { of: 'join5', atMost: 5_000 },
      'queue.leave': { of: 'leave5', atMost: 5_000 },
      'queue.drain': { of: 'drain5', atMost: 5_000 },
      'queue.joinGrowth': { of: 'join5', to: 'join3' },
      'queue.leaveGrowth': { of: 'leave5', to: 'leave3' },
      'queue.drainGrowth': { of: 'drain5', to: 'drain3' },
    },
  }),
  table({
    title: 'An operation on a queue of 10 000',
    about:
      'The same, mean of joining, leaving and being served. Who waits in a p-queue can only leave it by a signal of their own; p-limit and cockatiel have no way out of the queue. Neither p-queue nor effect limits how long one may wait.',
    unit: 'ns',
    contestants(short) {
      const row = (name: string, open: () => Line) =>
        phases(open, short ? 100 : 10_000, short ? 100 : 10_000)(name, 'all');
      return {
        ours: row('bulkhead', ours),
        priority: row('bulkhead, random priorities', anyPriority),
        queue: row('p-queue', pQueue),
        effect: row('effect semaphore', effect),
      };
    },
    comparisons: {
      'queue.vsPQueue': { of: 'ours', to: 'queue' },
      'queue.vsEffect': { of: 'ours', to: 'effect' },
      'queue.priorities': { of: 'priority', to: 'ours' },
    },
  }),
];
