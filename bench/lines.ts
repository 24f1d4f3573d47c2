import * as Effect from 'effect/Effect';
import * as Fiber from 'effect/Fiber';
import * as Semaphore from 'effect/Semaphore';
import PQueue from 'p-queue';
import { NEVER, Observable } from 'rxjs';
import { Bulkhead, bulkhead } from '../src/index.ts';

/** A line for one place, which is taken. */
export interface Line {
  /** Joins the line. @returns leaves it. */
  join(): () => unknown;
  /** Frees the place: who still waits is served, one after the other. Resolves to how many were. */
  drain(): number | Promise<number>;
}
export function ours(priority?: () => number): Line {
  const policy = new Bulkhead({ maxConcurrent: 1, maxQueue: 1_000_000, queueTimeout: 60_000 });
  const blocker = NEVER.pipe(bulkhead(policy)).subscribe();
  let served = 0;
  const work = new Observable<never>((subscriber) => {
    served++;
    subscriber.complete();
  });
  const waiting = work.pipe(bulkhead(policy));
  return {
    join() {
      const stream = priority ? work.pipe(bulkhead(policy, { priority: priority() })) : waiting;
      const subscription = stream.subscribe();
      return () => subscription.unsubscribe();
    },
    drain() {
      blocker.unsubscribe();
      return served;
    },
  };
}

export function pQueue(): Line {
  const queue = new PQueue({ concurrency: 1 });
  let free = () => {};
  let served = 0;
  void queue.add(() => new Promise<void>((resolve) => (free = resolve)));
  return {
    join() {
      const controller = new AbortController();
      queue.add(() => served++, { signal: controller.signal }).catch(() => {});
      return () => controller.abort();
    },
    async drain() {
      free();
      await queue.onIdle();
      return served;
    },
  };
}

export function effect(): Line {
  const semaphore = Semaphore.makeUnsafe(1);
  const blocker = Effect.runFork(semaphore.withPermit(Effect.never));
  const fibers: Fiber.Fiber<void>[] = [];
  let served = 0;
  const work = semaphore.withPermit(Effect.sync(() => void served++));
  return {
    join() {
      const fiber = Effect.runFork(work);
      fibers.push(fiber);
      return () => fiber.interruptUnsafe();
    },
    async drain() {
      blocker.interruptUnsafe();
      await Effect.runPromise(Fiber.awaitAll(fibers));
      return served;
    },
  };
}
