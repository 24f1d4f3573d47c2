import { filter, type Observer, Subscription, type Unsubscribable } from 'rxjs';
import * as z from 'zod/mini';
import { parseConfig } from '../core/config.ts';
import type { EventBus } from '../core/event-bus.ts';
import { type ResilienceEvent, ResilienceEventSchema } from '../core/events.ts';
import { reportUnhandled } from '../core/unhandled.ts';
import { EventSink, EventSinkConfigSchema } from './event-sink.ts';

/** The near end of a line to another process: what is put into it comes out at the far end, as JSON or a structured clone. */
export interface Port {
  next(message: unknown): void;
  subscribe(observer: Partial<Observer<unknown>>): Unsubscribable;
}

export const BridgeConfigSchema = z.extend(EventSinkConfigSchema, {
  /** What this process is called on the other side: no two that are connected may have one name. */
  origin: z.string('must be a string').check(z.minLength(1, 'must not be empty')),
});
export type BridgeConfig = z.input<typeof BridgeConfigSchema>;

const MOST_STATIONS = 16;

const MessageSchema = z.object({
  event: ResilienceEventSchema,
  /** The processes through which it has come, the first one first. */
  via: z.array(z.string()).check(z.minLength(1), z.maxLength(MOST_STATIONS)),
});

interface Journey {
  readonly via: readonly string[];
  readonly bridge: EventBridge;
}

/** Events that have come over a bridge. */
const journeys = new WeakMap<ResilienceEvent, Journey>();

/** One end of a line between two buses. */
export class EventBridge implements AsyncDisposable {
  readonly #origin: string;
  readonly #bus: EventBus;
  readonly #sink: EventSink;
  readonly #connections = new Subscription();
  #receivedCount = 0;
  #refusedCount = 0;

  /** @internal */
  constructor(bus: EventBus, port: Port, config: BridgeConfig) {
    const { origin, ...options } = parseConfig('bridge', BridgeConfigSchema, config);
    this.#origin = origin;
    this.#bus = bus;
    this.#sink = new EventSink(
      (events) => {
        for (const event of events) port.next(this.#message(event));
      },
      { name: 'bridge', events: bus, ...options },
    );
    const hangUp = (): void => void this.close();
    // The line first: one that is closed already is not written to.
    this.#connections.add(
      port.subscribe({ next: (message) => this.#receive(message), error: hangUp, complete: hangUp }),
    );
    if (this.#connections.closed) return;
    this.#connections.add(bus.pipe(filter((event) => this.#isNews(event))).subscribe(this.#sink));
  }

  /** Events that were sent. */
  get sentCount(): number {
    return this.#sink.writtenCount;
  }

  /** Events that could not be sent. */
  get droppedCount(): number {
    return this.#sink.droppedCount;
  }

  /** Events that have come from the other side. */
  get receivedCount(): number {
    return this.#receivedCount;
  }

  /** What has come from the other side and is no event that is known here. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Resolves when all events so far are sent. */
  flush(): Promise<void> {
    return this.#sink.flush();
  }

  /** Hangs up, and resolves when all events so far are sent. The port stays open. */
  close(): Promise<void> {
    this.#connections.unsubscribe();
    return this.#sink.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Whether the other side has not heard of it, and it does not run in a circle. */
  #isNews(event: ResilienceEvent): boolean {
    const journey = journeys.get(event);
    return journey === undefined || (journey.bridge !== this && !journey.via.includes(this.#origin));
  }

  #message(event: ResilienceEvent): unknown {
    const origin = this.#origin;
    const { source, call } = event;
    return {
      event: {
        ...event,
        source: `${origin}/${source}`,
        ...(call !== undefined && { call: `${origin}/${call}` }),
      },
      via: [...(journeys.get(event)?.via ?? []), origin],
    };
  }

  #receive(message: unknown): void {
    const { event, via } = parsed(message) ?? {};
    if (event === undefined || via === undefined) {
      this.#refusedCount++;
      return;
    }
    // It has come back by another way.
    if (via.includes(this.#origin)) return;
    this.#receivedCount++;
    journeys.set(event, { via, bridge: this });
    this.#bus.next(event);
  }
}

function parsed(message: unknown): z.output<typeof MessageSchema> | undefined {
  try {
    return z.safeParse(MessageSchema, message).data;
  } catch (thrown) {
    // A message that throws when it is looked at.
    reportUnhandled(thrown);
    return undefined;
  }
}

/**
 * Connects a bus with the bus of another process, over a pair of ends such as the two of a `MessageChannel`, of a WebSocket
 * or of a worker: what is announced on one side is heard on both.
 *
 * What comes is validated; what is no event is counted and goes no further. An event never returns to where it came from,
 * and comes under its origin's name: its `source` is `worker-1/payments`, its `call` `worker-1/call-7`. Connect processes as
 * a tree: in a ring an event would arrive by two ways. A line that is slow or throws does not slow down anybody here, see
 * {@link EventSink}.
 *
 * @param bus the bus of this process.
 * @param port this end of the line, such as a `Subject` or rxjs' `webSocket(…)`. When it ends, the bridge hangs up.
 * @throws {ConfigurationError} naming the option and the value.
 *
 * @example
 * ```ts
 * // In a worker, and likewise on the other side:
 * const port = {
 *   next: (message) => parentPort.postMessage(message),
 *   subscribe: (observer) => fromEvent(parentPort, 'message').pipe(map(({ data }) => data)).subscribe(observer),
 * };
 * bridge(getEventBus(), port, { origin: 'worker-1' });
 * ```
 */
export function bridge(bus: EventBus, port: Port, config: BridgeConfig): EventBridge {
  return new EventBridge(bus, port, config);
}
