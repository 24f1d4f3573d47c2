import type { Observable } from 'rxjs';
import type { ResilienceEvent } from '../core/events.ts';
import { chunkOf, parseChat } from './chat-letters.ts';
import { difference } from './difference.ts';
import { type ExpectedEvent, eventComplaint, recordEvents, refuseNoEvents } from './events.ts';
import { type Lane, type SubscriptionFrames, subscriptionMarks } from './lane.ts';
import { type Leakable, leaksOf } from './leaks.ts';
import { written } from './letters.ts';
import { MarbleError } from './marble-error.ts';
import type {
  ChatExpectation,
  ExpectationHelpers,
  StreamExpectation,
  Subscribable,
  SubscriptionExpectation,
} from './marble-helpers.ts';
import { parseStream, parseSubscription, type Values } from './marbles.ts';
import type { Verdict } from './verdict.ts';

/** What expectations need of the run that they belong to. */
export interface Observed {
  readonly isOver: boolean;
  /** What a stream shows, from a subscription on that marbles describe. */
  record(name: string, stream: Observable<unknown>, subscription?: string): Lane;
  /** When the tasks are due that nobody waits for any more. */
  leftTimers(): readonly number[];
}

interface Expectation {
  readonly name: string;
  is(expected: Lane, values?: Values): void;
}

const NOTHING_SHOWN =
  'It has shown nothing at all. If it waits for a promise, that is why: promises do not resolve in virtual time.';
const CIRCUIT_TIMERS: ReadonlySet<unknown> = new Set(['open', 'half-open']);

/** The helpers with which a test says what it expects of a run. */
export class Expectations implements ExpectationHelpers {
  #count = 0;

  constructor(
    private readonly run: Observed,
    private readonly verdict: Verdict,
  ) {}

  readonly expectObservable = <T>(stream: Observable<T>, subscription?: string): StreamExpectation<T> => {
    const expectation = this.#stream('expectObservable', stream, subscription);
    return {
      toBe: (marbles, values, error) =>
        expectation.is({ name: 'expected', marks: parseStream(marbles, values, error) }, values),
      toEqual: (other) =>
        expectation.is(this.run.record(`${expectation.name}, expected`, other, subscription)),
    };
  };

  readonly expectChat = (stream: Observable<unknown>, subscription?: string): ChatExpectation => {
    const expectation = this.#stream('expectChat', stream, subscription);
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
    const checks = this.verdict.promise(name, ".toBe(['^--!'])");
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
    this.verdict.expect(() => {
      recording.stop();
      return [eventComplaint(recording.events, expected)];
    });
  };

  readonly expectNoLeaks = (...subjects: readonly Leakable[]): void => {
    this.#named('expectNoLeaks');
    this.verdict.expect(() => [...this.#leftTimers(subjects), ...leaksOf(subjects)]);
  };

  #stream(helper: string, stream: Observable<unknown>, subscription?: string): Expectation {
    const name = this.#named(helper);
    const actual = this.run.record(name, stream, subscription);
    const checks = this.verdict.promise(name, '.toBe(marbles)');
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
    if (this.run.isOver)
      throw new MarbleError(`${helper} was called when its marble run was over: nobody would check it.`);
    this.#count++;
    return `${helper} ${this.#count}`;
  }

  /** An open circuit is on its way to half-open, and that takes a timer. */
  #leftTimers(subjects: readonly Leakable[]): readonly string[] {
    const excused = subjects.filter((subject) =>
      CIRCUIT_TIMERS.has((subject as { state?: unknown } | undefined)?.state),
    ).length;
    return this.run
      .leftTimers()
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
