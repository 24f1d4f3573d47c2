import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { budgetOf, overdraft } from '../../bench/size/budget.ts';
import { BUNDLES } from '../../bench/size/bundles.ts';
import { summary, weighing } from '../../bench/size/page.ts';
import { strangers } from './strangers.ts';

test('everything that can be weighed has been', () => {
  expect(Object.keys(weighing().weights)).toEqual(Object.keys(BUNDLES));
});

test('what the README says of the size has been weighed', () => {
  expect(readFileSync('README.md', 'utf8')).toContain(summary(weighing()));
});

describe('a budget', () => {
  const known = { brotli: 1_000, modules: { zod: 500, 'core/a.js': 300, 'core/b.js': 200 } };

  test('leaves a little room', () => {
    expect(budgetOf(known)).toBe(1_030);
    expect(overdraft('timeout()', { ...known, brotli: 1_030 }, known)).toBeUndefined();
  });

  test('tells whose it is, how much it is, and which modules grew, most first', () => {
    const now = {
      brotli: 1_031,
      modules: { zod: 510, 'core/b.js': 100, 'core/c.js': 400, 'core/a.js': 300 },
    };
    expect(overdraft('timeout()', now, known)).toBe(`\
Over its budget: timeout(), 1031 bytes minified and compressed, where 1030 may be. Since it was weighed last:
  core/c.js: 400 bytes more
  zod: 10 bytes more
If that is worth it, weigh again (npm run size -- --page).`);
  });

  test('is missed where there is none', () => {
    expect(overdraft('shout()', known, undefined)).toMatch('shout() has no budget');
  });
});

describe('a bundle of one pattern', () => {
  const own = ['the entry', 'zod', 'core/clock.js', 'core/errors/guards.js', 'interop/to-observable.js'];

  test('may hold its own room, and what all share', () => {
    const modules = [...own, 'timeout/operator.js', 'core/errors/stream-timeout-error.js'];
    expect(strangers('esbuild', 'timeout', modules)).toBeUndefined();
    expect(strangers('esbuild', 'hedge', [...own, 'hedge/operator.js', 'core/race.js'])).toBeUndefined();
  });

  test.each([
    'retry/operator.js',
    'timeout-config.js',
    'chat/errors.js',
    'index.js',
    'eventsource-parser',
    'core/race.js',
    'core/events.js',
    'core/event-parts.js',
    'core/errors/circuit-open-error.js',
  ])('may not hold %s', (module) => {
    expect(strangers('vite', 'timeout', [...own, 'timeout/operator.js', module])).toBe(
      `vite has bundled timeout() with what it does not need: ${module}`,
    );
  });

  test('holds the pattern', () => {
    expect(strangers('vite', 'timeout', own)).toBe('vite left nothing of timeout in a bundle of timeout().');
  });
});
