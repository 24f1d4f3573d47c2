/** An event from another process is believed only as far as its schema goes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { safeParse } from 'zod/mini';
import { EVENT_CATEGORIES } from '../../src/core/event-categories.ts';
import { ResilienceEventSchema } from '../../src/core/events.ts';
import { jsonOf } from './json.ts';

const fields =
  'type category source timestamp call attempt data error name message kind from to reason usage delay';
const anything = jsonOf(fields.split(' '), fc.constantFrom(...Object.keys(EVENT_CATEGORIES)));
const almost = fc.record({
  type: fc.constantFrom(...Object.keys(EVENT_CATEGORIES)),
  category: fc.constantFrom(...Object.values(EVENT_CATEGORIES)),
  source: fc.oneof(fc.string(), anything),
  timestamp: fc.oneof(fc.double(), anything),
  data: anything,
});

test('whatever arrives: it is an event of a known type, or it is refused, and nothing is thrown or polluted', () => {
  fc.assert(
    fc.property(fc.oneof(anything, almost), (json) => {
      const arrived: unknown = JSON.parse(JSON.stringify(json));
      const { success, data } = safeParse(ResilienceEventSchema, arrived);
      if (!success) return;
      expect(EVENT_CATEGORIES[data.type]).toBe(data.category);
      expect(Number.isFinite(data.timestamp)).toBe(true);
      // What was read can be sent on.
      expect(safeParse(ResilienceEventSchema, JSON.parse(JSON.stringify(data))).success).toBe(true);
    }),
    { numRuns: 1_000 },
  );
  expect(Object.keys(Object.prototype)).toStrictEqual([]);
});

test('an event that is nested 10 000 deep is refused, not a stack that overflows', () => {
  let deep: unknown = 'end';
  for (let depth = 0; depth < 10_000; depth++) deep = { cause: deep };
  const event = {
    type: 'circuit_opened',
    category: 'state',
    source: 's',
    timestamp: 0,
    data: { error: deep },
  };
  expect(safeParse(ResilienceEventSchema, event).success).toBe(false);
});
