/** Files that run in one thread, one after the other, share a world: who leaves a fake there fails, not who meets it. */
import { afterAll, expect } from 'vitest';
import { putBack, worldNow } from './world.ts';

const before = worldNow();

afterAll(() => {
  expect(putBack(before), 'left to the files that follow').toStrictEqual([]);
});
