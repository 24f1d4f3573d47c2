import { describe, expect, it } from 'vitest';
import { chapters } from './index.ts';
import { runDiagram } from './run-diagram.ts';

for (const chapter of chapters) {
  describe(`marbles of ${chapter.operator}`, () => {
    it.each(chapter.diagrams.map((diagram) => ({ ...diagram })))('$title', (diagram) => {
      const lanes = runDiagram(diagram);
      expect(lanes.length).toBeGreaterThan(0);
      for (const lane of lanes)
        expect({ [lane.name]: lane.actual }).toStrictEqual({ [lane.name]: lane.expected });
    });
  });
}
