import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lane, Mark } from '../../src/testing/lane.ts';
import { Letters } from '../../src/testing/letters.ts';
import { parseMarbles } from '../../src/testing/marbles.ts';
import { drawLanes, renderLanes } from '../../src/testing/render-lanes.ts';

const lane = (name: string, marbles: string): Lane => ({ name, marks: parseMarbles(marbles) });
const drawing = (...lines: string[]): string => lines.join('\n');

describe('drawn lanes', () => {
  it('have the same moment in the same column', () => {
    expect(renderLanes([lane('source', '--a--b--|'), lane('late answer', '-----b--#')])).toBe(
      drawing('source       --a--b--|', 'late answer  -----b--#'),
    );
  });

  it('write a silence of all as its time', () => {
    expect(renderLanes([lane('one', '-a 900ms b|'), lane('two', '-- 901ms |')])).toBe(
      drawing('one  -a 900ms b|', 'two  -- 900ms -|'),
    );
  });

  it('keep the dashes while one of them speaks', () => {
    expect(renderLanes([lane('one', 'a-------------------b|'), lane('two', '----------c')])).toBe(
      drawing('one  a-------------------b|', 'two  ----------c-----------'),
    );
  });

  it('make room for a group only where something follows too soon', () => {
    const soon: Lane = {
      name: 'soon',
      marks: [...parseMarbles('(abc)'), { frame: 1, kind: 'next', value: 'd' }],
    };
    expect(renderLanes([lane('later', '(abc)d'), lane('other', '-x-y')])).toBe(
      drawing('later  (abc)d', 'other  -x-y--'),
    );
    expect(renderLanes([soon, lane('other', '-x-y')])).toBe(drawing('soon   (abc)d--', 'other  -----x-y'));
  });

  it('give a moment between two milliseconds its own column', () => {
    const between: Lane = { name: 'between', marks: [{ frame: 0.5, kind: 'next', value: 'c' }] };
    expect(renderLanes([lane('group', '(ab)'), between])).toBe(drawing('group    (ab)-', 'between  ----c'));
    expect(renderLanes([lane('one', 'a'), between])).toBe(drawing('one      a-', 'between  -c'));
  });

  it('are empty after their end, and before they begin', () => {
    const late: Lane = { ...lane('late', '---b|'), from: 2 };
    expect(renderLanes([lane('first', 'a|'), late, lane('asked', '-^-!')])).toBe(
      drawing('first  a|', 'late     -b|', 'asked  -^-!'),
    );
  });

  it('give letters to values, and say which', () => {
    const values: Mark[] = [
      { frame: 0, kind: 'next', value: { text: 'Hello' } },
      { frame: 1, kind: 'next', value: 'A' },
      { frame: 2, kind: 'next', value: 7 },
      { frame: 3, kind: 'next', value: '7' },
      { frame: 4, kind: 'next', value: { text: 'Hello' } },
      { frame: 5, kind: 'error', error: new TypeError('no\n  number') },
    ];
    expect(renderLanes([{ name: 'result', marks: values }])).toBe(
      drawing(
        'result  AB7CA#',
        '  A = {"text":"Hello"}',
        '  B = "A"',
        '  C = "7"',
        '  # = TypeError: no number',
      ),
    );
  });

  it('never show a value as what means something else in marbles', () => {
    const marks: Mark[] = ['|', '#', '-'].map((value, frame) => ({ frame, kind: 'next', value }));
    expect(renderLanes([{ name: 'x', marks }])).toBe(
      drawing('x  ABC', '  A = "|"', '  B = "#"', '  C = "-"'),
    );
  });

  it('use the letters of their author', () => {
    const letters = new Letters({ h: 'Hello', w: 'world', unused: 1 });
    const marks: Mark[] = [
      { frame: 0, kind: 'next', value: 'world' },
      { frame: 1, kind: 'next', value: 'w' },
    ];
    expect(renderLanes([{ name: 'text', marks }], letters)).toBe(
      drawing('text  wA', '  w = "world"', '  A = "w"'),
    );
  });

  it('are never in a circle with values that contain themselves', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(renderLanes([{ name: 'x', marks: [{ frame: 0, kind: 'next', value: circle }] }])).toBe(
      drawing('x  A', '  A = [object Object]'),
    );
  });

  it('can be pasted into a test', () => {
    const moment = fc.record({
      wait: fc.oneof(fc.nat(12), fc.nat(2_000)),
      values: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 8 }), fc.boolean(), (moments, complete) => {
        const marks: Mark[] = [];
        let frame = 0;
        for (const { wait, values } of moments) {
          frame += wait;
          for (const value of values) marks.push({ frame, kind: 'next', value });
          // Marbles cannot say what follows sooner than a group is long.
          frame += values.length === 1 ? 1 : values.length + 2;
        }
        if (complete) marks.push({ frame, kind: 'complete' });
        const [text = ''] = drawLanes([{ name: 'x', marks }], new Letters()).marbles;
        expect(parseMarbles(text)).toStrictEqual(marks);
      }),
    );
  });
});
