import * as z from 'zod/mini';
import { withhold } from '../core/error-summary.ts';
import {
  brand,
  type ErrorDetails,
  guardFor,
  isFallbackExhaustedError,
  isHedgeExhaustedError,
  isRetryExhaustedError,
  isStreamTimeoutError,
  messageOf,
  ResilienceError,
  retryAfterOf,
} from '../core/errors.ts';
import type { AttemptReport } from './ledger.ts';

interface Treatment {
  /** Whether the same provider may be asked again. */
  readonly retry: boolean;
  /** Whether another provider may be asked. */
  readonly fallBack: boolean;
}

/** What can go wrong with a provider, and what may be done about it. What a circuit makes of it: `isCallerError`. */
const TREATMENT = {
  /** Too many requests or tokens; it passes. */
  'rate-limit': { retry: true, fallBack: true },
  /** The account has run dry; it does not pass by itself. */
  quota: { retry: false, fallBack: true },
  /** Too many others. */
  overloaded: { retry: true, fallBack: true },
  /** Trouble on their side. */
  server: { retry: true, fallBack: true },
  /** The connection could not be made, or was lost. */
  transport: { retry: true, fallBack: true },
  /** The stream ended cleanly, without the proof that the answer is whole. */
  truncated: { retry: true, fallBack: true },
  /** What came is not the provider's protocol. */
  malformed: { retry: false, fallBack: true },
  timeout: { retry: true, fallBack: true },
  /** The key is missing, wrong, or not allowed to do this. */
  auth: { retry: false, fallBack: true },
  /** The request is wrong, for everybody. */
  invalid: { retry: false, fallBack: false },
  /** The conversation is too long for this model. */
  'context-length': { retry: false, fallBack: true },
  /** Refused by policy. */
  'content-filter': { retry: false, fallBack: false },
  /** The caller's own abort. */
  cancelled: { retry: false, fallBack: false },
} as const satisfies Record<string, Treatment>;

export type ProviderErrorKind = keyof typeof TREATMENT;

export interface ProviderErrorDetails extends ErrorDetails {
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  readonly status?: number | undefined;
  /** @default what the kind says */
  readonly retryable?: boolean | undefined;
  readonly retryAfter?: number | undefined;
  readonly requestId?: string | undefined;
  /**
   * The message without the words of the other side, which may quote the conversation: what events repeat. Not needed where
   * the message has none. @default the message
   */
  readonly summary?: string | undefined;
}

/** A provider failed. `kind` says how, the message what to do about it. */
export class ProviderError extends ResilienceError {
  static {
    brand(this, 'ProviderError');
  }
  readonly kind: ProviderErrorKind;
  /** Name of the provider. */
  readonly provider: string;
  /** The HTTP status, where there was one; an error inside a stream has none. */
  readonly status: number | undefined;
  /** Whether the same request may be sent to the same provider again. */
  readonly retryable: boolean;
  /** Milliseconds that the provider asks to wait. */
  readonly retryAfter: number | undefined;
  /** What the provider calls this request, for its support. */
  readonly requestId: string | undefined;
  readonly #summary: string | undefined;

  constructor(message: string, details: ProviderErrorDetails) {
    super(message, details);
    // What led to it, such as the error of a client library, may quote the conversation as well.
    withhold(this);
    this.#summary = details.summary;
    this.kind = details.kind;
    this.provider = details.provider;
    this.status = details.status;
    this.retryable = details.retryable ?? TREATMENT[details.kind].retry;
    this.retryAfter = details.retryAfter;
    this.requestId = details.requestId;
  }

  override get summary(): string {
    return this.#summary ?? super.summary;
  }
}
export const isProviderError = guardFor<ProviderError>('ProviderError');

/**
 * The answer broke after its first content, and was not repaired. `cause` is the last word about it, and `errors` is what
 * went wrong before.
 */
export class StreamInterruptedError extends ResilienceError {
  static {
    brand(this, 'StreamInterruptedError');
  }
  /** Name of the provider that spoke last. */
  readonly provider: string;
  /** What broke it, as far as it was the provider's doing. */
  readonly kind: ProviderErrorKind | undefined;
  /** Whether the same provider may be asked again. */
  readonly retryable: boolean;
  /** Milliseconds that the provider asks to wait. */
  readonly retryAfter: number | undefined;
  /** What was delivered and stands: the text so far. */
  readonly text: string;
  /** What the model thought aloud so far. */
  readonly reasoning: string;
  /** What became of every attempt of the call, in order: each with the error that ended it. */
  readonly ledger: readonly AttemptReport[];
  /** What ended each attempt, in order: also what was refused when the rest was asked for, before it began anew. */
  readonly errors: readonly unknown[];

  constructor(
    provider: string,
    partial: { text: string; reasoning: string },
    cause: unknown,
    ledger: readonly AttemptReport[] = [],
  ) {
    const errors = ledger.map(({ error }) => error).filter((error) => error !== undefined);
    const [first = cause] = errors;
    const before = rootOf(cause) === first ? '' : ` It began with: ${messageOf(first)}`;
    super(
      `${brokenOff(provider, partial.text)}, which are in the field "text": ${messageOf(cause)}${before}`,
      { cause },
    );
    this.provider = provider;
    this.kind = kindOf(cause);
    this.retryable = mayRetry(cause);
    this.retryAfter = retryAfterOf(rootOf(cause));
    this.text = partial.text;
    this.reasoning = partial.reasoning;
    this.ledger = ledger;
    this.errors = errors;
  }

  override get summary(): string {
    return `${brokenOff(this.provider, this.text)}.`;
  }
}

const brokenOff = (provider: string, text: string): string =>
  `The answer of "${provider}" broke off after ${text.length} characters`;

export const isStreamInterruptedError = guardFor<StreamInterruptedError>('StreamInterruptedError');

/** The error under the verdicts that policies put around it: the one that says what really happened. */
function rootOf(error: unknown): unknown {
  const isVerdict =
    isRetryExhaustedError(error) ||
    isHedgeExhaustedError(error) ||
    isFallbackExhaustedError(error) ||
    isStreamInterruptedError(error);
  return isVerdict ? rootOf(error.cause) : error;
}

/** The kind of any error that a chat stream can end with; `undefined` for one that is not the provider's doing. */
export function kindOf(error: unknown): ProviderErrorKind | undefined {
  const root = rootOf(error);
  if (isProviderError(root)) return root.kind;
  if (isStreamTimeoutError(root)) return 'timeout';
  return (root as { name?: unknown } | null | undefined)?.name === 'AbortError' ? 'cancelled' : undefined;
}

function mayRetry(error: unknown): boolean {
  const root = rootOf(error);
  if (isProviderError(root)) return root.retryable;
  const kind = kindOf(root);
  return kind === undefined || TREATMENT[kind].retry;
}

/** Kinds of errors after which it may be decided whether another provider is asked. */
export const FallbackKindSchema = z.enum(
  Object.keys(TREATMENT).filter((kind) => kind !== 'cancelled') as Exclude<ProviderErrorKind, 'cancelled'>[],
);
export type FallbackConditions = Readonly<Partial<Record<Exclude<ProviderErrorKind, 'cancelled'>, boolean>>>;

/** Whether another provider may be asked after this error. */
export function mayFallBack(error: unknown, conditions: FallbackConditions = {}): boolean {
  const kind = kindOf(error);
  if (kind === undefined) return true;
  return (kind === 'cancelled' ? undefined : conditions[kind]) ?? TREATMENT[kind].fallBack;
}
