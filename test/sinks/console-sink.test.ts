import { beforeEach, describe, expect, test } from 'vitest';
import type { EventType } from '../../src/core/events.ts';
import { CallScope } from '../../src/core/scope.ts';
import {
  type ConsoleSinkConfig,
  consoleSink,
  EventBus,
  jsonLinesSink,
  ResilienceEventSchema,
} from '../../src/index.ts';
import { span } from '../../src/sinks/phrases.ts';
import { examples } from '../core/examples.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

let bus: EventBus;
const scheduler = new ManualScheduler();
beforeEach(() => {
  bus = new EventBus();
});

/** What a console shows, with the level of every line. */
async function shown(run: () => void, config: ConsoleSinkConfig = {}): Promise<string[]> {
  const lines: string[] = [];
  const console = {
    info: (line: string) => lines.push(`info ${line}`),
    warn: (line: string) => lines.push(`warn ${line}`),
  };
  const sink = consoleSink(console, { scheduler, events: bus, ...config });
  bus.subscribe(sink);
  run();
  await sink.close();
  return lines.map((line) => line.replace(/\d\d:\d\d:\d\d\.\d\d\d /, ''));
}

const publishAll = (): void => {
  for (const [type, data] of Object.entries(examples)) bus.publish(type as EventType, 'policy', data);
};

describe('consoleSink()', () => {
  test('has a sentence for everything but measurements', async () => {
    expect(await shown(publishAll)).toMatchInlineSnapshot(`
      [
        "warn policy: circuit open (was closed), a probe in 100 ms: Error: boom",
        "info policy: circuit closed (was half-open)",
        "info policy: circuit half-open (was open)",
        "warn policy: circuit refuses, try again in 100 ms",
        "info policy: retry 1 in 0 ms: Error: boom",
        "warn policy: gave up after 4 attempts (attempts): Error: boom",
        "info policy: goes on after 3 values: Error: boom",
        "info policy: waits for a place (10 active, 1 waiting)",
        "warn policy: refused: queue-full (10 active, 50 waiting)",
        "warn policy: waits for a permit, there is one in 100 ms",
        "warn policy: timed out: each after 50 ms",
        "info policy: pauses for 1 s (429)",
        "info policy: goes on",
        "info policy: tokens a minute: 1000 -> 500 (headers)",
        "info policy: tokens left: -20 instead of 900",
        "info policy: attempt 2 joins the race after 100 ms",
        "info policy: attempt 2 wins the race after 120 ms",
        "warn policy: nobody joins the race (budget)",
        "info policy: limit 10 -> 9 (drop)",
        "warn policy: refused by chance (50 %)",
        "warn policy: shed: deadline (priority 0), try again in 10 ms",
        "warn policy: CHAOS: latency for 100 ms",
        "info policy: database is unhealthy (was healthy): Error: boom",
        "info policy: payments added",
        "info policy: asks alternative 1: Error: boom",
        "warn policy: no alternative left after 2 errors: Error: boom",
        "info policy: call begins",
        "info policy: call completed after 20 ms",
        "info policy: call begins with main (m)",
        "info policy: asks main (m)",
        "info policy: takes back the words of main: Error: boom",
        "info policy: spare speaks instead of main: Error: boom",
        "info policy: main goes on after 12 characters (prefill): Error: boom",
        "warn policy: skipped a frame: Error: boom",
        "warn policy: 12 events are missing here",
        "info policy: call completed by spare after 2 s",
      ]
    `);
  });

  test('tells measurements to whoever wants them, and only what is wanted', async () => {
    const lines = await shown(publishAll, { categories: ['metric', 'chaos'] });
    expect(lines).toMatchInlineSnapshot(`
      [
        "warn policy: CHAOS: latency for 100 ms",
        "info policy: first words of main after 300 ms",
        "info policy: main failed in phase content after 900 ms, 3 tokens: Error: boom",
      ]
    `);
  });

  test('names the call and the attempt', async () => {
    const scope = CallScope.open('order-7');
    expect(
      await shown(() => bus.publish('timed_out', 'answer', { kind: 'first', after: 5_000 }, scope.next())),
    ).toStrictEqual(['warn answer: timed out: first after 5 s [order-7 #2]']);
  });

  test('begins with the time of day in UTC', async () => {
    const lines: string[] = [];
    const sink = consoleSink(
      { info: (line) => lines.push(line), warn: (line) => lines.push(line) },
      { scheduler },
    );
    const event = { type: 'limiter_resumed', category: 'state', source: 's', data: {} } as const;
    sink.next({ ...event, timestamp: Date.UTC(2026, 10, 26, 19, 20, 3, 45) });
    sink.next({ ...event, timestamp: 7 });
    await sink.flush();
    expect(lines).toStrictEqual(['19:20:03.045 s: goes on', '00:00:00.007 s: goes on']);
  });

  test('an event is one line, whatever it quotes', async () => {
    const error = new Error('first\n19:20:03.045 payments: circuit closed\u001b[2J\u2028\u0000', {
      cause: Object.assign(new Error('read'), { code: 'ECONNRESET' }),
    });
    const [line] = await shown(() => bus.publish('fallback_used', 'a\r\nb', { alternative: 1, error }));
    expect(line).toBe(
      'info a b: asks alternative 1: Error: first 19:20:03.045 payments: circuit closed [2J  < Error ECONNRESET: read',
    );
  });

  test('refuses a category that there is not', () => {
    expect(() => consoleSink(console, { categories: ['gossip'] as never })).toThrow('option "categories.0"');
  });
});

test.each([
  [0, '0 ms'],
  [0.12345, '0.123 ms'],
  [999, '999 ms'],
  [1_500, '1.5 s'],
  [60_000, '60 s'],
  [120_000, '2 min'],
  [5_400_000, '90 min'],
])('%d ms are "%s"', (duration, text) => {
  expect(span(duration)).toBe(text);
});

test('jsonLinesSink() writes what the schema reads', async () => {
  let file = '';
  const sink = jsonLinesSink(
    (lines) => {
      file += lines;
    },
    { events: bus, scheduler },
  );
  const heard: unknown[] = [];
  bus.subscribe((event) => heard.push(event));
  bus.subscribe(sink);
  publishAll();
  await sink.close();
  const lines = file.split('\n');
  expect(lines.pop()).toBe('');
  expect(lines.map((line) => ResilienceEventSchema.parse(JSON.parse(line)))).toStrictEqual(heard);
});
