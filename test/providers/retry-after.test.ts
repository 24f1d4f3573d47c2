import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { retryAfterFrom } from '../../src/providers/retry-after.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

type Headers = Readonly<Record<string, string>>;
const delayOf = (headers: Headers, message = '', frame?: Headers): number | undefined =>
  retryAfterFrom({
    header: (name) => headers[name],
    frameHeader: frame && ((name) => frame[name]),
    message,
  });

describe('a delay is read from every source', () => {
  test.each([
    [{ 'retry-after-ms': '1500' }, 1_500],
    [{ 'retry-after-ms': '0' }, 0],
    [{ 'x-ms-retry-after-ms': '250.5' }, 250.5],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': 'Sun, 01 Mar 2026 12:00:07 GMT' }, 7_000],
    [{ 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT' }, 0],
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' }, 360_000],
    [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '50.529s' }, 50_529],
    [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '12ms' }, 12],
    [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1h2m3s' }, 3_723_000],
    [{ 'x-ratelimit-remaining-tokens': '-3', 'x-ratelimit-reset-tokens': '17' }, 17_000],
    [
      { 'x-ratelimit-remaining-tokens_usage_based': '0', 'x-ratelimit-reset-tokens_usage_based': '3s' },
      3_000,
    ],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 9_000) }, 9_000],
    [
      {
        'anthropic-ratelimit-output-tokens-remaining': '0',
        'anthropic-ratelimit-output-tokens-reset': '2026-03-01T12:00:30Z',
      },
      30_000,
    ],
    [
      {
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': String(NOW / 1_000 + 4),
      },
      4_000,
    ],
  ] as [Headers, number][])('%j', (headers, delay) => {
    expect(delayOf(headers)).toBe(delay);
  });

  test.each([
    ['Please try again in 6.57s.', 6_570],
    ['Please try again in 250ms.', 250],
    ['Please try again in 1m12.5s.', 72_500],
    ['Please retry after 26 seconds.', 26_000],
    ['Please retry in 31.2s.', 31_200],
    ['try again in 5 minutes', 300_000],
  ])('%s', (message, delay) => {
    expect(delayOf({}, message)).toBe(delay);
  });
});

test.each([
  [{ 'retry-after-ms': 'soon' }],
  [{ 'retry-after-ms': '' }],
  [{ 'retry-after': '-5' }],
  [{ 'retry-after': 'NaN' }],
  [{ 'retry-after': 'Infinity' }],
  [{ 'x-ratelimit-remaining-requests': '4', 'x-ratelimit-reset-requests': '6m0s' }],
  [{ 'x-ratelimit-remaining-requests': '', 'x-ratelimit-reset-requests': '1s' }],
  [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': 'never' }],
] as [Headers][])('nonsense is no delay: %j', (headers) => {
  expect(delayOf(headers)).toBeUndefined();
});

test('the first source in the order of the contract wins, and one that talks nonsense is passed over', () => {
  const sources: [string, string, number][] = [
    ['retry-after-ms', '1', 1],
    ['x-ms-retry-after-ms', '2', 2],
    ['retry-after', '3', 3_000],
    ['x-ratelimit-reset-requests', '4s', 4_000],
  ];
  const headers: Record<string, string> = { 'x-ratelimit-remaining-requests': '0' };
  for (const [name, value] of sources) headers[name] = value;
  const frame = { 'retry-after': '5' };
  const message = 'Please try again in 6s.';
  for (const [name, , delay] of sources) {
    expect(delayOf(headers, message, frame)).toBe(delay);
    headers[name] = 'nonsense';
  }
  expect(delayOf(headers, message, frame)).toBe(5_000);
  expect(delayOf(headers, message)).toBe(6_000);
  expect(delayOf(headers)).toBeUndefined();
});

test('of several exhausted dimensions the last one to be full again counts', () => {
  expect(
    delayOf({
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '8s',
    }),
  ).toBe(8_000);
});
