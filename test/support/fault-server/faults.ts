/**
 * The vocabulary of misbehaviour. Faults are plain objects and compose: `combine(crlf(), keepAlive(2), cutAfter(3))`.
 * All delays are in milliseconds, and none is the default.
 */
import { STATUS_CODES } from 'node:http';
import type { ErrorKind, ErrorSpec } from './dialect.ts';
import type { AfterError, Fault, Point, StreamPoint } from './fault.ts';

/** Several faults in one; of two that say the same the later wins, and headers add up. */
export function combine(...faults: readonly [Fault, ...Fault[]]): Fault {
  const headers = Object.assign({}, ...faults.map((fault) => fault.headers));
  return Object.assign({}, ...faults, { name: faults.map(({ name }) => name).join(' + '), headers });
}

// --- good answers, fast and slow ---

type Answer = Pick<Fault, 'answer' | 'reasoning' | 'finishReason' | 'usage' | 'headers' | 'tokenDelay'>;

/** The whole answer, as the protocol wants it. */
export const ok = (answer: Answer = {}): Fault => ({ name: 'ok', ...answer });

/** A token every so many milliseconds, the first one included. */
export const trickle = (every: number): Fault => ({ name: `a token every ${every} ms`, tokenDelay: every });

/** Headers and preamble at once, the first token late. */
export const slowFirstToken = (delay: number): Fault => ({
  name: `first token after ${delay} ms`,
  firstTokenDelay: delay,
});

/** Even the headers come late. */
export const slowHeaders = (delay: number): Fault => ({
  name: `headers after ${delay} ms`,
  headersDelay: delay,
});

// --- replies that are not a stream ---

