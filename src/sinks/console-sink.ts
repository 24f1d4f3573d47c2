import * as z from 'zod/mini';
import { parseConfig } from '../core/config.ts';
import { EVENT_CATEGORIES, type EventCategory } from '../core/event-categories.ts';
import type { ResilienceEvent } from '../core/events.ts';
import { EventSink, EventSinkConfigSchema } from './event-sink.ts';
import { PHRASES } from './phrases.ts';

const category = z.enum(
  [...new Set(Object.values(EVENT_CATEGORIES))] as EventCategory[],
  'must be a category of events',
);

export const ConsoleSinkConfigSchema = z.extend(EventSinkConfigSchema, {
  /** Which categories are told. @default all but `metric` */
  categories: z.optional(z.readonly(z.array(category, 'must be an array of categories'))),
});
export type ConsoleSinkConfig = z.input<typeof ConsoleSinkConfigSchema>;

/** What of a console is needed. */
export interface Lines {
  info(line: string): void;
  warn(line: string): void;
}

const ALARMING: ReadonlySet<EventCategory> = new Set(['error', 'rejection', 'chaos']);

/**
 * Tells people what happens, one line an event: time of day (UTC; the frame in virtual time), source, what has happened,
 * and the call with its attempt. Errors, rejections, chaos and circuits that open are warnings, all else is information.
 *
 * @param console the `console` of the host, or whatever writes lines.
 * @returns an observer for a bus, or for a part of it. See {@link EventSink} for what happens when the console is slow.
 *
 * @example
 * ```ts
 * getEventBus().subscribe(consoleSink(console));
 * // 19:20:00.042 prices: retry 1 in 1 s: Error: 503 [call-1 #1]
 * // 19:20:01.047 prices: gave up after 2 attempts (attempts): Error: 503 [call-1 #2]
 * ```
 */
export function consoleSink(console: Lines, config: ConsoleSinkConfig = {}): EventSink {
  const { categories, ...options } = parseConfig('consoleSink', ConsoleSinkConfigSchema, config);
  const told = categories && new Set(categories);
  const isTold = (event: ResilienceEvent): boolean =>
    told?.has(event.category) ?? event.category !== 'metric';
  return new EventSink(
    (events) => {
      for (const event of events.filter(isTold)) console[isAlarming(event) ? 'warn' : 'info'](lineOf(event));
    },
    { name: 'console', ...options },
  );
}

const isAlarming = ({ category, type }: ResilienceEvent): boolean =>
  ALARMING.has(category) || type === 'circuit_opened';

/** One line, whatever names and messages hold: what they could do to a terminal or a log is taken out. */
function lineOf(event: ResilienceEvent): string {
  const { type, source, timestamp, call, attempt, data } = event;
  const phrase = (PHRASES[type] as (data: ResilienceEvent['data']) => string)(data);
  const where = call === undefined ? '' : ` [${call} #${attempt}]`;
  return `${timeOf(timestamp)} ${source}: ${phrase}${where}`.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** 00:00:00.000, UTC. */
function timeOf(timestamp: number): string {
  const part = (unit: number, limit: number, width = 2): string =>
    String(Math.floor(timestamp / unit) % limit).padStart(width, '0');
  return `${part(3_600_000, 24)}:${part(60_000, 60)}:${part(1_000, 60)}.${part(1, 1_000, 3)}`;
}
