import { timestamp } from '../core/clock.ts';

/** Response headers, or what a provider sends in their place inside a stream. Names are in lower case. */
export type HeaderLookup = (name: string) => string | undefined;

/** What a provider said when it failed, as far as it may tell when to come back. */
export interface RetryHints {
  readonly header: HeaderLookup;
  /** Headers inside an error of the stream. */
  readonly frameHeader?: HeaderLookup | undefined;
  readonly message: string;
}

/** Milliseconds that the provider asks to wait. The first source that says something sensible wins. */
export function retryAfterFrom({ header, frameHeader, message }: RetryHints): number | undefined {
  return (
    finite(delayIn(header)) ?? finite(frameHeader && delayIn(frameHeader)) ?? finite(delayInWords(message))
  );
}

/** A number of four hundred digits is no time that anybody means. */
const finite = (delay: number | undefined): number | undefined =>
  Number.isFinite(delay) ? delay : undefined;

function delayIn(header: HeaderLookup): number | undefined {
  return (
    milliseconds(header('retry-after-ms')) ??
    milliseconds(header('x-ms-retry-after-ms')) ??
    secondsOrDate(header('retry-after')) ??
    exhaustedUntil(header)
  );
}

/** A number of its own: an empty or a missing header is none, and neither is one that lies in the past. */
function milliseconds(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

function secondsOrDate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = milliseconds(text);
  // `Date.parse` reads "-5" as a date.
  return seconds === undefined ? (/[a-z]/i.test(text) ? untilDate(text) : undefined) : seconds * 1_000;
}

function untilDate(text: string): number | undefined {
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - timestamp());
}

const DIMENSIONS = ['', '-requests', '-tokens', '-input-tokens', '-output-tokens'];
const NAMINGS: readonly ((dimension: string, what: string) => string)[] = [
  (dimension, what) => `x-ratelimit-${what}${dimension}`,
  (dimension, what) => `x-ratelimit-${what}${dimension}_usage_based`,
  (dimension, what) => `anthropic-ratelimit${dimension}-${what}`,
];

/** When the last of the dimensions of which nothing remains is full again. */
function exhaustedUntil(header: HeaderLookup): number | undefined {
  let longest: number | undefined;
  for (const naming of NAMINGS) {
    for (const dimension of DIMENSIONS) {
      const remaining = header(naming(dimension, 'remaining'));
      if (!remaining || !(Number(remaining) <= 0)) continue;
      const reset = resetIn(header(naming(dimension, 'reset')));
      if (reset !== undefined) longest = Math.max(longest ?? 0, reset);
    }
  }
  return longest;
}

/** A Go duration (`6m0s`), whole seconds (Azure), an epoch in seconds or milliseconds, or a date. */
function resetIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = milliseconds(text);
  if (value === undefined) return goDuration(text.trim()) ?? untilDate(text);
  if (value > 1e11) return Math.max(0, value - timestamp());
  return value > 1e8 ? Math.max(0, value * 1_000 - timestamp()) : value * 1_000;
}

const UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const PART = String.raw`\d+(?:\.\d+)?\s*(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h)(?![a-z])`;
const GO_DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const IN_WORDS = new RegExp(
  String.raw`(?:try again|retry(?:ing)?) (?:in|after)\s+((?:\d+(?:\.\d+)?(?:ms|s|m|h))+|${PART})`,
  'i',
);

function goDuration(text: string): number | undefined {
  return GO_DURATION.test(text) ? sumOfParts(text) : undefined;
}

function sumOfParts(text: string): number {
  let sum = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const key = /^m(?:s|illi)/i.test(unit) ? 'ms' : unit.charAt(0).toLowerCase();
    sum += Number(amount) * (UNIT[key] ?? 0);
  }
  return sum;
}

/** "Please try again in 6.57s", "Please retry after 26 seconds". */
export function delayInWords(message: string): number | undefined {
  const found = IN_WORDS.exec(message)?.[1];
  return found === undefined ? undefined : sumOfParts(found);
}
