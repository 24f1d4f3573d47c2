import { expect, test } from 'vitest';
import { DIMENSIONS, NOTHING } from '../../src/rate-limit/tokens.ts';
import { type Departure, Traffic } from '../../src/rate-limit/traffic.ts';

/** What is on its way without the knowledge of the service, of every dimension. */
const unseen = (traffic: Traffic, departure: Departure): number[] =>
  DIMENSIONS.map((dimension) => traffic.unseenBy(departure, dimension));

test('an answer leaves out what was admitted and not sent before its request, of every dimension', () => {
  const traffic = new Traffic();
  const [first, second, third] = [
    [2, 60, 40, 20],
    [3, 9, 4, 5],
    [5, 700, 500, 200],
  ] as const;
  traffic.admit(first);
  traffic.admit(second);
  const departure = traffic.send(first);
  expect(unseen(traffic, departure)).toStrictEqual(second);
  traffic.admit(third);
  expect(unseen(traffic, departure)).toStrictEqual([8, 709, 504, 205]);
  traffic.withdraw(third);
  expect(unseen(traffic, departure)).toStrictEqual(second);
  // A request that is only listened to sends nothing of its own.
  expect(unseen(traffic, traffic.send(NOTHING))).toStrictEqual(second);
  expect(unseen(traffic, traffic.send(second))).toStrictEqual([0, 0, 0, 0]);
});

test('only an answer to the latest departure that has been heard of, or a later one, is news', () => {
  const traffic = new Traffic();
  const departures = Array.from({ length: 3 }, () => traffic.send(NOTHING)) as [
    Departure,
    Departure,
    Departure,
  ];
  const [first, second, third] = departures;
  expect([second, first, second, third, second].map((departure) => traffic.isNews(departure))).toStrictEqual([
    true,
    false,
    true,
    true,
    false,
  ]);
});
