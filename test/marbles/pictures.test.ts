/** What is committed under `docs/`, and the pictures of the README and of doc comments, are what the code does now. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { book } from '../../marbles/book/book.ts';
import { documented } from '../../marbles/book/doc-comments.ts';
import { chapters } from '../../marbles/index.ts';
import { dark, light } from '../../marbles/picture/palette.ts';

const files = book();
const pictures = [...files].filter(([path]) => path.endsWith('.svg'));

test('docs/, README.md and doc comments hold the pages and pictures of today: after a change, run `npm run docs` and look at them', () => {
  const committed = readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .map((name) => join('docs', name).replaceAll('\\', '/'))
    .filter((path) => /^docs\/pictures\/.*\.svg$|^docs\/[^/]*\.md$/.test(path))
    // They have a test of their own.
    .filter((path) => !/^docs\/(pictures\/)?(simulations|insights)[/.]/.test(path));
  const stale = [...files].filter(([path, content]) => !existsSync(path) || read(path) !== content);
  expect({
    stale: stale.map(([path]) => path),
    unknown: committed.filter((path) => !files.has(path)),
  }).toStrictEqual({ stale: [], unknown: [] });
});

test('the book is the same every time that it is written', () => {
  expect(book()).toStrictEqual(files);
});

describe('a doc comment', () => {
  const sources = [...files].filter(([path]) => path.startsWith('src/')).map(([path]) => read(path));

  test('shows each operator by a picture of its own chapter', () => {
    const operators = sources.flatMap((source) =>
      [...source.matchAll(/^ \* \*(\w+): .*\*\n[\s\S]*?^export (?:function|class) (\w+)/gm)].map(
        ([, chapter, operator]) => ({ chapter, operator }),
      ),
    );
    expect(new Set(operators)).toStrictEqual(
      new Set(chapters.map(({ operator }) => ({ chapter: operator, operator }))),
    );
  });

  test('whose picture was changed by hand is noticed, in the marbles as in the code above them', () => {
    for (const source of sources) {
      const marbles = source.replace(/^( \* (?:attempt 1|source) +-*)-/m, '$1--');
      const code = source.replace(/^( \* ```text\n \* )/m, '$1await ');
      for (const changed of [marbles, code]) {
        expect(changed).not.toBe(source);
        expect(documented(changed)).toBe(source);
      }
    }
  });

  test('that names no diagram is refused', () => {
    expect(() => documented('/**\n * *bulkhead: No such rule*\n * ```text\n * a\n * ```\n */')).toThrow(
      'There is no diagram "bulkhead: No such rule".',
    );
  });

  test('has no line that an editor would have to break', () => {
    const lines = sources.flatMap(
      (source) => /^ \* ```text\n[\s\S]*?^ \* ```$/m.exec(source)?.[0].split('\n') ?? [],
    );
    expect(lines.length).toBeGreaterThan(sources.length * 4);
    expect(lines.filter((line) => line.length > 116)).toStrictEqual([]);
  });
});

describe('a picture', () => {
  test.each(pictures.map(([path, picture]) => ({ path, picture })))(
    'has a title and a description that say the same in words: $path',
    ({ picture }) => {
      const [, id] = /role="img" aria-labelledby="(\S+)-title \1-desc"/.exec(picture) ?? [];
      expect(picture).toMatch(new RegExp(`<title id="${id}-title">.+</title>`));
      expect(picture).toMatch(new RegExp(`<desc id="${id}-desc">.+(?:subscribed at|: from) .+</desc>`));
    },
  );

  test.each([
    ['light', light],
    ['dark', dark],
  ])('can be read in %s surroundings: all text has the contrast that WCAG asks for, 4.5', (_, look) => {
    const moods = [look.well, look.ill, look.unsure, look.count, look.none];
    const pairs: [text: string, ground: string][] = [
      ...[look.ink, look.muted, look.error].map((text): [string, string] => [text, look.paper]),
      ...[look.ink, look.text, look.number].map((text): [string, string] => [text, look.box]),
      ...moods.map(([ground = '', text = '']): [string, string] => [text, ground]),
      ...moods.slice(3).map(([, text = '']): [string, string] => [text, look.paper]),
      ...look.marbles.map((ground): [string, string] => [look.marble, ground]),
    ];
    expect(pairs.filter(([text, ground]) => contrast(text, ground) < 4.5)).toStrictEqual([]);
  });

  test('is small enough to be in a page with many others', () => {
    const sizes = pictures.map(([, picture]) => picture.length);
    expect(Math.max(...sizes)).toBeLessThan(24_000);
    expect(sizes.reduce((sum, size) => sum + size) / sizes.length).toBeLessThan(7_000);
  });

  test.each(pictures.map(([path, picture]) => ({ path, picture })))(
    'has room for all that is written in it: $path',
    ({ picture }) => {
      const width = Number(/ width="(\d+)"/.exec(picture)?.[1]);
      const texts = textsOf(picture);
      expect(texts.length).toBeGreaterThan(2);
      expect(texts.filter(({ left, right }) => left < 0 || right > width)).toStrictEqual([]);
      const collisions = texts.flatMap((one, index) =>
        texts
          .slice(index + 1)
          .filter(
            (other) => Math.abs(one.y - other.y) < 9 && one.left < other.right && other.left < one.right,
          )
          .map((other) => `${one.text} / ${other.text}`),
      );
      expect(collisions).toStrictEqual([]);
    },
  );
});

/** The ratio of two luminances as WCAG 2.2 defines it. */
function contrast(one: string, other: string): number {
  const [dim = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

interface Text {
  readonly text: string;
  readonly y: number;
  readonly left: number;
  readonly right: number;
}

/** Every text and where it is, measured with the widths of a common font. */
function textsOf(picture: string): Text[] {
  return [...picture.matchAll(/<text class="([^"]*)" x="([\d.-]+)" y="([\d.-]+)">(.*?)<\/text>/g)].map(
    ([, styles = '', x, y, markup = '']) => {
      const text = markup.replaceAll(/<[^>]*>/g, '').replaceAll(/&\w+;/g, '_');
      const width = text.length * (styles.includes('code') ? 7.3 : styles.includes('small') ? 6 : 6.6);
      const start = /middle|letter/.test(styles) ? width / 2 : styles.includes('name') ? width : 0;
      const left = Number(x) - start;
      return { text, y: Number(y), left, right: left + width };
    },
  );
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}
