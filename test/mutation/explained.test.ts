import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explained } from './explained.ts';
import { readResults } from './results.ts';
import { filesOf, rooms } from './rooms.ts';

test('what is said of a mutant is said of code that is still there', () => {
  const gone = explained.filter(
    ({ file, line }) =>
      !readFileSync(file, 'utf8')
        .split('\n')
        .some((it) => it.trim() === line),
  );
  expect(gone).toStrictEqual([]);
});

test('a file is in one room, and every score belongs to a file of a room', () => {
  const files = rooms.flatMap(filesOf);
  expect(new Set(files).size).toBe(files.length);
  expect(Object.keys(readResults().files).filter((file) => !files.includes(file))).toStrictEqual([]);
});
