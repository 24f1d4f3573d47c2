import { describe, expect, it } from 'vitest';
import { differencesOf } from './difference.ts';
import { chapters } from './index.ts';
import { runDiagram } from './run-diagram.ts';

for (const chapter of chapters) {
  describe(`marbles of ${chapter.operator}`, () => {
    it.each(chapter.diagrams.map((diagram) => ({ ...diagram })))('$title', (diagram) => {
      const problem = differencesOf(runDiagram(diagram));
      if (problem !== undefined) expect.fail(`The diagram differs from what happened.\n\n${problem}\n`);
    });
  });
}
