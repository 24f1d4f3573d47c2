import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRecognizable, newPartOf, Seam } from '../../src/chat/seam.ts';

/** A continuation in pieces, as it arrives. */
function joined(said: string, next: string, pieces: readonly number[] = []): string {
  const seam = new Seam(said);
  let text = said;
  let rest = next;
  let joining = true;
  for (const piece of [...pieces, next.length]) {
    const chunk = rest.slice(0, piece);
    rest = rest.slice(piece);
    const added = joining ? seam.add(chunk) : chunk;
    if (added !== undefined) joining = false;
    text += added ?? '';
  }
  return joining ? text + seam.end() : text;
}

/** Text in which nothing is said twice: of any two of its places a few characters tell which is which. */
const canonical = fc
  .uniqueArray(fc.integer({ min: 1_000, max: 9_999 }), { minLength: 6, maxLength: 30 })
  .chain((numbers) =>
    fc
      .array(fc.constantFrom(' ', '\n', '\n\n', ', ', '. '), {
        minLength: numbers.length,
        maxLength: numbers.length,
      })
      .map((spaces) => numbers.map((number, index) => `w${number}${spaces[index]}`).join('')),
  );
const pieces = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const placeIn = (text: string, part: number): number => Math.floor(part * text.length);

describe('the joined text is the canonical one', () => {
  test('wherever it broke and whatever the model repeats of it, in pieces of any size', () => {
    fc.assert(
      fc.property(canonical, share, share, pieces, (text, breakAt, repeatFrom, sizes) => {
        const said = text.slice(0, placeIn(text, breakAt));
        const next = text.slice(placeIn(said.trimEnd(), repeatFrom));
        const repeated = text.slice(text.length - next.length, said.trimEnd().length);
        fc.pre(isRecognizable(repeated));
        expect(joined(said, next, sizes)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('when nothing is repeated: the model goes on with a text without the white space at its end', () => {
    fc.assert(
      fc.property(canonical, share, pieces, (text, breakAt, sizes) => {
        const said = text.slice(0, placeIn(text, breakAt));
        expect(joined(said, text.slice(said.trimEnd().length), sizes)).toBe(text);
      }),
    );
  });

  test('when the model changes the white space of what it repeats', () => {
    fc.assert(
      fc.property(
        canonical,
        share,
        share,
        fc.constantFrom(' ', '\n', '  ', '\t'),
        (text, at, from, space) => {
          const said = text.slice(0, placeIn(text, at));
          const spoken = said.trimEnd();
          const repeated = spoken.slice(placeIn(spoken, from));
          fc.pre(isRecognizable(repeated));
          const next = repeated.replaceAll(/\s+/g, space) + text.slice(spoken.length);
          expect(joined(said, next)).toBe(text);
        },
      ),
    );
  });
});

test('whatever comes, only its beginning is cut off, and never what is no repetition', () => {
  const few = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '\n', '-'), maxLength: 40 });
  fc.assert(
    fc.property(few, few, pieces, (said, next, sizes) => {
      const added = newPartOf(next, said);
      expect(next.endsWith(added)).toBe(true);
      const cut = next.slice(0, next.length - added.length).replaceAll(/\s/g, '');
      if (cut !== '') {
        expect(isRecognizable(cut)).toBe(true);
        expect(said.replaceAll(/\s/g, '').endsWith(cut)).toBe(true);
      }
      expect(joined(said, next, sizes)).toBe(said + added);
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  ['a sentence', 'It was late. The quick brown fox', 'The quick brown fox jumps.', ' jumps.'],
  ['the whole answer', 'The quick brown ', 'The quick brown fox jumps.', 'fox jumps.'],
  ['a word that broke', 'All this is incomprehen', 'incomprehensible', 'sible'],
  ['a sentence in other lines', 'The quick brown ', 'The quick\nbrown\nfox', '\nfox'.trimStart()],
  ['nothing, behind a space that is shown', 'The quick brown ', ' fox', 'fox'],
  ['nothing, and begins a paragraph of which one line end is shown', 'The end.\n', '\n\nThen', '\nThen'],
  ['a digit, which may be the next one', '3.1', '15', '15'],
  ['a short word, which may be meant', 'I know that', ' that is', ' that is'],
  ['a row of dashes, which may go on', '|----------', '----------|', '----------|'],
  ['a row of zeros, which may go on', '0000000000', '00000000001', '00000000001'],
  ['something else', 'The quick brown', 'Quick is the fox', 'Quick is the fox'],
])('when the model repeats %s', (_, said, next, added) => {
  expect(newPartOf(next, said)).toBe(added);
});

test('what cannot be a repetition any more is not held back', () => {
  const seam = new Seam('The quick brown fox');
  expect(seam.add('The')).toBeUndefined();
  expect(seam.add('n')).toBe('Then');
});

test('a very long answer may be repeated, too: the time does not grow with the square of its length', () => {
  const said = Array.from({ length: 40_000 }, (_, index) => `w${index} `).join('');
  const next = `${said}and more`;
  expect(joined(said, next, Array(next.length).fill(4))).toBe(next);
  const rows = '|---'.repeat(20_000);
  expect(joined(rows, `${rows}|`, Array(rows.length).fill(4))).toBe(`${rows}${rows}|`);
});
