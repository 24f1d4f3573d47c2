import { type SchedulerAction, Subscription } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';

interface Task {
  readonly due: number;
}

/** Virtual time that ends: after so many tasks nothing can be scheduled any more. It knows which tasks are left. */
export class RunScheduler extends TestScheduler {
  readonly #maxTasks: number;
  readonly #waiting = new Set<Task>();
  #scheduled = 0;
  #started = false;
  #refused: { readonly frame: number; readonly delay: number } | undefined;
  #watched: { readonly frame: number; timers?: readonly Task[] } | undefined;

  constructor(maxTasks: number) {
    super(() => {});
    this.#maxTasks = maxTasks;
  }

  /** The first task that was one too many. */
  get refused(): { readonly frame: number; readonly delay: number } | undefined {
    return this.#refused;
  }

  /** When the tasks were due that were still waiting when the moment of `watchTimers` was over. */
  get leftTimers(): readonly number[] {
    return (this.#watched?.timers ?? []).map(({ due }) => due);
  }

  /** All streams have ended: what waits beyond this moment is left over. */
  watchTimers(): void {
    this.#watched = { frame: this.frame };
  }

  override schedule<T>(
    work: (this: SchedulerAction<T>, state?: T) => void,
    delay = 0,
    state?: T,
  ): Subscription {
    if (this.#scheduled++ >= this.#maxTasks) {
      this.#refused ??= { frame: this.frame, delay };
      return Subscription.EMPTY;
    }
    const begin = (): void => this.#begin(task);
    // What is scheduled before time moves are the marbles of the test itself.
    const task: Task | undefined = this.#started ? { due: this.frame + delay } : undefined;
    if (task) this.#waiting.add(task);
    const subscription = super.schedule<T>(
      function (state) {
        begin();
        work.call(this, state);
      },
      delay,
      state,
    );
    if (task) subscription.add(() => this.#waiting.delete(task));
    return subscription;
  }

  #begin(task: Task | undefined): void {
    this.#started = true;
    const watched = this.#watched;
    if (watched && watched.timers === undefined && this.frame > watched.frame)
      watched.timers = [...this.#waiting];
    if (task) this.#waiting.delete(task);
  }
}
