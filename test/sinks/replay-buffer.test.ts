import fc from 'fast-check';
import { map, take, toArray } from 'rxjs';
import { beforeEach, describe, expect, test } from 'vitest';
import { EventBus, ReplayBuffer } from '../../src/index.ts';

let bus: EventBus;
beforeEach(() => {
  bus = new EventBus();
});

const say = (number: number): void => bus.publish('timed_out', 'clock', { kind: 'each', after: number });
const numbers = (recent: ReplayBuffer) =>
  recent.pipe(map((event) => (event.type === 'timed_out' ? event.data.after : -1)));

function buffer(size?: number): ReplayBuffer {
  const recent = new ReplayBuffer(size === undefined ? {} : { size });
  bus.subscribe(recent);
  return recent;
}

describe('a replay buffer', () => {
  test('tells whoever comes late what was last, and then what comes', () => {
    const recent = buffer(3);
    for (const number of [1, 2, 3, 4, 5]) say(number);
    const heard: number[] = [];
    numbers(recent).subscribe((number) => heard.push(number));
    say(6);
    expect(heard).toStrictEqual([3, 4, 5, 6]);
    expect(recent.events.map(({ data }) => data)).toMatchObject([{ after: 4 }, { after: 5 }, { after: 6 }]);
  });

  test('keeps a thousand if nobody says otherwise', () => {
    const recent = buffer();
    for (let number = 0; number < 2_500; number++) say(number);
    expect(recent.events).toHaveLength(1_000);
    expect(recent.events[0]).toMatchObject({ data: { after: 1_500 } });
  });

  test('forgets when told to', () => {
    const recent = buffer(2);
    for (const number of [1, 2, 3]) say(number);
    recent.clear();
    const heard: number[] = [];
    numbers(recent).subscribe((number) => heard.push(number));
    expect(recent.events).toStrictEqual([]);
    say(4);
    expect(heard).toStrictEqual([4]);
  });

  test('stops in the middle of what is kept when the listener leaves', () => {
    const recent = buffer();
    for (const number of [1, 2, 3]) say(number);
    const heard: number[][] = [];
    numbers(recent)
      .pipe(take(2), toArray())
      .subscribe((all) => heard.push(all));
    expect(heard).toStrictEqual([[1, 2]]);
  });

  test('a listener that throws harms neither the bus nor the others', () => {
    const recent = buffer();
    say(1);
    const heard: number[] = [];
    recent.subscribe(() => {
      throw new Error('boom');
    });
    numbers(recent).subscribe((number) => heard.push(number));
    say(2);
    expect(heard).toStrictEqual([1, 2]);
  });

  test('never ends, whatever it is told', () => {
    const recent = buffer();
    const ends: string[] = [];
    recent.subscribe({ complete: () => ends.push('complete'), error: () => ends.push('error') });
    recent.complete();
    recent.error();
    say(1);
    expect(recent.events).toHaveLength(1);
    expect(ends).toStrictEqual([]);
  });

  test('a listener that announces more than is kept goes on with what is kept', () => {
    const recent = buffer(2);
    say(1);
    const heard: number[] = [];
    numbers(recent).subscribe((number) => {
      heard.push(number);
      if (number === 1) for (const more of [2, 3, 4, 5]) say(more);
    });
    expect(heard).toStrictEqual([1, 4, 5]);
  });

  test('a listener that forgets what it is being told hears what comes', () => {
    const recent = buffer();
    for (const number of [1, 2, 3]) say(number);
    const heard: number[] = [];
    numbers(recent).subscribe((number) => {
      heard.push(number);
      if (number === 1) recent.clear();
    });
    say(4);
    expect(heard).toStrictEqual([1, 4]);
  });
});

test('whoever comes, and whatever listeners announce: each event once, in the order of the bus', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ announces: fc.nat(3), joins: fc.boolean() }), { minLength: 1, maxLength: 12 }),
      (steps) => {
        bus = new EventBus();
        const recent = buffer(10_000);
        const order: number[] = [];
        bus.on('timed_out').subscribe(({ data }) => order.push(data.after));
        const listeners: number[][] = [];
        let next = 0;
        const join = (announces: number): void => {
          const heard: number[] = [];
          listeners.push(heard);
          numbers(recent).subscribe((number) => {
            heard.push(number);
            if (number % 3 === 0 && next < 40) for (let more = 0; more < announces; more++) say(next++);
          });
        };
        for (const { announces, joins } of steps) {
          if (joins) join(announces);
          say(next++);
        }
        join(0);
        for (const heard of listeners) expect(heard).toStrictEqual(order);
      },
    ),
  );
});

test('bad options are refused at once', () => {
  expect(() => new ReplayBuffer({ size: 0 })).toThrow('option "size"');
});
