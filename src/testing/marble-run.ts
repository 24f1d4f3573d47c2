import { isObservable, type Observable, Subscription, takeWhile } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import { timestamp } from '../core/clock.ts';
import { parseConfig } from '../core/config.ts';
import type { ResilienceEvent } from '../core/events.ts';
import { chunkOf, parseChat } from './chat-letters.ts';
import { RunOptionsSchema } from './config.ts';
import { asCurrentRun } from './current-run.ts';
import { difference } from './difference.ts';
import { type ExpectedEvent, eventComplaint, recordEvents, refuseNoEvents } from './events.ts';
import { type Lane, type Mark, type SubscriptionFrames, subscriptionMarks } from './lane.ts';
import { type Leakable, leaksOf } from './leaks.ts';
import { written } from './letters.ts';
import { MarbleDifference, MarbleError } from './marble-error.ts';
import type {
  ChatExpectation,
  MarbleHelpers,
  StreamExpectation,
  Subscribable,
  SubscriptionExpectation,
} from './marble-helpers.ts';
import { parseStream, parseSubscription, type Values } from './marbles.ts';
import { RunScheduler } from './run-scheduler.ts';

export interface RunOptions {
  /** How many tasks the virtual clock runs before it takes the test for one that never ends. @default 100_000 */
  readonly maxTasks?: number;
  /** How many values a stream may show before it is taken for one that never ends. @default 1_000 */
  readonly maxValues?: number;
}

/** Says what is wrong, if anything is. */
type Check = () => readonly (string | undefined)[];

interface Expectation {
  readonly name: string;
  is(expected: Lane, values?: Values): void;
}

const HOW_TO_END = "End it with `take`, or with a subscription: expectObservable(stream, '^-----!').";
const NOTHING_SHOWN =
  'It has shown nothing at all. If it waits for a promise, that is why: promises do not resolve in virtual time.';
const CIRCUIT_TIMERS: ReadonlySet<unknown> = new Set(['open', 'half-open']);

/** One run in virtual time: what it records, what it expects, and everything that is wrong with it. */
export class MarbleRun {
  readonly #scheduler: RunScheduler;
  readonly #maxValues: number;
  /** Asked in this order once time stands still. */
  readonly #checks: Check[] = [];
  /** Mistakes of the test, and what streams complain of and may swallow. */
  readonly #complaints: string[] = [];
  readonly #open = new Set<string>();
  #flooded: string | undefined;
  #expectations = 0;
  #flushed = false;
  #over = false;

  constructor(options: RunOptions = {}) {
    const { maxTasks, maxValues } = parseConfig('A marble run', RunOptionsSchema, options);
    this.#maxValues = maxValues;
    this.#scheduler = new RunScheduler(maxTasks);
  }

  /** Whether it can fail: it expects something, or the test has moved the time to look for itself. */
  get hasPurpose(): boolean {
    return this.#checks.length > 0 || this.#flushed;
  }

