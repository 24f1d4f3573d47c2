/** What the first provider does to a call: the rows of the matrix. */
import type { ChatTimeout, ProviderErrorKind } from '../../src/chat/index.ts';
import {
  closeAtOnce,
  combine,
  connectionClose,
  contentPolicyViolation,
  contextLengthExceeded,
  crlf,
  cutAfter,
  emptyChoicesFirst,
  endAfter,
  errorAfter,
  errorAfterRole,
  errorFirst,
  type Fault,
  glued,
  httpStatus,
  keepAlive,
  lastUnterminated,
  malformedAfter,
  multiLineData,
  notAStream,
  ok,
  overloaded,
  proxyPage,
  quotaExhausted,
  rateLimited,
  reset,
  resetAfter,
  serverError,
  silence,
  silenceAfterHeaders,
  slowFirstToken,
  slowHeaders,
  splitCodePoints,
  splitFrames,
  stallAfter,
  trickle,
  unauthorized,
  withoutDone,
  wrongContentType,
} from '../support/fault-server.ts';

export interface Row {
  /** What happens, in the words of the page. */
  readonly when: string;
  /** For every attempt at the first provider; the n-th for the n-th attempt, the last repeats. */
  readonly faults: readonly [Fault, ...Fault[]];
  /** What the failure is called; absent when the answer is good. */
  readonly kind?: ProviderErrorKind;
  /** What some adapters call it instead, because their client or their protocol tells them less. */
  readonly otherwise?: readonly {
    readonly kind: ProviderErrorKind | undefined;
    readonly adapters: readonly string[];
  }[];
  /** Tokens that are shown before the failure. @default 0 */
  readonly said?: number;
  /** Milliseconds that the service asks to wait. */
  readonly retryAfter?: number;
  /** What bounds an attempt at the first provider. */
  readonly timeout?: ChatTimeout;
  /** The first attempt fails by a clock before its first content. */
  readonly silent?: true;
  /** From that word of an attempt on, `SHORT` passes with every word. */
  readonly timePassesAt?: number;
  /** A request to go on gets this instead of its fault. */
  readonly onContinuation?: Fault;
}

/** No clock but the one that is to run out may be short: a machine under load is no fault. */
const AMPLE = 60_000;
export const SHORT = 120;
const silent = { timeout: { first: SHORT }, silent: true } as const;
/** All tokens come in one write, so that no clock can run out between them. */
const stalls = { timeout: { first: AMPLE, each: SHORT }, kind: 'timeout', said: 3 } as const;
const pace = (minTokensPerSecond: number): ChatTimeout => ({
  first: AMPLE,
  minTokensPerSecond,
  throughputWindow: SHORT,
});
const prefillRejected = httpStatus(400, {
  message:
    'This model does not support assistant message prefill. The conversation must end with a user message.',
});

const bySdk = (...packages: string[]): string[] =>
  ['', ' (ai 6)'].flatMap((version) => packages.map((it) => `aiSdk of @ai-sdk/${it}${version}`));
const AI_SDK = bySdk('openai chat', 'openai responses', 'openai-compatible', 'anthropic');
const OLLAMA = ['ollama', 'ollama by client'];
/** The SDK drops an event that no blank line ends. */
const LOSES_THE_LAST_EVENT = bySdk('openai responses', 'anthropic');
/** The SDK tells of the finish at the end of the body only. */
const WAITS_FOR_THE_END = bySdk('openai chat', 'openai responses', 'openai-compatible');
/** A finish reason of Chat Completions is proof enough; elsewhere it comes with the terminal signal. */
const NEEDS_THE_SIGNAL = [
  'openai responses',
  'openai responses by client',
  'openai responses in background',
  'openai responses in background by client',
  'anthropic',
  'anthropic by client',
  ...OLLAMA,
  ...LOSES_THE_LAST_EVENT,
];

