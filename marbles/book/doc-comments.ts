import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ascii } from '../picture/ascii.ts';
import { runDiagram } from '../run-diagram.ts';
import { captioned } from './captioned.ts';
import { Manuscript } from './manuscript.ts';

const PICTURE = /(?<=^ \* \*(\w+: .*)\*\n \* ```text\n)[\s\S]*?(?=\n \* ```$)/gm;

/** A module whose doc comments show, beneath a caption `*operator: title*`, the operator and what its diagram does now. */
export const documented = (source: string): string =>
  source.replaceAll(PICTURE, (_, caption: string) => {
    const { chapter, diagram } = captioned(caption);
    const { code } = new Manuscript(chapter).written(diagram.title);
    return [...code, '', ...ascii(runDiagram(diagram)).split('\n')]
      .map((line) => ` * ${line}`.trimEnd())
      .join('\n');
  });

/** The modules with pictures in their doc comments, by path. */
export function docComments(): Map<string, string> {
  return new Map(
    readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name): [string, string] => {
        const path = join('src', name).replaceAll('\\', '/');
        return [path, readFileSync(path, 'utf8')];
      })
      .filter(([, source]) => source.search(PICTURE) >= 0)
      .map(([path, source]) => [path, documented(source)]),
  );
}
