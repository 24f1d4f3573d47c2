import { Observable, type Subscription } from 'rxjs';
import { Bulkhead, bulkhead } from '../src/index.ts';
import type { Contestant } from './measure.ts';

/** A repeatable shuffle: the same order in every round and on every machine. */
function shuffled(length: number): number[] {
  const order = Array.from({ length }, (_, index) => index);
  let seed = 42;
  for (let last = length - 1; last > 0; last--) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const chosen = seed % (last + 1);
    [order[last], order[chosen]] = [order[chosen] as number, order[last] as number];
  }
  return order;
}

/** Joins `waiters` to the line, cancels half of them at random, and drains the rest, which end synchronously. */
function line(waiters: number, repetitions: number): Contestant {
  const cancelled = shuffled(waiters).slice(0, waiters / 2);
  return {
    name: `${waiters.toLocaleString('en')} waiters`,
    run() {
      for (let repetition = 0; repetition < repetitions; repetition++) {
        const policy = new Bulkhead({ maxConcurrent: 1, maxQueue: waiters, queueTimeout: 60_000 });
        let ended = 0;
        const blocker = new Observable<never>(() => {}).pipe(bulkhead(policy)).subscribe();
        const served = new Observable<never>((subscriber) => {
          ended++;
          subscriber.complete();
        }).pipe(bulkhead(policy));
        const subscriptions: Subscription[] = [];
        for (let index = 0; index < waiters; index++) subscriptions.push(served.subscribe());
        for (const index of cancelled) subscriptions[index]?.unsubscribe();
        blocker.unsubscribe();
        if (ended !== waiters / 2 || policy.activeCount !== 0)
          throw new Error(`drained ${ended} of ${waiters / 2}`);
      }
      return waiters * 2 * repetitions;
    },
  };
}

/** What joining, leaving and being served cost in a short line and in a long one. */
export const queue = { short: line(1_000, 100), long: line(100_000, 1) };
