/** Whatever a server says about the time to wait, the answer is a time that can be waited for, or none. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { retryAfterFrom } from '../../src/providers/retry-after.ts';

const HEADERS = [
  'retry-after',
  'retry-after-ms',
  'x-ms-retry-after-ms',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-tokens',
  'anthropic-ratelimit-requests-remaining',
  'anthropic-ratelimit-requests-reset',
];
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double().map(String),
  fc.bigInt().map(String),
  fc.date({ noInvalidDate: false }).map(String),
  fc.constantFrom(
    '0',
    '-0',
    '-5',
    '1e999',
    'Infinity',
    'NaN',
    '0x10',
    '1e3',
    ' 7 ',
    '',
    '9'.repeat(400),
    '1h'.repeat(2_000),
  ),
  fc.stringMatching(/^(\d{1,3}(\.\d{1,4})?(ms|s|m|h)){1,4}$/),
  fc.stringMatching(/^\d{300,400}(ms|s|m|h)$/),
);
const messages = fc.oneof(
  texts,
  texts.map((text) => `Rate limit reached. Please try again in ${text}.`),
  texts.map((text) => `Please retry after ${text} seconds.`),
);

test('a finite number of milliseconds that is not negative, or nothing', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...HEADERS), texts), messages, (headers, message) => {
      const header = (name: string): string | undefined =>
        Object.hasOwn(headers, name) ? headers[name] : undefined;
      const delay = retryAfterFrom({ header, frameHeader: header, message });
      expect(delay === undefined || (Number.isFinite(delay) && delay >= 0)).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

test('a message made to be slow to search is searched at once', () => {
  const header = (): undefined => undefined;
  for (const piece of [
    'try again in 1',
    'try again in 1.1',
    'retry after 1m',
    'try again in 1ms1',
    'retry ',
  ]) {
    const [short, long] = [1_000, 10_000].map((times) => {
      const message = piece.repeat(times);
      // The least of some times is how long it takes; the others tell what else the machine has had to do.
      const durations = Array.from({ length: 5 }, () => {
        const begun = performance.now();
        retryAfterFrom({ header, message });
        return performance.now() - begun;
      });
      return Math.min(...durations);
    }) as [number, number];
    // Ten times the text may take ten times as long; a hundred times would be the mark of a search that goes astray.
    expect(long).toBeLessThan(50 * Math.max(short, 1));
  }
});
