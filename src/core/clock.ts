import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { traced } from './label.ts';

/** A task that waits for its time. */
export interface Timer {
  /** The reading of its clock that it waits for. */
  readonly due: number;
  /** Forgets the task. Doing so twice, or after it ran, does nothing. */
  cancel(): void;
}

/**
 * When something happened. In virtual time that is known at once. In real time it is the end of the turn of the event loop
 * in which it happened, unknown (`NaN`) until then: a million values of one turn share one reading of the clock, and a
 * consumer that blocks the thread is not mistaken for a silent source.
 */
export interface Moment {
  at: number;
}

/** The only source of time. Durations are milliseconds; only differences between readings mean anything. */
export interface Clock {
  now(): number;
  /** Runs `task` when `delay` has passed, never earlier, however long the delay. `Infinity` never comes. */
  schedule(delay: number, task: () => void, options?: { background?: boolean }): Timer;
  /** The same for a reading of this clock that is to come, or has just been. */
  at(due: number, task: () => void): Timer;
  /** How to note moments cheaply; asked for once per subscription, called once per value. */
  marker(): () => Moment;
}

/**
 * The clock of a policy.
 *
 * Without a scheduler it is the system clock: monotonic, and virtual by itself inside `TestScheduler.run` and under fake
 * timers. With one, time comes from that scheduler alone.
 */
export function clockOf(scheduler: SchedulerLike | undefined): Clock {
  return scheduler === undefined || scheduler === asyncScheduler
    ? systemClock
    : new SchedulerClock(scheduler);
}

/** For people and dashboards: milliseconds since the epoch, or the frame in virtual time. */
export function timestamp(): number {
  return asyncScheduler.now();
}

/**
 * Whether a time has come. Sums of fractional delays differ from their goal by rounding, so a nanosecond is forgiven:
 * waiting for the rest of it could take for ever.
 */
export function isDue(due: number, now: number): boolean {
  return due - now <= 1e-6;
}

const NEVER: Timer = { due: Number.POSITIVE_INFINITY, cancel() {} };

/** Hosts keep delays in 32 bits and fire at once beyond. */
const LONGEST_DELAY = 2 ** 31 - 1;

class SchedulerClock implements Clock {
  readonly #scheduler: SchedulerLike;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  now(): number {
    return this.#scheduler.now();
  }

  schedule(delay: number, task: () => void): Timer {
    return this.at(this.#scheduler.now() + delay, task, delay);
  }

  at(due: number, task: () => void, delay = Math.max(0, due - this.#scheduler.now())): Timer {
    if (due === Number.POSITIVE_INFINITY) return NEVER;
    const scheduler = this.#scheduler;
    const run = traced(task);
    const subscription = scheduler.schedule(
      function (this) {
        const now = scheduler.now();
        if (isDue(due, now)) run();
        else this.schedule(undefined, Math.min(due - now, LONGEST_DELAY));
      },
      Math.min(delay, LONGEST_DELAY),
    );
    return { due, cancel: () => subscription.unsubscribe() };
  }

  marker(): () => Moment {
    return () => ({ at: this.now() });
  }
}

/** What the host offered when this module was loaded. Whoever replaces it later is a fake clock. */
const native = { now: globalThis.performance.now, setTimeout: globalThis.setTimeout, dateNow: Date.now };

/**
 * `TestScheduler.run` takes over the default scheduler of RxJS, and nothing else of it is public: inside, that scheduler
 * counts frames from 0 and no longer asks the date. A reading of today needs no question; one near 0 may be a fake date.
 */
function isVirtual(schedulerNow: number): boolean {
  return schedulerNow < 1e11 && !asksTheDate();
}

function asksTheDate(): boolean {
  const { now } = Date;
  // Not an assignment: in a hardened host the date cannot be replaced, and there is nothing to find out.
  Reflect.set(Date, 'now', () => Number.NaN);
  const answer = asyncScheduler.now();
  Reflect.set(Date, 'now', now);
  return Number.isNaN(answer);
}

/** Those that were there before this module: the usual libraries leave their mark on the function. */
const fakeFromTheStart = 'clock' in globalThis.setTimeout;
const fakeTimers = (): boolean => fakeFromTheStart || globalThis.setTimeout !== native.setTimeout;
const fakePerformance = (): boolean => globalThis.performance.now !== native.now;
const fakeDate = (): boolean => Date.now !== native.dateNow;

/** Monotonic. Some fake timers replace the date but not `performance`: then the date is their clock. */
function hostNow(): number {
  return fakeTimers() && fakeDate() && !fakePerformance() ? Date.now() : globalThis.performance.now();
}

const virtualClock = new SchedulerClock(asyncScheduler);

const systemClock: Clock = {
  now() {
    const schedulerNow = asyncScheduler.now();
    return isVirtual(schedulerNow) ? schedulerNow : hostNow();
  },

  schedule(delay, task, options) {
    if (delay === Number.POSITIVE_INFINITY) return NEVER;
    return isVirtual(asyncScheduler.now())
      ? virtualClock.schedule(delay, task)
      : new HostTimer(hostNow() + delay, delay, traced(task), options?.background);
  },

  at(due, task) {
    if (due === Number.POSITIVE_INFINITY) return NEVER;
    if (isVirtual(asyncScheduler.now())) return virtualClock.at(due, task);
    return new HostTimer(due, Math.max(0, due - hostNow()), traced(task));
  },

  marker() {
    if (isVirtual(asyncScheduler.now())) return virtualClock.marker();
    // A fake clock moves inside one turn, so its moments are read one by one.
    return fakeTimers() || fakePerformance() ? () => ({ at: hostNow() }) : currentTurn;
  },
};

/** The turn of the event loop that is running, if a moment of it has been noted. */
let turn: Moment | undefined;
const settled = Promise.resolve();

function currentTurn(): Moment {
  return turn ?? beginTurn();
}

function beginTurn(): Moment {
  turn = { at: Number.NaN };
  void settled.then(endTurn);
  return turn;
}

function endTurn(): void {
  (turn as Moment).at = hostNow();
  turn = undefined;
}

/** `setTimeout`, but never early: hosts round down, count from the start of the turn, and overflow after 24 days. */
class HostTimer implements Timer {
  readonly due: number;
  readonly #task: () => void;
  readonly #background: boolean;
  /** What the host could not wait for at once. */
  #beyond = 0;
  #handle: ReturnType<typeof setTimeout> | undefined;

  constructor(due: number, delay: number, task: () => void, background = false) {
    this.#task = task;
    this.#background = background;
    this.due = due;
    this.arm(delay);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  private arm(delay: number): void {
    const wait = Math.ceil(delay);
    this.#beyond = Math.max(0, wait - LONGEST_DELAY);
    // Bound, not in a function of its own: there is a timer for each of many open streams.
    this.#handle = setTimeout(this.fire.bind(this), wait - this.#beyond);
    // Only Node's timers keep a process alive; a background task must not.
    if (this.#background) (this.#handle as { unref?: () => void }).unref?.();
  }

  private fire(): void {
    // Fake timers that left both clocks alone move nothing that could be compared: their word has to do.
    const comparable = !fakeTimers() || fakeDate() || fakePerformance();
    const left = comparable ? this.due - hostNow() : this.#beyond;
    if (isDue(left, 0)) this.#task();
    else this.arm(left);
  }
}
