import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';

interface Task {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/**
 * Time that passes as fast as the machine can: a scheduler for the library and for the world around it. Tasks of one moment
 * run in the order in which they were scheduled. Unlike RxJS' own virtual scheduler it sorts nothing: a heap finds the next.
 */
export class VirtualTime implements SchedulerLike {
  #now = 0;
  #order = 0;
  readonly #tasks: Task[] = [];

  now(): number {
    return this.#now;
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    const action = new Subscription() as SchedulerAction<T>;
    const arm = (nextState: T | undefined, nextDelay: number): Subscription => {
      const task = this.#add(nextDelay, () => work.call(action, nextState));
      action.add(() => {
        task.cancelled = true;
      });
      return action;
    };
    action.schedule = (nextState, nextDelay = 0) => arm(nextState, nextDelay);
    return arm(state, delay);
  }

  /** Runs `task` once. */
  after(delay: number, task: () => void): Subscription {
    return this.schedule(task, delay);
  }

  /** Runs `task` now and every `period`, until the end of the run. */
  every(period: number, task: () => void): void {
    task();
    this.#add(period, () => this.every(period, task));
  }

  /** Plays everything that is due before `end`. Errors have no stacks meanwhile: thousands are made, and nobody reads them. */
  run(end: number): void {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      this.#play(end);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }

  #play(end: number): void {
    for (let next = this.#tasks[0]; next !== undefined && next.due < end; next = this.#tasks[0]) {
      this.#removeFirst();
      if (next.cancelled) continue;
      this.#now = next.due;
      next.run();
    }
    this.#now = end;
  }

  #add(delay: number, run: () => void): Task {
    const task = { due: this.#now + Math.max(0, delay), order: this.#order++, run, cancelled: false };
    const tasks = this.#tasks;
    let index = tasks.push(task) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = tasks[above] as Task;
      if (isBefore(parent, task)) break;
      tasks[index] = parent;
      index = above;
    }
    tasks[index] = task;
    return task;
  }

  #removeFirst(): void {
    const tasks = this.#tasks;
    const last = tasks.pop() as Task;
    if (tasks.length === 0) return;
    let index = 0;
    for (let below = 1; below < tasks.length; below = 2 * index + 1) {
      if (below + 1 < tasks.length && isBefore(tasks[below + 1] as Task, tasks[below] as Task)) below++;
      const child = tasks[below] as Task;
      if (isBefore(last, child)) break;
      tasks[index] = child;
      index = below;
    }
    tasks[index] = last;
  }
}

const isBefore = (one: Task, other: Task): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order);
