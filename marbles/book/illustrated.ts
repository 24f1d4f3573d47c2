import { ascii } from '../picture/ascii.ts';
import { runDiagram } from '../run-diagram.ts';
import { captioned } from './captioned.ts';

const PICTURE = /(?<=^<!-- picture: (.*) -->\n```text\n)[\s\S]*?(?=\n```$)/gm;

/** A text whose pictures, `<!-- picture: operator: title -->`, show what their diagrams do now. */
export const illustrated = (text: string): string =>
  text.replaceAll(PICTURE, (_, caption: string) => ascii(runDiagram(captioned(caption).diagram)));