export interface RateLimitOptions extends ErrorSpec {
  /** The `retry-after` header: seconds (fractions too), a date, or any text. @default absent */
  readonly retryAfter?: number | string | Date;
  /** The `retry-after-ms` header. */
  readonly retryAfterMs?: number;
  /** The `x-ms-retry-after-ms` header (Azure). */
  readonly xMsRetryAfterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** 429, with whatever the service says about when to come back. */
export function rateLimited(options: RateLimitOptions = {}): Fault {
  const { retryAfter, retryAfterMs, xMsRetryAfterMs, headers, ...error } = options;
  return {
    name: '429 rate limited',
    reply: { error: { kind: 'rate-limit', ...error } },
    headers: {
      ...(retryAfter !== undefined && {
        'retry-after': retryAfter instanceof Date ? retryAfter.toUTCString() : String(retryAfter),
      }),
      ...(retryAfterMs !== undefined && { 'retry-after-ms': String(retryAfterMs) }),
      ...(xMsRetryAfterMs !== undefined && { 'x-ms-retry-after-ms': String(xMsRetryAfterMs) }),
      ...headers,
    },
  };
}

const refused = (name: string, kind: ErrorKind, error: ErrorSpec): Fault => ({
  name,
  reply: { error: { kind, ...error } },
});

/** The account has run dry (OpenAI: 429 `insufficient_quota`; Anthropic: 402): coming back later does not help. */
export const quotaExhausted = (error: ErrorSpec = {}): Fault => refused('quota exhausted', 'quota', error);

/** Too many others: 503, at Anthropic 529. */
export const overloaded = (error: ErrorSpec = {}): Fault => refused('overloaded', 'overloaded', error);

/** 500, or another 5xx by `status`. */
export const serverError = (error: ErrorSpec = {}): Fault => refused('server error', 'server', error);

/** 401 for a wrong key. */
export const unauthorized = (error: ErrorSpec = {}): Fault => refused('unauthorized', 'auth', error);

/** 400: more tokens than the model can read. */
export const contextLengthExceeded = (error: ErrorSpec = {}): Fault =>
  refused('context length exceeded', 'context-length', error);

/** 400: refused by policy. */
export const contentPolicyViolation = (error: ErrorSpec = {}): Fault =>
  refused('content policy violation', 'content-filter', error);

function kindOf(status: number): ErrorKind {
  if (status === 401 || status === 403) return 'auth';
  if (status === 402) return 'quota';
  if (status === 429) return 'rate-limit';
  if (status === 503 || status === 529) return 'overloaded';
  return status >= 500 || status === 408 ? 'server' : 'invalid';
}

export interface HttpStatusOptions extends ErrorSpec {
  /** Instead of the protocol's error: text as it is, anything else as JSON. */
  readonly body?: string | object;
  /** Of `body`. @default 'text/plain' for text, else 'application/json' */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Any status, with the error body of the protocol, or with one of your own. */
export function httpStatus(status: number, options: HttpStatusOptions = {}): Fault {
  const { body, contentType, headers = {}, ...error } = options;
  const name = `HTTP ${status}`;
  if (body === undefined)
    return { name, headers, reply: { error: { kind: kindOf(status), ...error, status } } };
  const isText = typeof body === 'string';
  return {
    name,
    headers,
    reply: {
      status,
      body: isText ? body : JSON.stringify(body),
      contentType: contentType ?? (isText ? 'text/plain' : 'application/json'),
    },
  };
}

/** The HTML page of a proxy in between: with 200 a login page, with 502 or 504 an apology. */
export const proxyPage = (status = 200): Fault => ({
  name: `HTML page with ${status}`,
  reply: {
    status,
    body: `<html>\r\n<head><title>${status === 200 ? 'Sign in' : `${status} ${STATUS_CODES[status]}`}</title></head>\r\n</html>\r\n`,
    contentType: 'text/html',
  },
});

/** The whole answer as one JSON document with 200, although a stream was asked for. */
export const notAStream = (): Fault => ({ name: 'JSON instead of a stream', reply: { whole: true } });

// --- the connection ---

/** The connection is reset (RST) instead of an answer. */
export const reset = (): Fault => resetAfter('request');

/** The connection is closed, politely (FIN), instead of an answer. */
export const closeAtOnce = (): Fault => cutAfter('request');

/** The request is read and never answered. */
export const silence = (): Fault => stallAfter('request');

/**
 * The response announces `connection: close`. Then undici, the `fetch` of Node 20, takes a body that was cut or reset
 * for a whole one: `combine(connectionClose(), cutAfter(3))` ends without an error.
 */
export const connectionClose = (): Fault => ({ name: 'connection: close', headers: { connection: 'close' } });

/** 200 and the headers, then nothing ever. */
export const silenceAfterHeaders = (): Fault => stallAfter('headers');

// --- streams that break ---

/** The socket is destroyed (FIN) in the middle of the body. */
export const cutAfter = (at: Point): Fault => ({ name: `cut after ${at}`, break: { at, how: 'cut' } });

/** The same with an RST. */
export const resetAfter = (at: Point): Fault => ({ name: `reset after ${at}`, break: { at, how: 'reset' } });

/** The body ends cleanly, but too early: HTTP has nothing to complain of, and the answer is not whole. */
export const endAfter = (at: StreamPoint): Fault => ({
  name: `clean end after ${at}`,
  break: { at, how: 'end' },
});

/** The finish reason is sent, the terminal signal (`[DONE]`, `message_stop`, …) is not. */
export const withoutDone = (): Fault => ({ ...endAfter('finish'), name: 'no terminal signal' });

/** Nothing more comes, and the socket stays open; with `pingEvery` there are signs of life for ever, but no content. */
export const stallAfter = (at: Point, options: { readonly pingEvery?: number } = {}): Fault => ({
  name: `stall after ${at}`,
  break: { at, how: 'stall', ...options },
});

/**
 * After so many tokens comes a frame that is not JSON; the rest follows as if nothing had happened. The bad frame is
 * the next token's, cut in half, or `data`: either way that token is lost and not counted as sent.
 */
export const malformedAfter = (after: number, options: { readonly data?: string } = {}): Fault => ({
  name: `malformed frame after ${after}`,
  malformed: { after, ...options },
});

// --- errors inside a stream whose status was 200 ---

export interface InBandError extends ErrorSpec {
  /** @default 'end' */
  readonly followedBy?: AfterError;
}

/** An error event after so many tokens. */
export function errorAfter(at: StreamPoint, { followedBy, ...error }: InBandError = {}): Fault {
  return {
    name: `error event after ${at}`,
    break: { at, how: 'error', error, ...(followedBy !== undefined && { followedBy }) },
  };
}

/** An error event as the very first frame. */
export const errorFirst = (error: InBandError = {}): Fault => errorAfter('headers', error);

/** An error event after the preamble (the role chunk, `response.created`, `message_start`), before any content. */
export const errorAfterRole = (error: InBandError = {}): Fault => errorAfter(0, error);

// --- good answers in an unusual dress ---

/**
 * Signs of life (comments, pings) before the first content, or even before the preamble, as OpenRouter sends them.
 * `Infinity` of them is a provider that lives and never answers: give it an `every`.
 */
export const keepAlive = (
  count: number,
  {
    every = 0,
    before = 'content',
  }: { readonly every?: number; readonly before?: 'preamble' | 'content' } = {},
): Fault => ({ name: `${count} keep-alives`, keepAlive: { count, every, before } });

/** Azure: a first chunk with empty `choices` and the verdict on the prompt (Chat Completions only). */
export const emptyChoicesFirst = (): Fault => ({ name: 'empty choices first', emptyChoicesFirst: true });

/** Lines end in CRLF. */
export const crlf = (): Fault => ({ name: 'CRLF', lineEnd: '\r\n' });

/** The JSON of every event is spread over two `data:` lines (server-sent events only). */
export const multiLineData = (): Fault => ({ name: 'multi-line data', multiLineData: true });

/** The last event ends with the body: no line end, no blank line. */
export const lastUnterminated = (): Fault => ({ name: 'last event unterminated', lastUnterminated: true });

/** Every character that takes several bytes is torn into as many writes. */
export const splitCodePoints = (): Fault => ({ name: 'split code points', writes: 'code-points' });

/** Every frame comes in two writes. */
export const splitFrames = (): Fault => ({ name: 'split frames', writes: 'halves' });

/** Every byte is a write. */
export const byteByByte = (): Fault => ({ name: 'byte by byte', writes: 'bytes' });

/** All frames up to the next delay or break come in one write. */
export const glued = (): Fault => ({ name: 'glued frames', writes: 'glued' });

/** A proper stream under a wrong `content-type`. */
export const wrongContentType = (contentType = 'text/plain'): Fault => ({
  name: `content-type ${contentType}`,
  contentType,
});
