/** Every composition that README, pages and doc comments show has a diagram that composes the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compositionsIn } from '../../marbles/book/compositions.ts';
import { Syntax } from '../../marbles/book/syntax.ts';

const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name).replaceAll('\\', '/'));

/** Fenced examples, and calls within a sentence; what leaves something out with "…" is no whole composition. */
function codeIn(text: string): string[] {
  const fenced = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  const calls = [...prose.matchAll(CALL)].map(([, code = '']) => code);
  return [...fenced, ...calls].filter((code) => !code.includes('…'));
}

const CALL = /`((?:new )?(?:\w+\.)*(?:pipe|protect|resilien\w+|ResilientProvider)\([^`\n]+\))`/g;

const compositionsOf = (file: string, text: string): string[] =>
  codeIn(text).flatMap((code) => [...compositionsIn(new Syntax(`${file}.ts`, code))]);

const shown = new Set(
  filesIn('marbles', 'diagrams.ts').flatMap((file) => [
    ...compositionsIn(new Syntax(file), { call: 'ResilientProvider' }),
  ]),
);

describe('a composition has a diagram', () => {
  test.each(['README.md', ...filesIn('docs', '.md')])('where %s shows it', (file) => {
    const compositions = compositionsOf(file, readFileSync(file, 'utf8'));
    expect(compositions.filter((composition) => !shown.has(composition))).toStrictEqual([]);
  });

  test('where a doc comment shows it', () => {
    const compositions = filesIn('src', '.ts').flatMap((file) => {
      const comments = readFileSync(file, 'utf8').match(/^ \* .*$/gm) ?? [];
      return compositionsOf(file, comments.map((line) => line.slice(3)).join('\n'));
    });
    expect(compositions).toContain('timeout < retryWithBackoff');
    expect(compositions.filter((composition) => !shown.has(composition))).toStrictEqual([]);
  });
});

describe('a composition is', () => {
  test.each([
    ['pipe(timeout(5), retryWithBackoff(3));', ['timeout < retryWithBackoff']],
    ['protect(fetch, timeout(5), map(String), retryWithBackoff(3));', ['timeout < retryWithBackoff']],
    ['resilience({ retry: 3, timeout: 5, name: "x" });', ['resilience: retry + timeout.total']],
    ['resilience({ timeout: { first: 5, each: 6 } });', ['resilience: timeout.each + timeout.first']],
    [
      'new ResilientProvider({ provider, retry, fallbackProviders: [] });',
      ['ResilientProvider: fallbackProvider + retry'],
    ],
    ['source.pipe(timeout(5)); resilience({ retry: 3 });', []],
  ] as [string, string[]][])('what stands together: %s', (code, compositions) => {
    expect([...compositionsIn(new Syntax('example.ts', code))]).toStrictEqual(compositions);
  });

  test('read from the README, as from every diagram', () => {
    expect(compositionsOf('README', readFileSync('README.md', 'utf8'))).toContain(
      'retryWithBackoff < timeout',
    );
    expect(shown).toContain('bulkhead < rateLimit');
  });
});
