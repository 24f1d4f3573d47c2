import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { insightsPage } from './page.ts';

test('docs/ holds the guide to the developer tools and its picture of today: after a change, run `npm run docs` and look at them', async () => {
  const files = await insightsPage();
  expect([...files.keys()]).toStrictEqual(['docs/pictures/insights/an-answer.svg', 'docs/insights.md']);
  for (const [path, content] of files) expect(readFileSync(path, 'utf8')).toBe(content);
  expect(await insightsPage()).toStrictEqual(files);
});
