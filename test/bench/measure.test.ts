/** The benchmarks measure what they say: turns, medians, ratios, and bytes that are known beforehand. */
import { describe, expect, test } from 'vitest';
import { amount, verdict } from '../../bench/format.ts';
import { type Contestant, compared, compete, spreadOf, timedAfter } from '../../bench/measure.ts';
import { allocating, collectGarbage, holding, leaving } from '../../bench/memory.ts';
import { optionsOf } from '../../bench/options.ts';
import { committed } from '../../bench/results.ts';
import { subjects } from '../../bench/subjects.ts';
import { measured, type Table } from '../../bench/table.ts';

describe('a competition', () => {
  test('goes in turns that begin with another one every round, and does not count the warm-up', async () => {
    const turns: string[] = [];
    const contestant = (name: string): Contestant => ({ name, sample: () => turns.push(name) });
    const series = await compete(['A', 'B', 'C'].map(contestant), { rounds: 2, warmUp: 1, collect() {} });
    expect(turns.join('')).toBe('ABCBCACAB');
    expect(series.map(({ name, rounds }) => [name, ...rounds])).toStrictEqual([
      ['A', 6, 8],
      ['B', 4, 9],
      ['C', 5, 7],
    ]);
  });

  test('does not count what is done to be ready, and collects the garbage of it', async () => {
    const order: string[] = [];
    const contestant = timedAfter('A', () => {
      order.push('prepare');
      return () => order.push('work');
    });
    await contestant.sample(() => order.push('collect'));
    expect(order).toStrictEqual(['prepare', 'collect', 'work']);
  });

  test('fails when a contestant delivers something else', async () => {
    const broken = timedAfter('A', () => () => {
      throw new Error('9 of 10 tokens');
    });
    await expect(compete([broken], { rounds: 1, warmUp: 0, collect() {} })).rejects.toThrow('9 of 10 tokens');
  });
});

describe('a spread', () => {
  test.each([
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[5], 5],
  ])('of %j has the median %d', (values, median) => {
    expect(spreadOf(values)).toStrictEqual({
      median,
      lowest: Math.min(...values),
      highest: Math.max(...values),
    });
  });

  test('of a ratio is taken round by round', () => {
    const one = { name: 'one', rounds: [10, 100, 3] };
    const other = { name: 'other', rounds: [20, 100, 1] };
    const ratio = compared(one, other, (a, b) => a / b);
    expect(ratio).toStrictEqual({ median: 1, lowest: 0.5, highest: 3 });
  });
});

describe('memory', () => {
  const COUNT = 2_000;
  /** A hundred fields of eight bytes, and what an array has beside them. */
  const hundred = () => Array.from({ length: 100 });
  const expectHundred = (bytes: number) => {
    expect(bytes).toBeGreaterThan(790);
    expect(bytes).toBeLessThan(1_000);
  };
  const kept = (count: number) => Array.from({ length: count }, hundred);

  test('that was allocated is counted, also when it was collected on the way', async () => {
    let latest: unknown;
    const rounds = 20 * COUNT;
    const bytes = await allocating('arrays', () => {
      for (let made = 0; made < rounds; made++) latest = hundred();
      return rounds;
    }).sample(collectGarbage);
    expect(latest).toHaveLength(100);
    expectHundred(bytes);
  });

  test('that is held is counted while it is held', async () => {
    const open = (count: number) => {
      const arrays = kept(count);
      return { close: () => void arrays.splice(0) };
    };
    expectHundred(await holding('arrays', COUNT, open).sample(collectGarbage));
    expect(await leaving('arrays', COUNT, open).sample(collectGarbage)).toBeLessThan(100);
  });

  test('that is not given back is left behind', async () => {
    const leaked: unknown[] = [];
    const open = (count: number) => {
      leaked.push(...kept(count));
      return { close() {} };
    };
    expectHundred(await leaving('arrays', COUNT, open).sample(collectGarbage));
    expect(leaked).toHaveLength(COUNT);
  });
});

test('a table tells ratios, differences and values apart', async () => {
  const contestant = (name: string, cost: number): Contestant => ({ name, sample: () => cost });
  const table: Table = {
    title: 'T',
    about: 'A.',
    unit: 'ns',
    contestants: () => ({ one: contestant('One', 30), other: contestant('Other', 20) }),
    comparisons: {
      ratio: { of: 'one', to: 'other', atMost: 1.4 },
      difference: { of: 'one', above: 'other' },
      value: { of: 'one', atMost: 30 },
    },
  };
  const { rows, comparisons } = await measured(table, 3, true);
  expect(rows.one).toStrictEqual({ name: 'One', median: 30, lowest: 30, highest: 30 });
  expect(Object.values(comparisons).map(({ median }) => median)).toStrictEqual([1.5, 10, 30]);
  expect(Object.values(comparisons).map((it) => verdict(it, 'ns'))).toStrictEqual([
    '✗ at most 1.40',
    '',
    '✓ at most 30.0 ns',
  ]);
});

test.each([
  [18.04, 'ns', '18.0 ns'],
  [0.126, 'ns', '0.13 ns'],
  [13_700, 'ns', '13.7 µs'],
  [2_512_345, 'ns', '2.51 ms'],
  [-0.001, 'bytes', '0.00 B'],
  [3_153, 'bytes', '3.15 kB'],
  [123.4, 'bytes', '123 B'],
] as const)('%d %s is written %s', (value, unit, written) => {
  expect(amount(value, unit)).toBe(written);
});

test('the page in docs/ shows what is measured today: after a change, run `npm run bench -- --page`', async () => {
  const asked = (tables: readonly Pick<Table, 'title' | 'about' | 'comparisons'>[]) =>
    tables.map(({ title, about, comparisons }) => ({
      title,
      about,
      comparisons: Object.entries(comparisons).map(([key, { of, to, above, atMost }]) => ({
        key,
        of,
        to,
        above,
        atMost,
      })),
    }));
  const today = Object.entries(subjects).map(async ([name, load]) => ({ name, tables: asked(await load()) }));
  const shown = Object.entries(committed().subjects).map(([name, tables]) => ({
    name,
    tables: asked(tables),
  }));
  expect(shown).toStrictEqual(await Promise.all(today));
});

describe('the command line', () => {
  test('means everything, seven rounds', () => {
    expect(optionsOf([])).toMatchObject({ rounds: 7, json: false, page: false, short: false });
    expect(optionsOf(['--only', 'call', '--rounds', '3'])).toMatchObject({ chosen: ['call'], rounds: 3 });
    expect(optionsOf(['--help'])).toContain('--rounds N');
  });

  test.each([
    [['--only', 'coffee'], 'There is no subject "coffee"'],
    [['--rounds', '0'], '--rounds takes a whole number'],
    [['--page', '--short'], '--page is about everything'],
    [['--fast'], "Unknown option '--fast'"],
  ])('%j is refused', (args, sentence) => {
    expect(() => optionsOf(args)).toThrow(sentence);
  });
});
