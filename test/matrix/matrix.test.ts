/** Every fault of the wall × every adapter × every recovery mode, over real HTTP. */
import { afterAll, describe, expect, test } from 'vitest';
import { ADAPTERS } from './adapters.ts';
import { see, startMatrixWall } from './cell.ts';
import { expected, MAX_DELAY, MODES } from './expectation.ts';
import { FAULTS } from './faults.ts';

const CELLS = ADAPTERS.flatMap((adapter) =>
  MODES.map((mode) => ({ adapter, mode, title: `${adapter.adapter}, ${mode}` })),
);

const wall = await startMatrixWall();
afterAll(() => wall.close());

describe.each(Object.entries(FAULTS))('%s', (_, rows) => {
  test.each(rows.map((row) => ({ ...row })))('$when', async (row) => {
    const { retryAfter = 0 } = row;
    const outcomes = await Promise.all(
      CELLS.map(async ({ adapter, mode, title }) => {
        const { waits, story, sent, ...outcome } = await see(row, wall, adapter, mode);
        const { delays, spoke, contradictions, ...told } = story;
        const { end, kind, marks, requests } = outcome;
        // Whoever has only heard the bus knows the same: how often who was asked, what became of it, and how it ended.
        expect([title, told, contradictions]).toStrictEqual([title, { end, kind, marks, requests }, []]);
        // Nobody can have heard what never left the wall.
        expect([title, spoke.map((heard, attempt) => heard && sent[attempt] === 0)]).toStrictEqual([
          title,
          sent.map(() => false),
        ]);
        if (row.timeout === undefined && delays.length === waits.length)
          expect([title, waits.filter((wait, retry) => wait < (delays[retry] ?? 0) - 2)]).toStrictEqual([
            title,
            [],
          ]);
        // The clock of a timer may be a millisecond ahead of the one that measures.
        const early = retryAfter <= MAX_DELAY && waits.some((wait) => wait < retryAfter - 2);
        return [title, { ...outcome, early }] as const;
      }),
    );
    expect(Object.fromEntries(outcomes)).toStrictEqual(
      Object.fromEntries(
        CELLS.map(({ adapter, mode, title }) => [
          title,
          { ...expected(row, mode, adapter), early: false, leases: 0 },
        ]),
      ),
    );
    await wall.idle();
    expect(wall.strays).toStrictEqual([]);
  });
});
