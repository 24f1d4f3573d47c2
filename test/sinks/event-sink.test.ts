import { config } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ResilienceEvent } from '../../src/core/events.ts';
import { EventBus, EventSink, type EventSinkConfig } from '../../src/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

let bus: EventBus;
let scheduler: ManualScheduler;
const reported: unknown[] = [];
beforeEach(() => {
  bus = new EventBus();
  scheduler = new ManualScheduler();
  reported.length = 0;
  config.onUnhandledError = (thrown) => reported.push(thrown);
});
afterEach(() => {
  config.onUnhandledError = null;
});

const say = (count: number, from = 0): void => {
  for (let index = from; index < from + count; index++)
    bus.publish('timed_out', `clock-${index}`, { kind: 'each', after: index });
};

/** What a sink was told, write by write. */
function recording(
  options: EventSinkConfig = {},
  write: (events: readonly ResilienceEvent[]) => unknown = () => {},
) {
  const writes: string[][] = [];
  const sink = new EventSink(
    (events) => {
      writes.push(events.map(told));
      return write(events);
    },
    { events: bus, scheduler, ...options },
  );
  bus.subscribe(sink);
  return { sink, writes };
}

const told = (event: ResilienceEvent): string =>
  event.type === 'events_dropped' ? `${event.data.count} missing` : event.source;

