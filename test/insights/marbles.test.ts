/** The instruments see, and change nothing: every diagram of the book comes out the same under them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { differencesOf } from '../../marbles/difference.ts';
import { chapters } from '../../marbles/index.ts';
import { runDiagram } from '../../marbles/run-diagram.ts';
import { type Insights, installInsights } from '../../src/insights/index.ts';

let insights: Insights;
beforeAll(async () => {
  insights = await installInsights();
});
afterAll(() => insights.uninstall());

it.each(chapters)('$operator does the same under the instruments of RxJS Insights', ({ diagrams }) => {
  for (const diagram of diagrams) {
    const problem = differencesOf(runDiagram(diagram));
    if (problem !== undefined) expect.fail(`${diagram.title}\n\n${problem}\n`);
  }
});
