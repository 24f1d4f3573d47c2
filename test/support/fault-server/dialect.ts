/** What a dialect is: one provider protocol, as the pieces from which the wall lays a stream. */

/** One event of a stream, before it becomes bytes. An NDJSON line is a frame without an event name. */
export type Frame = { readonly event?: string; readonly data: string } | { readonly comment: string };

export interface Usage {
  readonly input: number;
  readonly output: number;
}

export type FinishReason = 'stop' | 'length' | 'content-filter';

/** What can go wrong at a provider, whatever its protocol calls it. */
export type ErrorKind =
  | 'rate-limit'
  | 'quota'
  | 'overloaded'
  | 'server'
  | 'auth'
  | 'invalid'
  | 'context-length'
  | 'content-filter';

/** An error as a script asks for it: the dialect fills in what is left out. */
export interface ErrorSpec {
  /** @default 'server' */
  readonly kind?: ErrorKind;
  readonly status?: number;
  readonly message?: string;
  readonly type?: string | null;
  readonly code?: string | number | null;
  readonly param?: string | null;
  /**
   * Another in-band shape of the same protocol; a dialect that does not know it sends its own.
   * Chat Completions: `event` (an SSE `event: error`), `openrouter`, `vllm`. Responses: `flat` (as documented), `failed`
   * (a `response.failed`). Ollama: `status` (some builds add it).
   */
  readonly shape?: 'event' | 'openrouter' | 'vllm' | 'flat' | 'failed' | 'status';
  /** Rate-limit headers inside the in-band error (Responses). */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error in the words of one protocol. */
export interface WireError extends ErrorSpec {
  readonly status: number;
  readonly message: string;
  readonly type: string | null;
  readonly code: string | number | null;
  readonly param: string | null;
}

/** One answer to one request. */
export interface Turn {
  readonly id: string;
  readonly model: string;
  readonly answer: string;
  /** `undefined` when the model does not think aloud. */
  readonly reasoning: string | undefined;
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  /** Chat Completions sends usage only when asked: `stream_options.include_usage`. */
  readonly usageAsked: boolean;
  /** Responses: the number of the last event that the client has read; what comes before is not sent again. */
  readonly startingAfter?: number | undefined;
}

/** Encodes one stream, from its first frame to its last; it may count events and remember open blocks. */
export interface Encoder {
  /** What a gateway puts before the stream proper (Azure: the chunk with empty `choices`). */
  prelude(): Frame[];
  /** Everything before the first content. */
  preamble(): Frame[];
  reasoning(delta: string): Frame[];
  text(delta: string): Frame[];
  /** The reason why the model stopped, as far as it has frames of its own. */
  finish(): Frame[];
  /** Usage, where it has a frame of its own. */
  usage(): Frame[];
  /** The proof that the stream is whole. */
  terminal(): Frame[];
  /** An error inside a stream whose status was 200. */
  error(error: WireError): Frame[];
  /** A sign of life without content. */
  ping(): Frame;
}

export interface Dialect {
  readonly name: 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'ollama-chat';
  /** A request belongs to the dialect with which its path ends. */
  readonly path: string;
  readonly framing: 'sse' | 'ndjson';
  readonly contentType: string;
  readonly errors: Readonly<Record<ErrorKind, Partial<WireError> & Pick<WireError, 'status' | 'message'>>>;
  /** Response headers of every reply. */
  headers(turn: Turn): Record<string, string>;
  encoder(turn: Turn): Encoder;
  /** Body of a reply whose status is not 200. */
  errorBody(error: WireError, turn: Turn): object;
  /** The answer as one JSON document: what the service sends to those who do not ask for a stream. */
  whole(turn: Turn): object;
}

export function wireError(dialect: Dialect, spec: ErrorSpec): WireError {
  return { type: null, code: null, param: null, ...dialect.errors[spec.kind ?? 'server'], ...spec };
}

/** 2026-01-01: ids and times on the wall never change between runs. */
export const EPOCH_SECONDS = 1_767_225_600;
