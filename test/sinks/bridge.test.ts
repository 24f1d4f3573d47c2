import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { EMPTY, fromEvent, map, type Observable, Subject, throwError } from 'rxjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CallScope } from '../../src/core/scope.ts';
import { bridge, type EventBridge, EventBus, type Port } from '../../src/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const scheduler = new ManualScheduler();
const bridges: EventBridge[] = [];
afterEach(async () => {
  await Promise.all(bridges.splice(0).map((end) => end.close()));
});

/** Both ends of a line. What is put in is on its way as JSON. */
function line(): [Port, Port] {
  const [there, back] = [new Subject<unknown>(), new Subject<unknown>()];
  const end = (out: Subject<unknown>, into: Subject<unknown>): Port => ({
    next: (message) => out.next(JSON.parse(JSON.stringify(message))),
    subscribe: (observer) => into.subscribe(observer),
  });
  return [end(there, back), end(back, there)];
}

function connect(bus: EventBus, port: Port, origin: string): EventBridge {
  const end = bridge(bus, port, { origin, scheduler });
  bridges.push(end);
  return end;
}

function listener(bus: EventBus): string[] {
  const heard: string[] = [];
  bus.subscribe(({ source, call, attempt }) =>
    heard.push(call === undefined ? source : `${source} ${call}.${attempt}`),
  );
  return heard;
}

const say = (bus: EventBus, source: string, scope?: CallScope): void =>
  bus.publish('timed_out', source, { kind: 'each', after: 5 }, scope);
const settle = (): void => scheduler.advanceTo(scheduler.now() + 10);

