/** What a fault is: a plain object that says only what differs from a good answer. All delays are in milliseconds. */
import type { ErrorSpec, FinishReason, Usage } from './dialect.ts';

/**
 * A place in the stream: before its first frame, after the preamble (0), after that many tokens of the answer, after
 * the finish reason but before the terminal signal, or after the terminal signal while the socket is still open.
 */
export type StreamPoint = 'headers' | number | 'finish' | 'done';
/** The same, or instead of any response. */
export type Point = 'request' | StreamPoint;

export type Break =
  | { readonly at: Point; readonly how: 'cut' | 'reset' }
  | { readonly at: Point; readonly how: 'stall'; readonly pingEvery?: number }
  | { readonly at: StreamPoint; readonly how: 'end' }
  | {
      readonly at: StreamPoint;
      readonly how: 'error';
      readonly error: ErrorSpec;
      readonly followedBy?: AfterError;
    };

/** What follows an in-band error: a clean end, the terminal signal and an end, a cut, or nothing at all. */
export type AfterError = 'end' | 'done' | 'cut' | 'stall';

/** A reply that is not a stream: an error in the words of the protocol, any text, or the answer as one document. */
export type Reply =
  | { readonly error: ErrorSpec }
  | { readonly status: number; readonly body: string; readonly contentType: string }
  | { readonly whole: true };

export interface Fault {
  /** For people: what the wall does to this attempt. */
  readonly name: string;
  /** Instead of the wall's answer. */
  readonly answer?: string;
  /** What the model thinks aloud before it answers. */
  readonly reasoning?: string;
  /** @default 'stop' */
  readonly finishReason?: FinishReason;
  /** The numbers, or (Chat Completions only) whether to send them. @default as the request asks */
  readonly usage?: Usage | boolean;
  /** Further response headers. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly reply?: Reply;
  readonly headersDelay?: number;
  readonly firstTokenDelay?: number;
  readonly tokenDelay?: number;
  readonly keepAlive?: {
    readonly count: number;
    readonly every: number;
    readonly before: 'preamble' | 'content';
  };
  readonly emptyChoicesFirst?: boolean;
  readonly malformed?: { readonly after: number; readonly data?: string };
  readonly break?: Break;
  /** @default '\n' */
  readonly lineEnd?: '\n' | '\r\n' | '\r';
  readonly multiLineData?: boolean;
  readonly lastUnterminated?: boolean;
  /** How frames become writes. @default 'frame' */
  readonly writes?: 'frame' | 'halves' | 'code-points' | 'bytes' | 'glued';
}
