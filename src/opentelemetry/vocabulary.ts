import type { ErrorSummary } from '../core/event-parts.ts';

/** What stands for everything beyond the bounds. */
const OTHER = 'other';

/**
 * The names that a label has had so far, as many as the cap allows: a program that makes a name for every call must not
 * make a time series of every call.
 */
class KnownNames {
  readonly #cap: number;
  readonly #known = new Set<string>();

  constructor(cap: number) {
    this.#cap = cap;
  }

  of(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.#cap) return OTHER;
    this.#known.add(name);
    return name;
  }
}

/** The names that the labels of all metrics have had so far. */
export class Names {
  readonly sources: KnownNames;
  readonly providers: KnownNames;
  readonly models: KnownNames;

  /** @param cap of each kind. */
  constructor(readonly cap: number) {
    this.sources = new KnownNames(cap);
    this.providers = new KnownNames(cap);
    this.models = new KnownNames(cap);
  }
}

/**
 * The values that labels may have, beside `other`. Events of another process arrive as JSON, and nobody is bound to have
 * them checked.
 */
export const WORDS = {
  outcome: ['completed', 'failed', 'cancelled'],
  timeout: ['first', 'each', 'total', 'headers', 'throughput'],
  exhausted: ['not-retryable', 'attempts', 'budget', 'delay', 'time'],
  queue: ['queue-full', 'queue-timeout'],
  circuit: ['closed', 'open', 'half-open', 'forced-open', 'disabled', 'metrics-only'],
  health: ['healthy', 'degraded', 'unhealthy'],
  dimension: ['requests', 'tokens', 'input-tokens', 'output-tokens'],
} as const satisfies Record<string, readonly string[]>;

/** The word itself, if it is one of those that the label may have. */
export function closed(label: keyof typeof WORDS, word: string): string {
  return (WORDS[label] as readonly string[]).includes(word) ? word : OTHER;
}

/** The fallback that the conventions prescribe for `error.type`. */
const OTHER_ERROR = '_OTHER';

/** The kinds of a `ProviderError`. */
const KINDS = [
  'rate-limit',
  'quota',
  'overloaded',
  'server',
  'transport',
  'truncated',
  'malformed',
  'timeout',
  'auth',
  'invalid',
  'context-length',
  'content-filter',
  'cancelled',
] as const;

/** What the other errors of this library and of the platform come to, by their stable names. */
export const NAMES: ReadonlyMap<string, string> = new Map([
  ['AbortError', 'cancelled'],
  ['TimeoutError', 'timeout'],
  ['StreamTimeoutError', 'timeout'],
  ['CircuitOpenError', 'circuit-open'],
  ['BulkheadRejectedError', 'bulkhead-rejected'],
  ['RateLimitExceededError', 'rate-limit-exceeded'],
  ['ThrottledError', 'throttled'],
  ['ChaosError', 'chaos'],
  ['ConfigurationError', 'configuration'],
]);

/** What systems call a connection that could not be made, or was lost. */
const CONNECTION = /^(E(CONN|PIPE|NOTFOUND|AI_|HOST|NET|TIMEDOUT)|UND_ERR_)/;

/** All values of `error.type`. */
export const ERROR_TYPES: readonly string[] = [...new Set([...KINDS, ...NAMES.values(), OTHER_ERROR])];

/** They say what was done about an error, and their cause says which. */
export const VERDICTS = [
  'RetryExhaustedError',
  'FallbackExhaustedError',
  'HedgeExhaustedError',
  'StreamInterruptedError',
];

/** What sort of error it was. Of what is not known here nothing is told: names and kinds may be anything. */
export function errorTypeOf(error: ErrorSummary | undefined): string {
  if (error === undefined) return OTHER_ERROR;
  const { name, kind, status, code } =
    [error, ...(error.causes ?? [])].find((it) => !VERDICTS.includes(it.name)) ?? error;
  return (
    NAMES.get(name) ??
    KINDS.find((known) => known === kind) ??
    (status === undefined ? undefined : statusType(status)) ??
    (code !== undefined && CONNECTION.test(code) ? 'transport' : OTHER_ERROR)
  );
}

function statusType(status: number): string | undefined {
  if (status === 429) return 'rate-limit';
  if (status === 401 || status === 403) return 'auth';
  if (status === 408 || status === 504) return 'timeout';
  if (status >= 500 && status < 600) return 'server';
  return status >= 400 && status < 500 ? 'invalid' : undefined;
}
