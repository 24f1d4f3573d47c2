import { map, Subject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { summarize } from '../../src/core/error-summary.ts';
import { EventBus, getEventBus } from '../../src/core/event-bus.ts';
import { EVENT_CATEGORIES } from '../../src/core/event-categories.ts';
import {
  type EventData,
  EventSchemas,
  type EventType,
  type ResilienceEvent,
  ResilienceEventSchema,
} from '../../src/core/events.ts';
import { CallScope, within } from '../../src/core/scope.ts';
import { error, examples } from './examples.ts';

describe('on()', () => {
  test('gives the events of one type, typed', () => {
    const bus = new EventBus();
    const heard: unknown[] = [];
    bus.on('retry_attempted').subscribe((event) => {
      expectTypeOf(event.type).toEqualTypeOf<'retry_attempted'>();
      expectTypeOf(event.category).toEqualTypeOf<'recovery'>();
      expectTypeOf(event.data).toEqualTypeOf<EventData<'retry_attempted'>>();
      heard.push(event.data.delay);
    });
    bus.publish('retry_attempted', 'r', { attempt: 1, delay: 250, error });
    bus.publish('timed_out', 't', { kind: 'total', after: 50 });
    expect(heard).toStrictEqual([250]);
  });

  test('gives the events of a category, typed as a union', () => {
    const bus = new EventBus();
    const heard: EventType[] = [];
    bus.on('rejection').subscribe((event) => {
      expectTypeOf(event.type).toEqualTypeOf<
        | 'circuit_rejected'
        | 'bulkhead_rejected'
        | 'rate_limited'
        | 'hedge_refused'
        | 'throttled'
        | 'load_shed'
      >();
      if (event.type === 'rate_limited')
        expectTypeOf(event.data.outcome).toEqualTypeOf<'queued' | 'rejected'>();
      heard.push(event.type);
    });
    bus.publish('rate_limited', 'l', { retryAfter: 1, outcome: 'rejected' });
    bus.publish('circuit_closed', 'c', { from: 'half-open', to: 'closed' });
    bus.publish('circuit_rejected', 'c', {});
    expect(heard).toStrictEqual(['rate_limited', 'circuit_rejected']);
  });

  test('refuses what is neither', () => {
    const bus = new EventBus();
    // @ts-expect-error: no such type
    bus.on('circuit_exploded');
    // @ts-expect-error: the data of another type
    bus.publish('timed_out', 't', { attempt: 1 });
    expectTypeOf(bus.pipe(map((event) => event.type))).toEqualTypeOf(new Subject<EventType>().asObservable());
  });

  test('a throwing listener harms nobody', () => {
    const bus = new EventBus();
    const heard: string[] = [];
    bus.on('timed_out').subscribe(() => {
      throw new Error('boom');
    });
    bus.on('error').subscribe(({ source }) => heard.push(source));
    bus.publish('timed_out', 'one', { kind: 'total', after: 50 });
    bus.publish('timed_out', 'two', { kind: 'total', after: 50 });
    expect(heard).toStrictEqual(['one', 'two']);
  });
});

describe('publish()', () => {
  test('adds category and time', () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    const bus = new EventBus();
    const heard: ResilienceEvent[] = [];
    bus.subscribe((event) => heard.push(event));
    bus.publish('timed_out', 'answer', { kind: 'first', after: 5_000 });
    vi.useRealTimers();
    expect(heard).toStrictEqual([
      {
        type: 'timed_out',
        category: 'error',
        source: 'answer',
        timestamp: 1_700_000_000_000,
        data: { kind: 'first', after: 5_000 },
      },
    ]);
  });

  test('adds the call and the attempt: of whom it is said, or whose code runs', () => {
    const bus = new EventBus();
    const heard: unknown[] = [];
    bus.subscribe(({ call, attempt }) => heard.push([call, attempt]));
    within(CallScope.open('running'), () => {
      bus.publish('circuit_rejected', 'c', {});
      bus.publish('circuit_rejected', 'c', {}, CallScope.open('other').next());
    });
    bus.publish('circuit_rejected', 'c', {});
    expect(heard).toStrictEqual([
      ['running', 1],
      ['other', 2],
      [undefined, undefined],
    ]);
  });

  test('writes down what was thrown: an error, the errors, or both', () => {
    const bus = new EventBus({ errorMessages: 'all' });
    const heard: unknown[] = [];
    bus.subscribe(({ data }) => heard.push(data));
    const [thrown, written] = [new Error('boom'), summarize(new Error('boom'))];
    bus.publish('retry_attempted', 'r', { attempt: 1, delay: 0, error: thrown });
    bus.publish('fallback_exhausted', 'f', { errors: [thrown, 'text'] });
    expect(heard).toStrictEqual([
      { attempt: 1, delay: 0, error: written },
      { errors: [written, summarize('text')] },
    ]);
  });

  test('in virtual time the timestamp is the frame, from 0 on', () => {
    new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected)).run(
      ({ cold, expectObservable }) => {
        const bus = new EventBus();
        expectObservable(bus.pipe(map((event) => event.timestamp))).toBe('a--b', { a: 0, b: 3 });
        cold('a--b').subscribe(() => bus.publish('circuit_rejected', 'c', {}));
      },
    );
  });

  test('makes no event when nobody listens', () => {
    const bus = new EventBus();
    const next = vi.spyOn(bus, 'next');
    bus.publish('circuit_rejected', 'c', {});
    expect(next).not.toHaveBeenCalled();
    const subscription = bus.subscribe();
    bus.publish('circuit_rejected', 'c', {});
    subscription.unsubscribe();
    bus.publish('circuit_rejected', 'c', {});
    expect(next).toHaveBeenCalledTimes(1);
  });
});

test('there is one shared bus', () => {
  expect(getEventBus()).toBe(getEventBus());
  expect(getEventBus()).toBeInstanceOf(Subject);
});

describe('ResilienceEventSchema', () => {
  const published = Object.entries(examples).map(([type, data]) => ({
    type,
    category: EVENT_CATEGORIES[type as EventType],
    source: 'policy',
    timestamp: 0,
    data,
  }));

  test.each(published)('accepts $type after a journey as JSON', (event) => {
    const arrived: unknown = JSON.parse(JSON.stringify(event));
    expect(ResilienceEventSchema.parse(arrived)).toStrictEqual(event);
  });

  test.each(published)(
    'refuses $type with the data, the category, the type or the time of something else',
    (event) => {
      const fields = Object.keys(event.data);
      for (const change of [
        { data: undefined },
        { data: 5 },
        ...(fields.length > 0 ? [{ data: Object.fromEntries(fields.map((key) => [key, Symbol(key)])) }] : []),
        { category: 'gossip' },
        { type: 'gossip' },
        { timestamp: '2026-01-01' },
        { source: undefined },
      ]) {
        expect({
          change,
          success: ResilienceEventSchema.safeParse({ ...event, ...change }).success,
        }).toStrictEqual({
          change,
          success: false,
        });
      }
    },
  );

  test.each(published)('$type has a schema of its own, which refuses every other type', (event) => {
    const schema = EventSchemas[event.type as EventType];
    const accepted = published.filter((other) => schema.safeParse(other).success);
    expect(accepted).toStrictEqual([event]);
  });

  test('leaves out what a later version may have added', () => {
    const later = { ...published[0], severity: 5, data: { ...published[0]?.data, more: true } };
    expect(ResilienceEventSchema.parse(later)).toStrictEqual(published[0]);
  });
});
