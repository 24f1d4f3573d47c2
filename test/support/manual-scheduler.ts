import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';

interface Entry {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Time that moves by hand and knows how many timers are armed: what `TestScheduler` cannot tell. Tasks of one moment run
 * in the order in which they were scheduled.
 */
export class ManualScheduler implements SchedulerLike {
  #now = 0;
  #order = 0;
  readonly #entries = new Set<Entry>();

  now(): number {
    return this.#now;
  }

  /** Timers that are armed. */
  get pending(): number {
    return this.#entries.size;
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    const subscription = new Subscription() as SchedulerAction<T>;
    const arm = (nextState: T | undefined, nextDelay: number): Subscription => {
      const entry: Entry = {
        due: this.#now + Math.max(0, nextDelay),
        order: this.#order++,
        run: () => work.call(subscription, nextState),
      };
      this.#entries.add(entry);
      subscription.add(() => this.#entries.delete(entry));
      return subscription;
    };
    subscription.schedule = (nextState, nextDelay = 0) => arm(nextState, nextDelay);
    return arm(state, delay);
  }

  /** Runs everything that is due until `time`, in order. */
  advanceTo(time: number): void {
    for (let next = this.#earliest(); next !== undefined && next.due <= time; next = this.#earliest()) {
      this.#entries.delete(next);
      this.#now = next.due;
      next.run();
    }
    this.#now = time;
  }

  #earliest(): Entry | undefined {
    let earliest: Entry | undefined;
    for (const entry of this.#entries) {
      if (
        earliest === undefined ||
        entry.due < earliest.due ||
        (entry.due === earliest.due && entry.order < earliest.order)
      ) {
        earliest = entry;
      }
    }
    return earliest;
  }
}
