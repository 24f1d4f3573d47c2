/** Every scenario keeps its claims, and `docs/` shows what the code does now. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { scenarios } from './index.ts';
import { outcomeOf, simulationsPage } from './page.ts';
import { isKept } from './scenario.ts';

describe.each(scenarios.map((scenario) => ({ title: scenario.title, scenario })))(
  '$title',
  ({ scenario }) => {
    const { claims } = outcomeOf(scenario);

    test.each(claims)('$claim', (claim) => {
      expect(claim).toSatisfy(isKept);
    });

    test('claims something, within bounds', () => {
      expect(claims.length).toBeGreaterThan(0);
      expect(claims.filter(({ atLeast, atMost }) => (atLeast ?? atMost) === undefined)).toStrictEqual([]);
    });

    test('is the same every time', () => {
      expect(scenario.run()).toStrictEqual(outcomeOf(scenario));
    });
  },
);

test('docs/ holds the page and the curves of today: after a change, run `npm run docs` and look at them', () => {
  const files = simulationsPage();
  const committed = readdirSync('docs/pictures/simulations').map(
    (name) => `docs/pictures/simulations/${name}`,
  );
  const stale = [...files].filter(
    ([path, content]) => !existsSync(path) || readFileSync(path, 'utf8') !== content,
  );
  expect({
    stale: stale.map(([path]) => path),
    unknown: committed.filter((path) => !files.has(path)),
  }).toStrictEqual({ stale: [], unknown: [] });
});
