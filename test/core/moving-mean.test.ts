import { expect, test } from 'vitest';
import { MovingMean } from '../../src/core/moving-mean.ts';

test('the first sample is the mean, and every further one moves it by an eighth of the way', () => {
  const mean = new MovingMean();
  expect(mean.value).toBeUndefined();
  const values = [80, 160, 10].map((sample) => {
    mean.add(sample);
    return mean.value;
  });
  expect(values).toStrictEqual([80, 90, 80]);
});