describe('a bridge', () => {
  test('lets both sides hear both, under the name of the origin', () => {
    const [left, right] = [new EventBus(), new EventBus()];
    const [one, other] = line();
    const [a, b] = [connect(left, one, 'left'), connect(right, other, 'right')];
    const [inLeft, inRight] = [listener(left), listener(right)];
    say(left, 'payments', CallScope.open('c'));
    say(right, 'search');
    expect([inLeft, inRight]).toStrictEqual([['payments c.1'], ['search']]);
    settle();
    expect(inLeft).toStrictEqual(['payments c.1', 'right/search']);
    expect(inRight).toStrictEqual(['search', 'left/payments left/c.1']);
    expect([a.sentCount, a.receivedCount, b.sentCount, b.receivedCount]).toStrictEqual([1, 1, 1, 1]);
    settle();
    expect(inLeft).toHaveLength(2);
  });

  test('keeps what an event says, its time among it', () => {
    const [left, right] = [new EventBus(), new EventBus()];
    const [one, other] = line();
    connect(left, one, 'left');
    connect(right, other, 'right');
    const pairs: unknown[][] = [[], []];
    left.subscribe((event) => pairs[0]?.push({ ...event, source: `left/${event.source}` }));
    right.subscribe((event) => pairs[1]?.push(event));
    left.publish('fallback_used', 'f', {
      alternative: 1,
      error: new Error('boom', { cause: new Error('root') }),
    });
    left.publish('limiter_resumed', 'l', {});
    settle();
    expect(pairs[1]).toStrictEqual(pairs[0]);
    expect(pairs[1]).toHaveLength(2);
  });

  test('hands on from process to process along a tree, and tells the whole way', () => {
    const buses = { leaf: new EventBus(), middle: new EventBus(), root: new EventBus() };
    const [down, up] = [line(), line()];
    connect(buses.leaf, down[0], 'leaf');
    connect(buses.middle, down[1], 'middle');
    connect(buses.middle, up[0], 'middle');
    connect(buses.root, up[1], 'root');
    const heard = { leaf: listener(buses.leaf), middle: listener(buses.middle), root: listener(buses.root) };
    say(buses.leaf, 'x', CallScope.open('c'));
    for (let hop = 0; hop < 5; hop++) settle();
    expect(heard).toStrictEqual({
      leaf: ['x c.1'],
      middle: ['leaf/x leaf/c.1'],
      root: ['middle/leaf/x middle/leaf/c.1'],
    });
  });

  test('a ring comes to rest', () => {
    const buses = ['a', 'b', 'c'].map((name) => ({ name, bus: new EventBus() }));
    for (const [index, { bus, name }] of buses.entries()) {
      const next = buses[(index + 1) % 3]!;
      const [near, far] = line();
      connect(bus, near, name);
      connect(next.bus, far, next.name);
    }
    const heard = listener(buses[0]!.bus);
    say(buses[0]!.bus, 'x');
    for (let hop = 0; hop < 20; hop++) settle();
    expect(heard).toStrictEqual(['x']);
    expect(scheduler.pending).toBe(0);
  });

  test('a wire between two ends of one bus is quiet', () => {
    const bus = new EventBus();
    const [one, other] = line();
    connect(bus, one, 'one');
    connect(bus, other, 'other');
    const heard = listener(bus);
    say(bus, 'x');
    for (let hop = 0; hop < 20; hop++) settle();
    expect(heard).toStrictEqual(['x', 'one/x', 'other/x']);
    expect(scheduler.pending).toBe(0);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['text', 'circuit_opened'],
    [
      'an event without a way',
      { event: { type: 'limiter_resumed', category: 'state', source: 's', timestamp: 0, data: {} } },
    ],
    [
      'an unknown type',
      { via: ['a'], event: { type: 'gossip', category: 'state', source: 's', timestamp: 0, data: {} } },
    ],
    [
      'the data of another type',
      { via: ['a'], event: { type: 'timed_out', category: 'error', source: 's', timestamp: 0, data: {} } },
    ],
    ['an endless way', { via: Array(1_000).fill('a'), event: {} }],
    [
      'what throws when it is looked at',
      new Proxy(
        {},
        {
          get() {
            throw new Error('looked at');
          },
        },
      ),
    ],
  ])('believes nothing that is no event: %s', (_, message) => {
    const bus = new EventBus();
    const incoming = new Subject<unknown>();
    const end = connect(bus, incoming, 'here');
    const heard = listener(bus);
    incoming.next(message);
    expect([heard.length, end.refusedCount, end.receivedCount]).toStrictEqual([0, 1, 0]);
  });

  test('leaves out what the schema does not know', () => {
    const bus = new EventBus();
    const incoming = new Subject<unknown>();
    connect(bus, incoming, 'here');
    const heard: object[] = [];
    bus.subscribe((event) => heard.push(event));
    const event = { type: 'limiter_resumed', category: 'state', source: 's', timestamp: 0, data: {} };
    incoming.next({ via: ['there'], event: { ...event, data: { password: 'x' }, constructor: 1 } });
    expect(heard).toStrictEqual([event]);
  });

  test('a port that throws costs events, and nobody else anything', () => {
    const bus = new EventBus();
    const port: Port = {
      next() {
        throw new Error('closed');
      },
      subscribe: (observer) => new Subject().subscribe(observer),
    };
    const end = connect(bus, port, 'here');
    const heard = listener(bus);
    say(bus, 'x');
    settle();
    say(bus, 'y');
    settle();
    expect(end.droppedCount).toBeGreaterThanOrEqual(2);
    expect(heard).toStrictEqual(['x', 'y', 'bridge']);
  });

  test.each<[string, Observable<never>]>([
    ['ends', EMPTY],
    ['fails', throwError(() => new Error('lost'))],
  ])('hangs up when its port %s, even at once', (_, incoming) => {
    const bus = new EventBus();
    const next = vi.fn<(message: unknown) => void>();
    connect(bus, { next, subscribe: (observer) => incoming.subscribe(observer) }, 'here');
    expect(bus.observed).toBe(false);
    say(bus, 'x');
    settle();
    expect(next).not.toHaveBeenCalled();
  });

  test('hangs up when it is closed, after it has sent the rest', async () => {
    const bus = new EventBus();
    const incoming = new Subject<unknown>();
    const sent: unknown[] = [];
    const end = bridge(
      bus,
      { next: (message) => sent.push(message), subscribe: (observer) => incoming.subscribe(observer) },
      { origin: 'here' },
    );
    {
      await using _closing = end;
      say(bus, 'x');
    }
    expect(sent).toHaveLength(1);
    expect([bus.observed, incoming.observed]).toStrictEqual([false, false]);
  });

  test('runs over the ports of a real channel', async () => {
    const [left, right] = [new EventBus(), new EventBus()];
    const { port1, port2 } = new MessageChannel();
    const portOf = (end: MessagePort): Port => ({
      next: (message) => end.postMessage(message),
      subscribe: (observer) =>
        fromEvent<MessageEvent>(end, 'message')
          .pipe(map(({ data }) => data as unknown))
          .subscribe(observer),
    });
    const a = bridge(left, portOf(port1), { origin: 'left' });
    const b = bridge(right, portOf(port2), { origin: 'right' });
    const heard = new Promise((resolve) => right.on('circuit_opened').subscribe(resolve));
    left.publish('circuit_opened', 'payments', {
      from: 'closed',
      to: 'open',
      retryAfter: 5,
      error: new Error('503'),
    });
    expect(await heard).toMatchObject({ source: 'left/payments', data: { error: { message: '503' } } });
    await Promise.all([a.close(), b.close()]);
    port1.close();
    await once(port2, 'close');
  });

  test('needs the name of its origin', () => {
    expect(() => bridge(new EventBus(), new Subject(), { origin: '' })).toThrow(
      'option "origin" must not be empty',
    );
  });
});
