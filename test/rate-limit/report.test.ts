import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type RateLimitReport, rateLimitReports } from '../../src/rate-limit/index.ts';
import { sumOfParts } from '../../src/rate-limit/report.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each<[string, Record<string, string>, RateLimitReport[]]>([
  [
    'OpenAI',
    {
      'x-ratelimit-limit-requests': '5000',
      'x-ratelimit-remaining-requests': '4999',
      'x-ratelimit-reset-requests': '12ms',
      'x-ratelimit-limit-tokens': '160000',
      'x-ratelimit-remaining-tokens': '159976',
      'x-ratelimit-reset-tokens': '6m0s',
    },
    [
      { dimension: 'requests', limit: 5_000, remaining: 4_999, resetAfter: 12 },
      { dimension: 'tokens', limit: 160_000, remaining: 159_976, resetAfter: 360_000 },
    ],
  ],
  [
    'Azure',
    { 'x-ratelimit-remaining-tokens': '-12', 'x-ratelimit-reset-tokens': '41' },
    [{ dimension: 'tokens', limit: undefined, remaining: 0, resetAfter: 41_000 }],
  ],
  [
    'a variant',
    { 'x-ratelimit-remaining-tokens_usage_based': '7', 'x-ratelimit-reset-tokens_usage_based': '1h2m3s' },
    [{ dimension: 'tokens', limit: undefined, remaining: 7, resetAfter: 3_723_000 }],
  ],
  [
    'Anthropic',
    {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-requests-reset': '2026-03-01T12:00:01Z',
      'anthropic-ratelimit-input-tokens-remaining': '20000',
      'anthropic-ratelimit-input-tokens-reset': '2026-03-01T11:59:59Z',
      'anthropic-ratelimit-output-tokens-limit': '8000',
    },
    [
      { dimension: 'requests', limit: 50, remaining: 49, resetAfter: 1_000 },
      { dimension: 'input-tokens', limit: undefined, remaining: 20_000, resetAfter: 0 },
      { dimension: 'output-tokens', limit: 8_000, remaining: undefined, resetAfter: undefined },
    ],
  ],
  [
    'one that names no dimension',
    { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': String(NOW + 5_000) },
    [{ dimension: 'requests', limit: undefined, remaining: 3, resetAfter: 5_000 }],
  ],
  [
    'one that counts in seconds since the epoch',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1_000 + 5) },
    [{ dimension: 'requests', limit: undefined, remaining: 0, resetAfter: 5_000 }],
  ],
  [
    'one whose time has passed',
    { 'x-ratelimit-reset': String(NOW / 1_000 - 5), 'x-ratelimit-reset-tokens': String(NOW - 5_000) },
    [
      { dimension: 'requests', limit: undefined, remaining: undefined, resetAfter: 0 },
      { dimension: 'tokens', limit: undefined, remaining: undefined, resetAfter: 0 },
    ],
  ],
  [
    'one that is generous with blanks and digits',
    { 'x-ratelimit-remaining-tokens': ' -3', 'x-ratelimit-reset-tokens': ' 1m1.25s ' },
    [{ dimension: 'tokens', limit: undefined, remaining: 0, resetAfter: 61_250 }],
  ],
  [
    'one whose durations go on as something else',
    { 'x-ratelimit-reset-requests': '5s later', 'x-ratelimit-reset-tokens': 'in 5s' },
    [],
  ],
  [
    'one that says nothing but blanks',
    { 'x-ratelimit-remaining-tokens': ' ', 'x-ratelimit-limit-tokens': '' },
    [],
  ],
  [
    'one that says only what is left',
    { 'x-ratelimit-remaining': '7' },
    [{ dimension: 'requests', limit: undefined, remaining: 7, resetAfter: undefined }],
  ],
  [
    'one whose minus is not that of a number, or of a time',
    { 'x-ratelimit-remaining-tokens': '5-3', 'x-ratelimit-reset-tokens': '-5' },
    [],
  ],
  [
    'one that talks nonsense',
    { 'x-ratelimit-remaining-tokens': 'many', 'x-ratelimit-reset-tokens': 'soon' },
    [],
  ],
  ['one that says nothing', { 'content-type': 'text/plain' }, []],
])('%s', (_, headers, reports) => {
  expect(rateLimitReports(new Headers(headers))).toStrictEqual(reports);
  expect(rateLimitReports((name) => headers[name])).toStrictEqual(reports);
});

test.each([
  ['6 minutes 3 seconds', 363_000],
  ['2 Hours', 7_200_000],
  ['20 milliseconds', 20],
  ['5 items', 0],
])('%s are %d ms', (text, milliseconds) => {
  expect(sumOfParts(text)).toBe(milliseconds);
});

test('whatever stands in a header, a number is finite and not negative, or absent', () => {
  const text = fc.oneof(
    fc.string(),
    fc.double().map(String),
    fc.constantFrom(
      '',
      ' ',
      '-5',
      '1e999',
      '0x10',
      'NaN',
      '9'.repeat(400),
      `${'9'.repeat(400)}h`,
      '1h',
      '1.5s',
      '-0',
      '2026-13-99',
    ),
  );
  fc.assert(
    fc.property(text, text, text, (limit, remaining, reset) => {
      const headers: Record<string, string> = {
        'x-ratelimit-limit-tokens': limit,
        'x-ratelimit-remaining-tokens': remaining,
        'x-ratelimit-reset-tokens': reset,
      };
      for (const report of rateLimitReports((name) => headers[name]))
        for (const number of [report.limit, report.remaining, report.resetAfter])
          expect(number === undefined || (Number.isFinite(number) && number >= 0)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
