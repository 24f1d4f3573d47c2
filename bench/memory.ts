import { setImmediate as nextTurn } from 'node:timers/promises';
import { GCProfiler, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Contestant, Work } from './measure.ts';

setFlagsFromString('--expose-gc');
export const collectGarbage = runInNewContext('gc') as (only?: { readonly type: 'minor' }) => void;

/** What is young. To collect everything would cost a contestant its compiled code, where no object of it is left. */
export const collectYoungGarbage = (): void => collectGarbage({ type: 'minor' });

/** Opens so many streams or calls, all of which have begun and none of which has ended. */
export type Opening = (count: number) => Opened | Promise<Opened>;
export interface Opened {
  /** Ends every one of them. */
  close(): void | Promise<void>;
}

/** Bytes allocated per operation, those included that were collected on the way. */
export function allocating(name: string, work: Work): Contestant {
  return {
    name,
    async sample(collect) {
      collect();
      const profiler = new GCProfiler();
      profiler.start();
      let before = process.memoryUsage().heapUsed;
      const operations = await work();
      const after = process.memoryUsage().heapUsed;
      let allocated = 0;
      for (const { beforeGC, afterGC } of profiler.stop().statistics) {
        allocated += beforeGC.heapStatistics.usedHeapSize - before;
        before = afterGC.heapStatistics.usedHeapSize;
      }
      return (allocated + after - before) / operations;
    },
  };
}

/** Bytes of the heap that each of so many open streams holds. */
export function holding(name: string, count: number, open: Opening): Contestant {
  return {
    name,
    async sample(collect) {
      const before = await heapInUse(collect);
      const opened = await open(count);
      const during = await heapInUse(collect);
      await opened.close();
      return (during - before) / count;
    },
  };
}

/** Bytes of the heap that each of so many streams has left behind, once all of them have ended. */
export function leaving(name: string, count: number, open: Opening): Contestant {
  return {
    name,
    async sample(collect) {
      const before = await heapInUse(collect);
      await openAndClose(count, open);
      return ((await heapInUse(collect)) - before) / count;
    },
  };
}

/** A function of its own, so that nothing of what was open is on the stack when it is looked for. */
async function openAndClose(count: number, open: Opening): Promise<void> {
  const opened = await open(count);
  await opened.close();
}

/** What is reachable. What the next turns of the event loop let go of, timers and finished jobs for instance, is gone by then. */
async function heapInUse(collect: () => void): Promise<number> {
  for (let turns = 0; turns < 2; turns++) {
    await nextTurn();
    await nextTurn();
    collect();
  }
  return process.memoryUsage().heapUsed;
}
