import type { Observer } from 'rxjs';
import * as z from 'zod/mini';
import { type Clock, clockOf, type Timer, timestamp } from '../core/clock.ts';
import { commonOptions, count, parseConfig } from '../core/config.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { EVENT_CATEGORIES } from '../core/event-categories.ts';
import type { ResilienceEvent } from '../core/events.ts';
import { reportUnhandled } from '../core/unhandled.ts';

export const EventSinkConfigSchema = z.strictObject({
  ...commonOptions,
  /** How many events wait to be written at most. @default 1_000 */
  maxQueue: z._default(count(1), 1_000),
});
export type EventSinkConfig = z.input<typeof EventSinkConfigSchema>;

/** Where events go. What it returns is waited for, if it is a promise: no two writes run at a time. */
export type WriteEvents = (events: readonly ResilienceEvent[]) => unknown;

/** How many events are written at once: a long queue must not keep the thread. */
const LARGEST_BATCH = 100;

/**
 * Takes events to a slow place without slowing down anybody: whoever announces an event only puts it into a queue, which is
 * written later, in batches, in the order of the bus.
 *
 * A full queue drops what comes, and a write that fails its events. What is missing is counted, and announced as
 * `events_dropped`, with the next event or by `flush()`: on the bus, and in the written events at the place of the gap.
 *
 * ```ts
 * const sink = new EventSink((events) => database.insert(events), { name: 'database' });
 * getEventBus().subscribe(sink);
 * process.once('beforeExit', () => sink.flush());
 * ```
 *
 * Unsubscribing stops what comes; what is in the queue is written. `flush()` waits for that, `close()` does both.
 */
export class EventSink implements Observer<ResilienceEvent>, AsyncDisposable {
  readonly name: string;
  readonly #write: WriteEvents;
  readonly #maxQueue: number;
  readonly #clock: Clock;
  readonly #events: EventBus;
  #queue: ResilienceEvent[] = [];
  #timer: Timer | undefined;
  /** The write that is under way. */
  #writing: Promise<void> | undefined;
  #closed = false;
  #writtenCount = 0;
  #droppedCount = 0;
  /** Dropped, and not announced yet: in what is written, and on the bus. */
  #missing = 0;
  #untold = 0;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(write: WriteEvents, config: EventSinkConfig = {}) {
    const options = parseConfig('EventSink', EventSinkConfigSchema, config);
    this.name = options.name ?? 'event-sink';
    this.#write = write;
    this.#maxQueue = options.maxQueue;
    this.#clock = clockOf(options.scheduler);
    this.#events = options.events ?? getEventBus();
  }

  /** Events that wait to be written. */
  get queueSize(): number {
    return this.#queue.length;
  }

  get writtenCount(): number {
    return this.#writtenCount;
  }

  /** Events that were lost: the queue was full, or a write failed. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  next(event: ResilienceEvent): void {
    // Its own gap stands in the queue already, at its place.
    if (this.#closed || (event.type === 'events_dropped' && event.source === this.name)) return;
    if (this.#queue.length >= this.#maxQueue) return this.#drop(1);
    this.#announceGap();
    this.#queue.push(event);
    this.#wake();
  }

  /** Does nothing: a bus never fails. */
  error(): void {}

  /** Does nothing: a bus never ends. */
  complete(): void {}

  /** Resolves when everything that has come so far is written. */
  async flush(): Promise<void> {
    this.#announceGap();
    while (this.#queue.length > 0 || this.#writing !== undefined) await (this.#writing ?? this.#writeBatch());
    // What the last write has lost has no place in what is written.
    this.#tell();
  }

  /** Takes nothing more, and resolves when all is written. */
  close(): Promise<void> {
    this.#closed = true;
    return this.flush();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wake(): void {
    if (this.#writing !== undefined || this.#timer !== undefined) return;
    this.#timer = this.#clock.schedule(0, () => void this.#writeBatch());
  }

  /** @returns the write, where it takes time. */
  #writeBatch(): Promise<void> | undefined {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#queue.splice(0, LARGEST_BATCH);
    try {
      const written = this.#write(batch);
      if (!isPromise(written)) return this.#wrote(batch);
      this.#writing = Promise.resolve(written).then(
        () => this.#wrote(batch),
        (thrown: unknown) => this.#failed(batch, thrown),
      );
      return this.#writing;
    } catch (thrown) {
      this.#failed(batch, thrown);
      return undefined;
    }
  }

  #wrote(batch: readonly ResilienceEvent[]): undefined {
    this.#writtenCount += batch.length;
    this.#goOn();
  }

  #failed(batch: readonly ResilienceEvent[], thrown: unknown): void {
    this.#drop(batch.length);
    reportUnhandled(thrown);
    this.#goOn();
  }

  #goOn(): void {
    this.#writing = undefined;
    if (this.#queue.length > 0) this.#wake();
  }

  #drop(events: number): void {
    this.#droppedCount += events;
    this.#missing += events;
    this.#untold += events;
  }

  /** Where something is missing in what is written, it is said how much. */
  #announceGap(): void {
    if (this.#missing === 0) return;
    this.#queue.push({
      type: 'events_dropped',
      category: EVENT_CATEGORIES.events_dropped,
      source: this.name,
      timestamp: timestamp(),
      data: { count: this.#missing },
    });
    this.#missing = 0;
    this.#tell();
  }

  #tell(): void {
    if (this.#untold === 0) return;
    const count = this.#untold;
    this.#untold = 0;
    this.#events.publish('events_dropped', this.name, { count });
  }
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
