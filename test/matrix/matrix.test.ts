/** Every fault of the wall × every adapter × every recovery mode that it makes a difference to, over real HTTP. */
import { afterAll, describe, expect, test } from 'vitest';
import { times } from '../support/property-runs.ts';
import { ADAPTERS } from './adapters.ts';
import { see, startMatrixWall } from './cell.ts';
import { expected, MAX_DELAY, MODES } from './expectation.ts';
import { FAULTS, type Row } from './faults.ts';

const ROWS = Object.values(FAULTS).flat();

/**
 * Where nothing is shown, nothing is to be recovered from, and all modes should come to the same: each adapter takes one of
 * them, and in the next row the next. `PROPERTY_TIMES=3` tries all.
 */
function cellsOf({ when, said = 0 }: Row) {
  const number = ROWS.findIndex((row) => row.when === when);
  const modes = said > 0 ? MODES.length : Math.min(MODES.length, times(1));
  return ADAPTERS.flatMap((adapter, index) =>
    Array.from({ length: modes }, (_, further) => {
      const mode = MODES[(number + index + further) % MODES.length]!;
      return { adapter, mode, title: `${adapter.adapter}, ${mode}` };
    }),
  );
}

const wall = await startMatrixWall();
afterAll(() => wall.close());

describe.each(Object.entries(FAULTS))('%s', (_, rows) => {
  test.each(rows.map((row) => ({ ...row })))('$when', async (row) => {
    const { retryAfter = 0 } = row;
    const cells = cellsOf(row);
    const outcomes = await Promise.all(
      cells.map(async ({ adapter, mode, title }) => {
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
        cells.map(({ adapter, mode, title }) => [
          title,
          { ...expected(row, mode, adapter), early: false, leases: 0 },
        ]),
      ),
    );
    await wall.idle();
    expect(wall.strays).toStrictEqual([]);
  });
});
