import { isObservable, type Observable, Subscription, takeWhile } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import { timestamp } from '../core/clock.ts';
import { parseConfig } from '../core/config.ts';
import { RunOptionsSchema } from './config.ts';
import { asCurrentRun } from './current-run.ts';
import { Expectations, type Observed } from './expectations.ts';
import type { Lane, Mark } from './lane.ts';
import { written } from './letters.ts';
import { MarbleError } from './marble-error.ts';
import type { MarbleHelpers } from './marble-helpers.ts';
import { parseSubscription } from './marbles.ts';
import { RunScheduler } from './run-scheduler.ts';
import { Verdict } from './verdict.ts';

export interface RunOptions {
  /** How many tasks the virtual clock runs before it takes the test for one that never ends. @default 100_000 */
  readonly maxTasks?: number;
  /** How many values a stream may show before it is taken for one that never ends. @default 1_000 */
  readonly maxValues?: number;
}

const HOW_TO_END = "End it with `take`, or with a subscription: expectObservable(stream, '^-----!').";

/** One run in virtual time, and what it records. It ends, whatever the streams do. */
export class MarbleRun implements Observed {
  readonly #scheduler: RunScheduler;
  readonly #maxValues: number;
  readonly #verdict = new Verdict();
  readonly #open = new Map<string, Subscription>();
  #flooded: string | undefined;
  #flushed = false;
  #over = false;

  constructor(options: RunOptions = {}) {
    const { maxTasks, maxValues } = parseConfig('A marble run', RunOptionsSchema, options);
    this.#maxValues = maxValues;
    this.#scheduler = new RunScheduler(maxTasks);
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Whether it can fail: it expects something, or the test has moved the time to look for itself. */
  get hasPurpose(): boolean {
    return this.#verdict.isAwaited || this.#flushed;
  }

  /** @throws {MarbleError} if the run never ends, or the callback is none that virtual time can wait for. */
  run<T>(callback: (helpers: MarbleHelpers) => T): T {
    if (typeof callback !== 'function')
      throw new MarbleError(`A marble run takes a callback, and was given ${written(callback)}.`);
    try {
      const result = asCurrentRun(this.#verdict.complaints, () =>
        this.#scheduler.run((helpers) => this.#call(callback, helpers)),
      );
      this.#refuseEndless();
      return result;
    } finally {
      this.#over = true;
    }
  }

  /** @throws {MarbleError} with everything that is not as expected. */
  check(): void {
    this.#verdict.speak();
  }

  record(name: string, stream: Observable<unknown>, subscription = '^'): Lane {
    if (!isObservable(stream))
      throw new MarbleError(
        `${name} looks at an Observable, and was given ${written(stream)}.${isPromise(stream) ? PROMISES : ''}`,
      );
    const { subscribedFrame, unsubscribedFrame } = parseSubscription(subscription);
    const marks: Mark[] = [];
    const recording = new Subscription();
    const frame = (): number => this.#scheduler.frame;
    this.#open.set(name, recording);
    recording.add(() => this.#closed(name));
    const begin = (): void => {
      const bounded = stream.pipe(takeWhile(() => marks.length < this.#maxValues || this.#flood(name)));
      recording.add(
        bounded.subscribe({
          next: (value) => void marks.push({ frame: frame(), kind: 'next', value }),
          error: (error: unknown) => {
            marks.push({ frame: frame(), kind: 'error', error });
            recording.unsubscribe();
          },
          complete: () => {
            marks.push({ frame: frame(), kind: 'complete' });
            recording.unsubscribe();
          },
        }),
      );
    };
    this.#scheduler.schedule(begin, Number.isFinite(subscribedFrame) ? subscribedFrame : 0);
    if (Number.isFinite(unsubscribedFrame))
      this.#scheduler.schedule(() => recording.unsubscribe(), unsubscribedFrame);
    return { name, marks };
  }

  leftTimers(): readonly number[] {
    return this.#scheduler.leftTimers;
  }

  #call<T>(callback: (helpers: MarbleHelpers) => T, helpers: RunHelpers): T {
    const flush = (): void => {
      this.#flushed = true;
      helpers.flush();
    };
    const { expectObservable, expectChat, expectSubscriptions, expectEvents, expectNoLeaks } =
      new Expectations(this, this.#verdict);
    const expectations = { expectObservable, expectChat, expectSubscriptions, expectEvents, expectNoLeaks };
    const result = callback({ ...helpers, flush, ...expectations });
    refusePromise(result);
    if (timestamp() !== this.#scheduler.frame)
      throw new MarbleError('A TestScheduler.run inside of the marble run has taken its clock away.');
    return result;
  }

  #closed(name: string): void {
    this.#open.delete(name);
    if (this.#open.size === 0) this.#scheduler.watchTimers();
  }

  #flood(name: string): boolean {
    this.#flooded ??= name;
    return false;
  }

  #refuseEndless(): void {
    const { refused, frame } = this.#scheduler;
    if (this.#flooded !== undefined)
      throw new MarbleError(
        `${this.#flooded} never ends: more than ${this.#maxValues} values by frame ${frame} (maxValues). ${HOW_TO_END}`,
      );
    if (refused === undefined) return;
    const endless = [...this.#open.keys()].join(' and ');
    // What a scheduler of RxJS still has to do for them would hold up all that comes after it.
    for (const recording of this.#open.values()) recording.unsubscribe();
    const who = endless || 'Something that is no expected stream';
    throw new MarbleError(
      `${who} never ends: in frame ${refused.frame} a task ${refused.delay} ms later was one too many (maxTasks). ${HOW_TO_END}`,
    );
  }
}

const PROMISES = ' Promises do not resolve in virtual time: test them with fake timers.';

const isPromise = (value: unknown): boolean =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** @throws {MarbleError} if the callback of a run has returned a promise, which nobody would wait for. */
export function refusePromise(result: unknown): void {
  if (!isPromise(result)) return;
  void Promise.resolve(result).catch(() => {});
  throw new MarbleError(
    'The callback of the marble run returned a promise. Virtual time does not wait for promises: what follows the first `await` would never be checked. Test promises with fake timers.',
  );
}
