import { describe, expect, it } from 'vitest';
import { CircuitOpenError } from '../../src/core/errors.ts';
import { difference } from '../../src/testing/difference.ts';
import { parseMarbles, type Values } from '../../src/testing/marbles.ts';

const between = (
  expected: string,
  actual: string,
  values?: Values,
  errors: [unknown, unknown] = ['error', 'error'],
) =>
  difference(
    { name: 'expected', marks: parseMarbles(expected, values, errors[0]) },
    { name: 'answer', marks: parseMarbles(actual, values, errors[1]) },
    values,
  );
const lines = (...text: string[]): string => text.join('\n');

describe('the difference of two lanes', () => {
  it('is none when they are alike', () => {
    expect(between('--a--(bc|)', '--a--(bc|)')).toBeUndefined();
  });

  it('shows what is missing', () => {
    expect(between('--a--b--|', '--a-----#', undefined, [undefined, 'overloaded'])).toBe(
      lines(
        'answer',
        '  expected  --a--b--|',
        '  actual    --a-----#',
        '                 ^ frame 5: expected b, but the next is # ("overloaded") in frame 8',
        '  # = "overloaded"',
      ),
    );
  });

  it.each([
    [
      '--a--|',
      '--a-b|',
      '                ^ frame 4: got b, but the next expected is | (completion) in frame 5',
    ],
    ['--a', '--a-b', '                ^ frame 4: expected nothing more, got b'],
    ['--a-b', '--a', '                ^ frame 4: expected b, got nothing more'],
    ['--a-b', '--a-c', '                ^ frame 4: expected b, got c'],
    ['--(abc)', '--(abd)', '                 ^ frame 2: expected c, got d'],
    ['(ab)', 'a', '              ^ frame 0: expected b, got nothing more'],
    ['a 900ms b', 'a 900ms c', '                    ^ frame 901: expected b, got c'],
    [
      '^--!',
      '^---!',
      '               ^ frame 3: expected ! (unsubscription), but the next is ! (unsubscription) in frame 4',
    ],
    [
      '^',
      '-^',
      '            ^ frame 0: expected ^ (subscription), but the next is ^ (subscription) in frame 1',
    ],
  ])('of %s and %s is marked', (expected, actual, mark) => {
    expect(between(expected, actual)?.split('\n')[3]).toBe(mark);
  });

  it('explains the letters', () => {
    const values = { a: { text: 'Hello' }, b: { text: 'World' } };
    expect(between('-a', '-b', values)?.split('\n').slice(3)).toStrictEqual([
      '             ^ frame 1: expected a, got b',
      '  a = {"text":"Hello"}',
      '  b = {"text":"World"}',
    ]);
  });

  const open = new CircuitOpenError('api', 5);
  it.each<[string, unknown, unknown, boolean]>([
    ['the name of its class', 'CircuitOpenError', open, true],
    ['an error like it', new CircuitOpenError('api', 5), open, true],
    ['an error with another field', new CircuitOpenError('api', 6), open, false],
    ['an error of another class', new Error(open.message), open, false],
    ['its message', open.message, open, false],
    ['a value', { code: 1 }, { code: 1 }, true],
    ['another value', { code: 1 }, { code: 2 }, false],
  ])('knows an error by %s', (_how, expected, actual, alike) => {
    expect(between('#', '#', undefined, [expected, actual]) === undefined).toBe(alike);
  });

  class Point {
    constructor(readonly x: number) {}
  }
  it.each<[unknown, unknown, boolean]>([
    [Number.NaN, Number.NaN, true],
    [0, -0, false],
    [[1, [2]], [1, [2]], true],
    [[1], [1, undefined], false],
    [{ a: 1 }, { a: 1, b: undefined }, false],
    [new Point(1), new Point(1), true],
    [new Point(1), { x: 1 }, false],
    [new Date(1), new Date(1), true],
    [new Date(1), new Date(2), false],
    [/a/g, /a/g, true],
    [/a/g, /a/i, false],
    [new Map([['a', 1]]), new Map([['a', 1]]), true],
    [new Map([['a', 1]]), new Map([['a', 2]]), false],
    [new Set([1, 2]), new Set([1, 2]), true],
    [new Set([1, 2]), new Set([1, 3]), false],
    [null, undefined, false],
    [null, {}, false],
  ])('of the values %o and %o is seen', (one, other, alike) => {
    const marks = (value: unknown) => [{ frame: 0, kind: 'next' as const, value }];
    const found = difference(
      { name: 'expected', marks: marks(one) },
      { name: 'answer', marks: marks(other) },
    );
    expect(found === undefined).toBe(alike);
  });

  it('ends for values that contain themselves', () => {
    const circle = (): unknown => {
      const value: unknown[] = [];
      value.push(value);
      return value;
    };
    const marks = () => [{ frame: 0, kind: 'next' as const, value: circle() }];
    expect(
      difference({ name: 'expected', marks: marks() }, { name: 'answer', marks: marks() }),
    ).toBeUndefined();
  });
});
