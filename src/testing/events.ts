import { isObservable, type Observable } from 'rxjs';
import { EVENT_CATEGORIES } from '../core/event-categories.ts';
import type { EventType, ResilienceEvent } from '../core/events.ts';
import { refuseInsideRun } from './current-run.ts';
import { written } from './letters.ts';
import { MarbleDifference, MarbleError } from './marble-error.ts';
import { same } from './same.ts';

/** An event by its type, or with as much of it as matters. */
export type ExpectedEvent =
  | EventType
  | {
      readonly type: EventType;
      readonly source?: string;
      /** In virtual time the frame. */
      readonly timestamp?: number;
      /** The fields that matter; others may be there. */
      readonly data?: Readonly<Record<string, unknown>>;
    };

/** What a bus has announced since. */
export interface EventRecording {
  readonly events: readonly ResilienceEvent[];
  /** Stops listening. */
  stop(): void;
}

/**
 * Listens from now on to a bus, or to a part of it such as `bus.on('recovery')`.
 *
 * @example Under fake timers, where nothing is awaited by itself:
 * ```ts
 * vi.useFakeTimers();
 * const recording = recordEvents(bus.on('recovery'));
 * const answer = assistant.chat([{ role: 'user', content: 'Hello' }]);
 * await vi.advanceTimersByTimeAsync(1_000);
 * await answer;
 * expectEvents(recording, ['retry_attempted', 'stream_retracted']);
 * ```
 * @throws {MarbleError} for what is no bus.
 */
export function recordEvents(bus: Observable<ResilienceEvent>): EventRecording {
  if (!isObservable(bus))
    throw new MarbleError(
      `Events are heard from a bus, such as getEventBus(), and not from ${written(bus)}.`,
    );
  const events: ResilienceEvent[] = [];
  const subscription = bus.subscribe((event) => events.push(event));
  return { events, stop: () => subscription.unsubscribe() };
}

/**
 * Throws unless these events were announced, in this order, and no others. Inside `runMarbles` take its helper of the same
 * name: it listens to a bus by itself, and checks at the end.
 *
 * @throws {MarbleError} with both lists beside each other.
 */
export function expectEvents(recording: EventRecording, expected: readonly ExpectedEvent[]): void {
  refuseInsideRun('expectEvents');
  if (!Array.isArray(recording?.events))
    throw new MarbleError('The imported expectEvents takes what recordEvents(bus) has recorded.');
  refuseNoEvents(expected);
  const complaint = eventComplaint(recording.events, expected);
  if (complaint !== undefined) throw new MarbleDifference(complaint);
}

/** An event that nobody can announce would be expected in vain, or by a test that expects it not to come. */
export function refuseNoEvents(expected: readonly ExpectedEvent[]): void {
  if (!Array.isArray(expected))
    throw new MarbleError(
      `Events are expected as a list, such as ['retry_attempted'], and not as ${written(expected)}.`,
    );
  for (const event of expected as readonly unknown[]) {
    const type = typeof event === 'string' ? event : (event as { type?: unknown } | null)?.type;
    if (typeof type === 'string' && Object.hasOwn(EVENT_CATEGORIES, type)) continue;
    const like = Object.keys(EVENT_CATEGORIES).filter(
      (known) => known.slice(0, 4) === String(type).slice(0, 4),
    );
    const hint = like.length > 0 ? ` Did you mean ${like.join(' or ')}?` : '';
    throw new MarbleError(`There is no event of the type ${written(type)}.${hint}`);
  }
}

export function eventComplaint(
  actual: readonly ResilienceEvent[],
  expected: readonly ExpectedEvent[],
): string | undefined {
  const length = Math.max(actual.length, expected.length);
  const lines: string[] = [];
  let differs = false;
  for (let index = 0; index < length; index++) {
    const [wanted, got] = [expected[index], actual[index]];
    const fit = wanted !== undefined && got !== undefined && fits(wanted, got);
    const heard = got === undefined ? 'nothing' : described(got);
    lines.push(
      fit
        ? `    ${heard}`
        : `  ✗ expected ${wanted === undefined ? 'nothing' : describedWish(wanted)}, heard ${heard}`,
    );
    differs ||= !fit;
  }
  return differs ? ['events', ...lines].join('\n') : undefined;
}

function fits(expected: ExpectedEvent, actual: ResilienceEvent): boolean {
  if (typeof expected === 'string') return expected === actual.type;
  const { data = {}, ...rest } = expected;
  return isPart(rest, actual) && isPart(data, actual.data);
}

const isPart = (part: object, whole: object): boolean =>
  Object.entries(part).every(([key, value]) => same(value, Reflect.get(whole, key)));

const described = ({ type, source, timestamp, data }: ResilienceEvent): string =>
  `${type} from "${source}" at ${timestamp} ${written(data)}`;

const describedWish = (expected: ExpectedEvent): string =>
  typeof expected === 'string' ? expected : `${expected.type} ${written({ ...expected, type: undefined })}`;
