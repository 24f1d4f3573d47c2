import type { Chapter, Diagram } from '../diagram.ts';
import { ascii } from '../picture/ascii.ts';
import { svg } from '../picture/svg.ts';
import { runDiagram } from '../run-diagram.ts';
import { exampleOf } from './example.ts';
import { Manuscript } from './manuscript.ts';
import { CONFIGS, commonOptions, type Option, optionsOf } from './options.ts';

export const GENERATED =
  '<!-- Written by `npm run docs` from the marble diagrams, the config schemas and the examples of the README. -->';

/** The page of a chapter and its pictures, by path. */
export function pageOf(chapter: Chapter): { folder: string; files: Map<string, string> } {
  const manuscript = new Manuscript(chapter);
  const { folder } = manuscript;
  const files = new Map<string, string>();
  const config = CONFIGS[chapter.operator];
  if (config === undefined) throw new Error(`Where is the config of ${chapter.operator}? Say so in CONFIGS.`);

  const sections = chapter.diagrams.map((diagram: Diagram<unknown, unknown>) => {
    const { title, prose } = diagram;
    const recording = runDiagram(diagram);
    const { code, helpers } = manuscript.written(title);
    const picture = `pictures/${folder}/${slugOf(title)}.svg`;
    const id = `${folder}-${slugOf(title)}`;
    files.set(`docs/${picture}`, svg(recording, { id, title, description: prose, code }));
    return [
      `### ${title}`,
      prose,
      `![${title.replaceAll(/[[\]]/g, '')}](${picture})`,
      [
        '<details><summary>The same as text</summary>',
        fenced('js', [...helpers, ...(helpers.length > 0 ? [''] : []), ...code].join('\n')),
        fenced('text', ascii(recording)),
        '</details>',
      ].join('\n\n'),
    ].join('\n\n');
  });

  const page = [
    GENERATED,
    `# ${chapter.operator}`,
    chapter.introduction,
    '## Example',
    fenced('ts', exampleOf(chapter.operator)),
    'This example is executed by the tests.',
    '## Options',
    tableOf(optionsOf(config)),
    'And those that every policy takes:',
    tableOf(commonOptions()),
    ...(config.call ? [config.call.heading, tableOf(optionsOf(config.call))] : []),
    '## Diagrams',
    'Each of them is a test that runs in virtual time, and its picture is drawn from what happened. [How to read them](README.md#how-to-read-the-pictures).',
    ...sections,
  ];
  files.set(`docs/${folder}.md`, `${page.join('\n\n')}\n`);
  return { folder, files };
}

const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/['’]/g, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

function tableOf(options: readonly Option[]): string {
  const rows = options.map(({ name, type, default: byDefault, meaning }) => [
    `\`${name}\``,
    `\`${type.replaceAll(/\s+/g, ' ')}\``,
    /^[\w.'()-]+$/.test(byDefault) && !['none', 'required', 'all'].includes(byDefault)
      ? `\`${byDefault}\``
      : byDefault,
    meaning,
  ]);
  return [['Option', 'Type', 'Default', 'Meaning'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}
