import { EventSink, type EventSinkConfig } from './event-sink.ts';

/**
 * Writes events as JSON lines: one event a line, in the order of the bus. `ResilienceEventSchema` reads them back.
 *
 * @param write receives one or more whole lines. What it returns is waited for, if it is a promise.
 * @returns an observer for a bus, or for a part of it. See {@link EventSink} for what happens when `write` is slow.
 *
 * @example
 * ```ts
 * const sink = jsonLinesSink((lines) => appendFile('events.jsonl', lines));
 * getEventBus().subscribe(sink);
 * // events.jsonl: {"type":"circuit_opened","category":"state","source":"payments","timestamp":1764183600000,"data":{…}}
 * ```
 */
export function jsonLinesSink(write: (lines: string) => unknown, config: EventSinkConfig = {}): EventSink {
  return new EventSink((events) => write(events.map((event) => `${JSON.stringify(event)}\n`).join('')), {
    name: 'json-lines',
    ...config,
  });
}