describe('a sink', () => {
  test('writes later, in batches, in the order of the bus', () => {
    const { sink, writes } = recording();
    say(250);
    expect([writes.length, sink.queueSize]).toStrictEqual([0, 250]);
    scheduler.advanceTo(0);
    expect(writes.map(({ length }) => length)).toStrictEqual([100, 100, 50]);
    expect(writes.flat()).toStrictEqual(Array.from({ length: 250 }, (_, index) => `clock-${index}`));
    expect([sink.queueSize, sink.writtenCount, sink.droppedCount]).toStrictEqual([0, 250, 0]);
    expect(scheduler.pending).toBe(0);
  });

  test('has no timer while there is nothing to write', () => {
    recording();
    expect(scheduler.pending).toBe(0);
  });

  test('drops what finds its queue full, counts it, and says so at the place of the gap and on the bus', () => {
    const announced: unknown[] = [];
    bus.on('events_dropped').subscribe(({ source, data }) => announced.push([source, data.count]));
    const { sink, writes } = recording({ maxQueue: 3, name: 'slow' });
    say(10);
    expect([sink.queueSize, sink.droppedCount]).toStrictEqual([3, 7]);
    scheduler.advanceTo(0);
    expect(announced).toStrictEqual([]);
    say(2, 10);
    scheduler.advanceTo(0);
    expect(writes.flat()).toStrictEqual([
      'clock-0',
      'clock-1',
      'clock-2',
      '7 missing',
      'clock-10',
      'clock-11',
    ]);
    expect(announced).toStrictEqual([['slow', 7]]);
    expect(sink.droppedCount).toBe(7);
  });

  test('hears of the gaps of other sinks', () => {
    const { writes } = recording({ name: 'this' });
    bus.publish('events_dropped', 'other', { count: 5 });
    bus.publish('events_dropped', 'this', { count: 5 });
    scheduler.advanceTo(0);
    expect(writes.flat()).toStrictEqual(['5 missing']);
  });

  test('waits for a write that takes time: no two run at once', async () => {
    let finish = (): void => {};
    const { sink, writes } = recording({}, () => new Promise<void>((resolve) => (finish = resolve)));
    say(1);
    scheduler.advanceTo(0);
    say(5, 1);
    scheduler.advanceTo(1_000);
    expect(writes).toStrictEqual([['clock-0']]);
    expect(sink.writtenCount).toBe(0);
    finish();
    await vi.waitFor(() => expect(sink.writtenCount).toBe(1));
    scheduler.advanceTo(1_000);
    expect(writes[1]).toHaveLength(5);
    const flushed = sink.flush();
    finish();
    await flushed;
    expect(sink.writtenCount).toBe(6);
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ])('goes on after a write that %s, and says what is missing', async (_, fail) => {
    let broken = true;
    const { sink, writes } = recording({}, () => (broken ? fail() : undefined));
    say(3);
    await sink.flush();
    expect([sink.writtenCount, sink.droppedCount]).toStrictEqual([0, 3]);
    expect(reported).toStrictEqual([new Error('disk full')]);
    broken = false;
    say(1, 3);
    await sink.flush();
    expect(writes.at(-1)).toStrictEqual(['3 missing', 'clock-3']);
  });

  test('two sinks that fail do not drive each other on', async () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    const [one, other] = [recording({ name: 'one' }, fail), recording({ name: 'other' }, fail)];
    say(1);
    await one.sink.flush();
    await other.sink.flush();
    say(1, 1);
    for (let round = 0; round < 10; round++) scheduler.advanceTo(round);
    expect(one.writes.length + other.writes.length).toBeLessThan(8);
    expect(scheduler.pending).toBe(0);
  });

  test('flush() writes at once what has come, and what comes meanwhile', async () => {
    const { sink, writes } = recording({}, () => {
      if (writes.length < 3) say(1, writes.length);
    });
    say(1);
    await sink.flush();
    expect(writes).toStrictEqual([['clock-0'], ['clock-1'], ['clock-2']]);
    expect(scheduler.pending).toBe(0);
    await sink.flush();
    expect(writes).toHaveLength(3);
  });

  test('says at the flush what was dropped last', async () => {
    const { sink, writes } = recording({ maxQueue: 1 });
    say(3);
    await sink.flush();
    expect(writes.flat()).toStrictEqual(['clock-0', '2 missing']);
  });

  test('says on the bus what its last write has lost, once, and in what is written when that works again', async () => {
    const announced: number[] = [];
    bus.on('events_dropped').subscribe(({ data }) => announced.push(data.count));
    let broken = true;
    const { sink, writes } = recording({}, () =>
      broken ? Promise.reject(new Error('disk full')) : undefined,
    );
    say(3);
    await sink.flush();
    await sink.flush();
    expect([announced, sink.droppedCount]).toStrictEqual([[3, 1], 4]);
    broken = false;
    await sink.close();
    expect(writes.at(-1)).toStrictEqual(['1 missing']);
    expect(announced).toStrictEqual([3, 1]);
  });

  test('is over after close(), which writes the rest', async () => {
    const { sink, writes } = recording();
    {
      await using _closing = sink;
      say(2);
    }
    say(2, 2);
    expect(writes.flat()).toStrictEqual(['clock-0', 'clock-1']);
    expect([sink.queueSize, scheduler.pending]).toStrictEqual([0, 0]);
    await sink.close();
  });

  test('that left the bus still writes what it has', () => {
    const writes: string[][] = [];
    const sink = new EventSink((events) => writes.push(events.map(told)), { events: bus, scheduler });
    const subscription = bus.subscribe(sink);
    say(1);
    subscription.unsubscribe();
    say(1, 1);
    scheduler.advanceTo(0);
    expect(writes).toStrictEqual([['clock-0']]);
  });

  test('takes its time from the test scheduler', () => {
    new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected)).run(({ cold, flush }) => {
      const frames: number[] = [];
      const sink = new EventSink((events) => frames.push(...events.map(({ timestamp }) => timestamp)), {
        events: bus,
      });
      bus.subscribe(sink);
      cold('-a--b|').subscribe(() => say(1));
      flush();
      expect(frames).toStrictEqual([1, 4]);
    });
  });

  test('a slow console costs the stream nothing: an event is only put away', () => {
    const { sink } = recording({ maxQueue: 5 }, () => {
      throw new Error('never');
    });
    say(1_000_000);
    expect(sink.droppedCount).toBe(999_995);
  });
});

test('bad options are refused at once', () => {
  expect(() => new EventSink(() => {}, { maxQueue: 0 })).toThrow('option "maxQueue"');
});
