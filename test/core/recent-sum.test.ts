import { expect, test } from 'vitest';
import { RecentSum } from '../../src/core/recent-sum.ts';

test('what is added at the beginning counts for a whole window, whenever that was', () => {
  let now = 3;
  const sum = new RecentSum(100, () => now);
  sum.add(1);
  now = 102.9;
  expect(sum.value).toBe(1);
  now = 103;
  expect(sum.value).toBe(0);
});
