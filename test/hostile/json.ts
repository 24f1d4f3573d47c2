import fc from 'fast-check';

/** Names that are dangerous in JavaScript. */
export const DANGEROUS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
];

/** Numbers that nobody expects. */
export const numbers = fc.oneof(
  fc.double(),
  fc.constantFrom(-1, 0, -0, 1e308, -1e308, 2 ** 31, Number.MAX_SAFE_INTEGER + 2, 1e21),
);

/** JSON of any shape over the given words, so that it meets what a reader looks for. */
export function jsonOf(names: readonly string[], words: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const { json } = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.constantFrom(null, true, false),
      numbers,
      words,
      fc.string({ unit: 'binary' }),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names, ...DANGEROUS), tie('json'), {
        maxKeys: 5,
        noNullPrototype: true,
      }),
    ),
  }));
  return json;
}
