import { chapters } from '../index.ts';
import { ascii } from '../picture/ascii.ts';
import { runDiagram } from '../run-diagram.ts';

const PICTURE = /(?<=^<!-- picture: (.*) -->\n```text\n)[\s\S]*?(?=\n```$)/gm;

/** A text whose pictures, `<!-- picture: operator: title -->`, show what their diagrams do now. */
export const illustrated = (text: string): string =>
  text.replaceAll(PICTURE, (_, caption: string) => {
    const diagram = chapters
      .flatMap(({ operator, diagrams }) =>
        diagrams.map((it) => ({ caption: `${operator}: ${it.title}`, diagram: it })),
      )
      .find((it) => it.caption === caption)?.diagram;
    if (diagram === undefined) throw new Error(`There is no diagram "${caption}".`);
    return ascii(runDiagram(diagram));
  });
