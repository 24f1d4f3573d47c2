import { expect, test, vi } from 'vitest';
import { defaultRandom } from '../../src/core/random.ts';

test('chance is that of the host, also where it is replaced later', () => {
  vi.spyOn(Math, 'random').mockReturnValueOnce(0.25);
  expect(defaultRandom()).toBe(0.25);
  vi.restoreAllMocks();
});