  /** @throws {MarbleError} if the run never ends, or the callback is none that virtual time can wait for. */
  run<T>(callback: (helpers: MarbleHelpers) => T): T {
    if (typeof callback !== 'function')
      throw new MarbleError(`A marble run takes a callback, and was given ${written(callback)}.`);
    try {
      const result = asCurrentRun(this.#complaints, () =>
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
    const differences = this.#checks.flatMap((check) => check()).filter((it) => it !== undefined);
    const found = [...this.#complaints, ...differences];
    if (found.length === 0) return;
    const Failure = this.#complaints.length > 0 ? MarbleError : MarbleDifference;
    throw new Failure(`\n${found.join('\n\n')}\n`);
  }

  record(name: string, stream: Observable<unknown>, subscription = '^'): Lane {
    if (!isObservable(stream))
      throw new MarbleError(
        `${name} looks at an Observable, and was given ${written(stream)}.${hintFor(stream)}`,
      );
    const { subscribedFrame, unsubscribedFrame } = parseSubscription(subscription);
    const marks: Mark[] = [];
    const recording = new Subscription();
    const frame = (): number => this.#scheduler.frame;
    this.#open.add(name);
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

  readonly expectObservable = <T>(stream: Observable<T>, subscription?: string): StreamExpectation<T> => {
    const expectation = this.#expectStream('expectObservable', stream, subscription);
    return {
      toBe: (marbles, values, error) =>
        expectation.is({ name: 'expected', marks: parseStream(marbles, values, error) }, values),
      toEqual: (other) => expectation.is(this.record(`${expectation.name}, expected`, other, subscription)),
    };
  };

  readonly expectChat = (stream: Observable<unknown>, subscription?: string): ChatExpectation => {
    const expectation = this.#expectStream('expectChat', stream, subscription);
    return {
      toBe(marbles, values, error) {
        const marks = parseChat(marbles, values, error);
        const chunks = Array.from(marbles, (letter) => [letter, chunkOf(letter, values)]);
        expectation.is({ name: 'expected', marks }, Object.fromEntries(chunks) as Values);
      },
    };
  };

  readonly expectSubscriptions = (source: Subscribable): SubscriptionExpectation => {
    const name = this.#named('expectSubscriptions');
    const checks = this.#promised(name, ".toBe(['^--!'])");
    if (logOf(source) === undefined)
      throw new MarbleError(
        `${name} looks at a source that knows who subscribed to it, such as flaky(…), scriptedProvider(…) or cold(…), and was given ${written(source)}.`,
      );
    return {
      toBe(marbles) {
        const wanted = (Array.isArray(marbles) ? marbles : [marbles]).map(parseSubscription);
        checks.push(() => {
          const logs = logOf(source) ?? [];
          return Array.from({ length: Math.max(wanted.length, logs.length) }, (_, index) =>
            difference(
              { name: 'expected', marks: subscriptionMarks(wanted[index]) },
              { name: `${name}, subscription ${index + 1}`, marks: subscriptionMarks(logs[index]) },
            ),
          );
        });
      },
    };
  };

  readonly expectEvents = (bus: Observable<ResilienceEvent>, expected: readonly ExpectedEvent[]): void => {
    this.#named('expectEvents');
    refuseNoEvents(expected);
    const recording = recordEvents(bus);
    this.#checks.push(() => {
      recording.stop();
      return [eventComplaint(recording.events, expected)];
    });
  };

  readonly expectNoLeaks = (...subjects: readonly Leakable[]): void => {
    this.#named('expectNoLeaks');
    this.#checks.push(() => [...this.#leftTimers(subjects), ...leaksOf(subjects)]);
  };

  #call<T>(callback: (helpers: MarbleHelpers) => T, helpers: RunHelpers): T {
    const { expectObservable, expectChat, expectSubscriptions, expectEvents, expectNoLeaks } = this;
    const flush = (): void => {
      this.#flushed = true;
      helpers.flush();
    };
    const own = { expectObservable, expectChat, expectSubscriptions, expectEvents, expectNoLeaks };
    const result = callback({ ...helpers, flush, ...own });
    refusePromise(result);
    if (timestamp() !== this.#scheduler.frame)
      throw new MarbleError('A TestScheduler.run inside of the marble run has taken its clock away.');
    return result;
  }

  #expectStream(helper: string, stream: Observable<unknown>, subscription?: string): Expectation {
    const name = this.#named(helper);
    const actual = this.record(name, stream, subscription);
    const checks = this.#promised(name, '.toBe(marbles)');
    return {
      name,
      is: (expected, values) =>
        void checks.push(() => {
          const differs = difference(expected, actual, values);
          return [differs && actual.marks.length === 0 ? `${differs}\n  ${NOTHING_SHOWN}` : differs];
        }),
    };
  }

  #named(helper: string): string {
    if (this.#over)
      throw new MarbleError(`${helper} was called when its marble run was over: nobody would check it.`);
    this.#expectations++;
    return `${helper} ${this.#expectations}`;
  }

  /** Checks that are still to come; none is a mistake of the test. */
  #promised(name: string, call: string): Check[] {
    const checks: Check[] = [];
    this.#checks.push(() => {
      if (checks.length === 0) this.#complaints.push(`${name} was never checked: it lacks its ${call}.`);
      return checks.flatMap((check) => check());
    });
    return checks;
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
    const who = this.#open.size > 0 ? [...this.#open].join(' and ') : 'Something that is no expected stream';
    throw new MarbleError(
      `${who} never ends: in frame ${refused.frame} a task ${refused.delay} ms later was one too many (maxTasks). ${HOW_TO_END}`,
    );
  }

  /** An open circuit is on its way to half-open, and that takes a timer. */
  #leftTimers(subjects: readonly Leakable[]): readonly string[] {
    const excused = subjects.filter((subject) =>
      CIRCUIT_TIMERS.has((subject as { state?: unknown } | undefined)?.state),
    ).length;
    return this.#scheduler.leftTimers
      .slice(excused)
      .map((due) => `leak: a timer that is due in frame ${due} was armed when everything had ended.`);
  }
}

/** Who subscribed to the source and when, if it knows. */
function logOf(source: unknown): readonly SubscriptionFrames[] | undefined {
  const log = Array.isArray(source)
    ? source
    : (source as { subscriptions?: unknown } | null | undefined)?.subscriptions;
  return Array.isArray(log) ? log : undefined;
}

const isPromise = (value: unknown): boolean =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

const hintFor = (value: unknown): string =>
  isPromise(value) ? ' Promises do not resolve in virtual time: test them with fake timers.' : '';

export function refusePromise(result: unknown): void {
  if (!isPromise(result)) return;
  void Promise.resolve(result).catch(() => {});
  throw new MarbleError(
    'The callback of the marble run returned a promise. Virtual time does not wait for promises: what follows the first `await` would never be checked. Test promises with fake timers.',
  );
}
