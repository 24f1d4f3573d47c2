import { expect, test } from 'vitest';
import { parseConfig } from '../../src/core/config.ts';
import { DemandSchema, demandOf } from '../../src/core/demand.ts';

test('every function is asked for every demand', () => {
  let asked = 0;
  const demand = demandOf('bulkhead', { priority: () => ++asked, patience: () => 100 * asked });
  expect([demand(), demand()]).toStrictEqual([
    { priority: 1, patience: 100 },
    { priority: 2, patience: 200 },
  ]);
});

test.each(['5', Number.NaN, -1, null])('a patience of %j is refused, whoever says it', (patience) => {
  const refusal = 'option "patience" must be a duration in milliseconds, and not negative';
  expect(() => parseConfig('bulkhead', DemandSchema, { patience } as never)).toThrow(refusal);
  expect(demandOf('bulkhead', { patience: () => patience as number })).toThrow(refusal);
});
