import { timestamp } from '../core/clock.ts';
import { DIMENSIONS, type RateLimitDimension } from './tokens.ts';

/** What a service said about one of its limits when it answered. What it did not say is absent. */
export interface RateLimitReport {
  readonly dimension: RateLimitDimension;
  /** What it allows in a window of its own, usually a minute. */
  readonly limit?: number | undefined;
  /** What is left of that. */
  readonly remaining?: number | undefined;
  /** Milliseconds until all of it is there again. */
  readonly resetAfter?: number | undefined;
}

/** Headers by their names in lower case. */
export type HeaderLookup = (name: string) => string | undefined;

/** How services call their headers; one without a dimension speaks of requests. */
const NAMINGS: readonly ((dimension: string, what: string) => string)[] = [
  (dimension, what) => `x-ratelimit-${what}${dimension}`,
  (dimension, what) => `x-ratelimit-${what}${dimension}_usage_based`,
  (dimension, what) => `anthropic-ratelimit${dimension}-${what}`,
];

/**
 * The limits in the headers of a response, as OpenAI, Azure, Anthropic and those who imitate them send them:
 * `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` and
 * `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`.
 *
 * ```ts
 * const lease = await limiter.acquire({ tokens: 1_200 });
 * const response = await fetch(url, request);
 * lease.report(rateLimitReports(response.headers));
 * ```
 *
 * @param headers of a response, or whoever finds a header by its name in lower case.
 */
export function rateLimitReports(headers: Headers | HeaderLookup): RateLimitReport[] {
  const header: HeaderLookup =
    typeof headers === 'function' ? headers : (name) => headers.get(name) ?? undefined;
  return NAMINGS.flatMap((naming) => [
    ...reportsIn(header, 'requests', (what) => naming('', what)),
    ...DIMENSIONS.flatMap((dimension) =>
      reportsIn(header, dimension, (what) => naming(`-${dimension}`, what)),
    ),
  ]);
}

function reportsIn(
  header: HeaderLookup,
  dimension: RateLimitDimension,
  naming: (what: string) => string,
): RateLimitReport[] {
  const limit = numberIn(header(naming('limit')));
  const remaining = remainingIn(header(naming('remaining')));
  const reset = resetIn(header(naming('reset')));
  // A number of four hundred digits is no time that anybody means.
  const resetAfter = Number.isFinite(reset) ? reset : undefined;
  return limit === undefined && remaining === undefined && resetAfter === undefined
    ? []
    : [{ dimension, limit, remaining, resetAfter }];
}

/** A number of its own: an empty or a missing text is none, and neither is a negative one. */
export function numberIn(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** Some count below zero when more was used than there was. */
function remainingIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*-\d/.test(text) ? 0 : numberIn(text);
}

/** A Go duration (`6m0s`), whole seconds (Azure), an epoch in seconds or milliseconds, or a date. */
function resetIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = numberIn(text);
  if (value === undefined) return goDuration(text.trim()) ?? untilDate(text);
  if (value > 1e11) return Math.max(0, value - timestamp());
  return value > 1e8 ? Math.max(0, value * 1_000 - timestamp()) : value * 1_000;
}

/** Milliseconds until a date: RFC 3339, or as HTTP writes it. */
export function untilDate(text: string): number | undefined {
  // `Date.parse` reads "-5" as a date.
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - timestamp());
}

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const GO_DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

function goDuration(text: string): number | undefined {
  return GO_DURATION.test(text) ? sumOfParts(text) : undefined;
}

/** The milliseconds of `1h2m3s` or `6 minutes`. */
export function sumOfParts(text: string): number {
  let sum = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const key = /^m(?:s|illi)/i.test(unit) ? 'ms' : unit.charAt(0).toLowerCase();
    sum += Number(amount) * (MILLISECONDS[key] ?? 0);
  }
  return sum;
}