/** The rows, by the heading under which they stand. */
export const FAULTS: Readonly<Record<string, readonly Row[]>> = {
  'The answer is good, in an unusual dress': [
    { when: 'nothing is wrong', faults: [ok()] },
    { when: 'the lines end in CRLF', faults: [crlf()] },
    { when: 'the JSON of an event is spread over two `data:` lines', faults: [multiLineData()] },
    {
      when: 'the last event has no line end',
      faults: [lastUnterminated()],
      said: 9,
      otherwise: [{ kind: 'truncated', adapters: LOSES_THE_LAST_EVENT }],
    },
    { when: 'characters are torn into their bytes', faults: [splitCodePoints()] },
    { when: 'every frame comes in two pieces', faults: [splitFrames()] },
    { when: 'all frames come in one piece', faults: [glued()] },
    { when: 'pings or comments come before the first content', faults: [keepAlive(3)] },
    { when: 'pings or comments come before everything', faults: [keepAlive(3, { before: 'preamble' })] },
    { when: 'the first chunk has empty `choices`, as at Azure', faults: [emptyChoicesFirst()] },
    { when: 'the `content-type` is wrong', faults: [wrongContentType()] },
    { when: 'the headers come late, and in time', faults: [slowHeaders(30)] },
    { when: 'the first token comes late, and in time', faults: [slowFirstToken(30)] },
    { when: 'the tokens trickle', faults: [trickle(5)] },
    {
      when: 'the tokens trickle, fast enough for the pace',
      faults: [trickle(5)],
      timeout: pace(1),
      timePassesAt: 1,
    },
    {
      when: 'the connection is lost behind the terminal signal',
      faults: [cutAfter('done')],
      said: 9,
      otherwise: [{ kind: 'transport', adapters: WAITS_FOR_THE_END }],
    },
  ],
  'The service refuses': [
    {
      when: '429, to be asked again in 200 ms',
      faults: [rateLimited({ retryAfter: 0.2 }), ok()],
      kind: 'rate-limit',
      retryAfter: 200,
    },
    {
      when: '429, to be asked again in 50 ms (`retry-after-ms`)',
      faults: [rateLimited({ retryAfterMs: 50 }), ok()],
      kind: 'rate-limit',
      retryAfter: 50,
    },
    {
      when: '429, to be asked again in 120 s',
      faults: [rateLimited({ retryAfter: 120 })],
      kind: 'rate-limit',
      retryAfter: 120_000,
    },
    {
      when: '429, to be asked again at a date in two minutes',
      faults: [rateLimited({ retryAfter: new Date(Date.now() + 120_000) })],
      kind: 'rate-limit',
      retryAfter: 120_000,
    },
    { when: '429 without a delay, again and again', faults: [rateLimited()], kind: 'rate-limit' },
    { when: 'the quota is used up', faults: [quotaExhausted()], kind: 'quota' },
    { when: '500, once', faults: [serverError(), ok()], kind: 'server' },
    { when: '500, again and again', faults: [serverError()], kind: 'server' },
    { when: 'overloaded (503, 529), again and again', faults: [overloaded()], kind: 'overloaded' },
    { when: '401', faults: [unauthorized()], kind: 'auth' },
    { when: '400', faults: [httpStatus(400)], kind: 'invalid' },
    { when: 'the conversation is too long', faults: [contextLengthExceeded()], kind: 'context-length' },
    {
      when: 'the content filter refuses the question',
      faults: [contentPolicyViolation()],
      kind: 'content-filter',
    },
    { when: 'a proxy answers 502 with a page of its own', faults: [proxyPage(502)], kind: 'server' },
    {
      when: 'a proxy answers 200 with a page of its own',
      faults: [proxyPage()],
      kind: 'malformed',
      otherwise: [{ kind: 'truncated', adapters: AI_SDK }],
    },
    {
      when: 'JSON comes instead of a stream',
      faults: [notAStream()],
      kind: 'malformed',
      otherwise: [
        { kind: 'truncated', adapters: AI_SDK },
        { kind: undefined, adapters: OLLAMA },
      ],
    },
  ],
  'Nothing is said': [
    { when: 'the connection is reset', faults: [reset()], kind: 'transport' },
    { when: 'the connection is closed without an answer', faults: [closeAtOnce()], kind: 'transport' },
    { when: 'the request is never answered', faults: [silence()], kind: 'timeout', ...silent },
    {
      when: 'the request is never answered, under a clock for the headers',
      faults: [silence()],
      kind: 'timeout',
      timeout: { headers: SHORT, first: AMPLE },
      silent: true,
    },
    { when: 'nothing follows the headers', faults: [silenceAfterHeaders()], kind: 'timeout', ...silent },
    { when: 'nothing follows the preamble', faults: [stallAfter(0)], kind: 'timeout', ...silent },
    {
      when: 'nothing but pings follows the preamble',
      faults: [stallAfter(0, { pingEvery: 10 })],
      kind: 'timeout',
      ...silent,
    },
    { when: 'the connection is lost behind the headers', faults: [cutAfter('headers')], kind: 'transport' },
    { when: 'the connection is lost behind the preamble', faults: [cutAfter(0)], kind: 'transport' },
    { when: 'the stream ends cleanly behind the headers', faults: [endAfter('headers')], kind: 'truncated' },
    { when: 'the stream ends cleanly behind the preamble', faults: [endAfter(0)], kind: 'truncated' },
    { when: 'the first frame is an error', faults: [errorFirst({ kind: 'overloaded' })], kind: 'overloaded' },
    {
      when: 'an error follows the preamble',
      faults: [errorAfterRole({ kind: 'overloaded' })],
      kind: 'overloaded',
    },
    { when: 'the first content cannot be read', faults: [malformedAfter(0)], kind: 'malformed' },
  ],
  'The answer breaks': [
    { when: 'the connection is lost, once', faults: [cutAfter(3), ok()], kind: 'transport', said: 3 },
    { when: 'the connection is lost, again and again', faults: [cutAfter(3)], kind: 'transport', said: 3 },
    {
      when: 'the connection is lost after the first word',
      faults: [cutAfter(1)],
      kind: 'transport',
      said: 1,
    },
    { when: 'the connection is reset', faults: [resetAfter(3)], kind: 'transport', said: 3 },
    {
      when: 'the connection is lost, and the client takes the body for whole',
      faults: [combine(connectionClose(), cutAfter(3))],
      kind: 'truncated',
      said: 3,
    },
    { when: 'the stream ends cleanly', faults: [endAfter(3)], kind: 'truncated', said: 3 },
    {
      when: 'the stream ends cleanly behind the last word',
      faults: [endAfter(9), ok()],
      kind: 'truncated',
      said: 9,
    },
    { when: 'nothing more comes', faults: [combine(glued(), stallAfter(3))], ...stalls },
    {
      when: 'nothing but pings comes',
      faults: [combine(glued(), stallAfter(3, { pingEvery: 10 }))],
      ...stalls,
    },
    {
      when: 'the tokens trickle, below the pace',
      faults: [trickle(5)],
      kind: 'timeout',
      timeout: pace(100),
      timePassesAt: 3,
      said: 3,
    },
    { when: 'an error comes', faults: [errorAfter(3, { kind: 'overloaded' })], kind: 'overloaded', said: 3 },
    {
      when: 'the content filter breaks it off with an error',
      faults: [errorAfter(3, { kind: 'content-filter' })],
      kind: 'content-filter',
      said: 3,
    },
    { when: 'a frame cannot be read', faults: [malformedAfter(3)], kind: 'malformed', said: 3 },
    {
      when: 'the connection is lost, once, and the model says all of it again',
      faults: [cutAfter(3), ok()],
      kind: 'transport',
      said: 3,
      onContinuation: ok(),
    },
    {
      when: 'the model refuses to go on',
      faults: [cutAfter(3), ok()],
      kind: 'transport',
      said: 3,
      onContinuation: prefillRejected,
    },
    {
      when: 'the terminal signal is missing',
      faults: [withoutDone()],
      said: 9,
      otherwise: [{ kind: 'truncated', adapters: NEEDS_THE_SIGNAL }],
    },
  ],
};
