import {
  type HeaderLookup,
  numberIn,
  rateLimitReports,
  sumOfParts,
  untilDate,
} from '../rate-limit/report.ts';

/** What a provider said when it failed, as far as it may tell when to come back. */
export interface RetryHints {
  /** Of the response. */
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
    numberIn(header('retry-after-ms')) ??
    numberIn(header('x-ms-retry-after-ms')) ??
    secondsOrDate(header('retry-after')) ??
    exhaustedUntil(header)
  );
}

function secondsOrDate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = numberIn(text);
  return seconds === undefined ? untilDate(text) : seconds * 1_000;
}

/** When the last of the dimensions of which nothing remains is full again. */
function exhaustedUntil(header: HeaderLookup): number | undefined {
  const resets = rateLimitReports(header)
    .filter(({ remaining }) => remaining === 0)
    .flatMap(({ resetAfter }) => resetAfter ?? []);
  return resets.length === 0 ? undefined : Math.max(...resets);
}

const PART = String.raw`\d+(?:\.\d+)?\s*(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h)(?![a-z])`;
const IN_WORDS = new RegExp(
  String.raw`(?:try again|retry(?:ing)?) (?:in|after)\s+((?:\d+(?:\.\d+)?(?:ms|s|m|h))+|${PART})`,
  'i',
);

/** "Please try again in 6.57s", "Please retry after 26 seconds". */
export function delayInWords(message: string): number | undefined {
  const found = IN_WORDS.exec(message)?.[1];
  return found === undefined ? undefined : sumOfParts(found);
}
