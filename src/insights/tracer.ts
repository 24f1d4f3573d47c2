import {
  animationFrameScheduler,
  asapScheduler,
  asyncScheduler,
  queueScheduler,
  type SchedulerAction,
  type SchedulerLike,
  type Subscription,
} from 'rxjs';
import type { InsightsRecorder } from './core-types.ts';

type Work = (this: SchedulerAction<unknown>, state?: unknown) => void;

/**
 * On whose behalf the code that runs does so: set while something happens, and carried by the schedulers to what they do
 * later. That of `@rxjs-insights/tracer` never takes back what a scheduler has set, so whatever happens next seems to belong
 * to it, and it cannot be uninstalled.
 */
export class AmbientTracer {
  #trace: object | undefined;

  getTrace(): object | undefined {
    return this.#trace;
  }

  run<R>(trace: object | undefined, task: () => R): R {
    const before = this.#trace;
    this.#trace = { ...before, ...trace };
    try {
      return task();
    } finally {
      this.#trace = before;
    }
  }

  /** @returns gives the schedulers back what they had. */
  follow(recorder: InsightsRecorder): () => void {
    const restore = Object.entries(SCHEDULERS).map(([name, scheduler]) =>
      this.#follow(name, scheduler, recorder),
    );
    return () => {
      for (const undo of restore) undo();
    };
  }

  #follow(name: string, scheduler: SchedulerLike, recorder: InsightsRecorder): () => void {
    const bare = scheduler.schedule.bind(scheduler);
    const following = (work: Work, delay?: number, state?: unknown): Subscription => {
      const trace = this.#trace;
      const behalf = (task: () => void): void => this.run(trace, task);
      const follow: Work = function (next) {
        recorder.startTask(name);
        try {
          behalf(() => work.call(this, next));
        } finally {
          recorder.endTask();
        }
      };
      return bare(follow, delay, state);
    };
    Object.defineProperty(scheduler, 'schedule', { value: following, configurable: true, writable: true });
    return () => {
      // Somebody else may have put theirs around it: fake timers, other tools.
      if (scheduler.schedule === following) Reflect.deleteProperty(scheduler, 'schedule');
    };
  }
}

const SCHEDULERS: Readonly<Record<string, SchedulerLike>> = {
  asyncScheduler,
  asapScheduler,
  queueScheduler,
  animationFrameScheduler,
};
