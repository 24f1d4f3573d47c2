/** Marbles that are the contract have teeth: whoever breaks a rule turns a diagram red that shows it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { contract } from '../../marbles/contract/index.ts';
import { BreakableLibrary } from './breakable-library.ts';
import { breakages } from './breakages.ts';

const shown = new Map(
  contract.flatMap(({ title, rules }) =>
    rules
      .filter((rule) => rule.shown !== undefined)
      .map(({ name, shown = {} }): [string, string[]] => [
        `${title}: ${name}`,
        Object.entries(shown).flatMap(([operator, titles]) =>
          [titles].flat().map((it) => `${operator}: ${it}`),
        ),
      ]),
  ),
);

let library: BreakableLibrary;
beforeAll(async () => {
  library = await BreakableLibrary.of(breakages);
});

test('while nothing is broken, every diagram holds', () => {
  const captions = [...new Set([...shown.values()].flat())];
  expect(captions.length).toBeGreaterThan(100);
  expect(library.red(captions)).toStrictEqual([]);
});

describe('a diagram turns red for whoever breaks', () => {
  const cases = breakages.flatMap(({ rules, edits }, index) =>
    rules.map((rule): [string, string, number] => [rule, edits.map(described).join(', '), index]),
  );
  test.each(cases)('%s, %s', (rule, _, index) => {
    const captions = shown.get(rule);
    if (captions === undefined) throw new Error(`No rule of this name is shown: "${rule}".`);
    expect(library.red(captions, index)).not.toStrictEqual([]);
  });
});

test('every rule that is shown has been broken', () => {
  const bitten = new Set(breakages.flatMap(({ rules }) => rules));
  expect(
    [...shown.keys()].filter((rule) => !bitten.has(rule)),
    'break it in test/marbles/breakages.ts',
  ).toStrictEqual([]);
});

const described = ({ right, wrong }: { right: string; wrong: string }): string =>
  (wrong === '' ? `without "${right}"` : `by "${wrong}"`).replaceAll(/\s+/g, ' ');
