import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

it('the test of this repository is the one that a user runs from the package, but for where it imports from', () => {
  const asUserWrites = read('answer.test.ts')
    .replace("'vitest'", "'node:test'")
    .replace("'../../src/testing/index.ts'", "'rxjs-resilience/testing'")
    .replace("'../../src/index.ts'", "'rxjs-resilience'");
  expect(asUserWrites).toBe(read('../package/consumer/answer.test.js'));
});

it('its test has ten lines', () => {
  const body = read('answer.test.ts').split('\n').slice(4);
  expect(body.filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
});
