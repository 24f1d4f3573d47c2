/** Every fault of the wall × every adapter × every recovery mode, over real HTTP. */
import { describe, expect, test } from 'vitest';
import { ADAPTERS } from './adapters.ts';
import { see, wallOf } from './cell.ts';
import { expected, kindIn, MAX_DELAY, MODES } from './expectation.ts';
import { FAULTS } from './faults.ts';

const CELLS = ADAPTERS.flatMap((adapter) =>
  MODES.map((mode) => ({ adapter, mode, title: `${adapter.adapter}, ${mode}` })),
);

describe.each(Object.entries(FAULTS))('%s', (_, rows) => {
  test.each(rows.map((row) => ({ ...row })))('$when', async (row) => {
    await using wall = await wallOf(row);
    const { retryAfter = 0 } = row;
    const outcomes = await Promise.all(
      CELLS.map(async ({ adapter, mode, title }, index) => {
        const { waits, ...outcome } = await see(row, wall, `${index}`, adapter, mode);
        // The clock of a timer may be a millisecond ahead of the one that measures.
        const early = retryAfter <= MAX_DELAY && waits.some((wait) => wait < retryAfter - 2);
        return [title, { ...outcome, early }] as const;
      }),
    );
    expect(Object.fromEntries(outcomes)).toStrictEqual(
      Object.fromEntries(
        CELLS.map(({ adapter, mode, title }) => [
          title,
          { ...expected(row, mode, kindIn(row, adapter.adapter)), early: false, leases: 0 },
        ]),
      ),
    );
    await wall.idle();
    expect(wall.strays).toStrictEqual([]);
  });
});
