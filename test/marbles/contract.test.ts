/** Every rule of the contract has its proof: a diagram of that title, or a test of that name where no picture can show it. */
import { describe, expect, test } from 'vitest';
import { isNode, Syntax, within } from '../../marbles/book/syntax.ts';
import { contract } from '../../marbles/contract/index.ts';
import type { Proofs } from '../../marbles/contract/rule.ts';
import { chapters } from '../../marbles/index.ts';

const diagrams = new Set(
  chapters.flatMap(({ operator, diagrams }) => diagrams.map(({ title }) => `${operator}: ${title}`)),
);
const listed = (proofs: Proofs): [where: string, title: string][] =>
  Object.entries(proofs).flatMap(([where, titles]) =>
    [titles].flat().map((title): [string, string] => [where, title]),
  );

describe.each(contract)('$title', ({ rules }) => {
  test.each(rules)('$name', ({ shown = {}, tested }) => {
    const { because, ...tests } = tested ?? { because: 'it is shown' };
    expect(because).not.toBe('');
    const missing = [
      ...listed(shown)
        .map((caption) => caption.join(': '))
        .filter((caption) => !diagrams.has(caption)),
      ...listed(tests)
        .filter(([file, title]) => !titlesIn(file).has(title))
        .map((proof) => proof.join(': ')),
    ];
    expect(missing).toStrictEqual([]);
    expect(listed(shown).length + listed(tests).length).toBeGreaterThan(0);
  });
});

test('a rule has one name', () => {
  const names = contract.flatMap(({ title, rules }) => rules.map(({ name }) => `${title}: ${name}`));
  expect(new Set(names).size).toBe(names.length);
});

test('every diagram proves a rule', () => {
  const cited = new Set(
    contract.flatMap(({ rules }) =>
      rules.flatMap(({ shown = {} }) => listed(shown).map((caption) => caption.join(': '))),
    ),
  );
  expect(
    [...diagrams].filter((caption) => !cited.has(caption)),
    'say in marbles/contract/ which rules they show',
  ).toStrictEqual([]);
});

/** What the tests and suites of a file are called. */
function titlesIn(file: string): ReadonlySet<string> {
  const known = titles.get(file) ?? new Set(calledIn(file));
  titles.set(file, known);
  return known;
}

const titles = new Map<string, ReadonlySet<string>>();

function* calledIn(file: string): Generator<string> {
  for (const { type, callee, arguments: given } of within(Syntax.of(file).program)) {
    if (type !== 'CallExpression' || !isNode(callee)) continue;
    const [title] = given as readonly { readonly type: string; readonly value?: unknown }[];
    if (SUITE.test(nameOf(callee)) && typeof title?.value === 'string') yield title.value;
  }
}

const SUITE = /^(test|it|describe)\b/;

/** `test`, `describe.each`, `test.concurrent.each`: the first name of what is called. */
function nameOf(callee: unknown): string {
  if (!isNode(callee)) return '';
  return typeof callee.name === 'string' ? callee.name : nameOf(callee.object ?? callee.callee);
}
