import type { Chapter, Diagram } from '../diagram.ts';
import { chapters } from '../index.ts';

/** The diagram of a caption, `operator: title`. */
export function captioned(caption: string): { chapter: Chapter; diagram: Diagram<unknown, unknown> } {
  for (const chapter of chapters) {
    const diagram = chapter.diagrams.find(({ title }) => `${chapter.operator}: ${title}` === caption);
    if (diagram !== undefined) return { chapter, diagram };
  }
  throw new Error(`There is no diagram "${caption}".`);
}
