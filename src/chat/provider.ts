import type { Observable } from 'rxjs';
import type { RateLimitReport } from '../rate-limit/index.ts';
import type { ChatChunk } from './chunk.ts';

/** A function of the caller's that the model asked for. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** The arguments as the JSON text that the model wrote. */
  readonly arguments: string;
}

export type ChatMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | {
      readonly role: 'assistant';
      readonly content: string;
      readonly toolCalls?: readonly ToolCall[] | undefined;
    }
  /** What a tool call gave. */
  | { readonly role: 'tool'; readonly content: string; readonly toolCallId: string };

/** A function that the model may ask for. */
export interface ChatTool {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** @default the provider's own */
  readonly model?: string | undefined;
  readonly temperature?: number | undefined;
  /** The longest answer, in tokens. */
  readonly maxTokens?: number | undefined;
  readonly tools?: readonly ChatTool[] | undefined;
  /** Fields for the provider's own API, sent as they are; they win over what this library would send. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** What a provider is told beside the request. */
export interface ChatContext {
  /** 1 for the first attempt of a call, counted over retries and providers. */
  readonly attempt?: number;
  /** The caller's own way to cancel; unsubscribing does the same. An abort is the stream's error, never its completion. */
  readonly signal?: AbortSignal | undefined;
  /** What the call is called in its events, for logs: the caller's own name for it, or one that was made. */
  readonly callId?: string | undefined;
  /**
   * Set only for providers that can resume: the last token that an earlier stream of this provider gave to `checkpoint`.
   * The stream then delivers what comes after it, and nothing of what came before.
   */
  readonly resume?: string | undefined;
  /**
   * Takes the place that the answer has reached. To be called after the chunks that lie before it; a place that more chunks
   * have followed is not used, for they would come a second time.
   */
  readonly checkpoint?: ((token: string) => void) | undefined;
  /** To be called once per stream, when the other side has accepted the request: over HTTP, with its headers. */
  readonly headersReceived?: (() => void) | undefined;
  /** To be called for every sign of life that is no chunk: a ping, a comment, an event without content. */
  readonly keepAliveReceived?: (() => void) | undefined;
  /** To be called when the other side says something about its limits, whether it answers or refuses. */
  readonly limitsReported?: ((reports: readonly RateLimitReport[]) => void) | undefined;
  /** Who goes first where several calls wait, here or at the other side: the higher number. @default 0 */
  readonly priority?: number | undefined;
}

/** What a provider can do beside answering. What is absent it cannot do, or it is not known. */
export interface ChatCapabilities {
  /** Whether the model goes on with a partial assistant message that ends the request. @default false */
  readonly prefill?: boolean | undefined;
  /** Tokens that a conversation may have, the answer included. @default unknown */
  readonly contextWindow?: number | undefined;
  /** Whether a broken stream can be taken up again: it calls `checkpoint`, and obeys `resume`. @default false */
  readonly resume?: boolean | undefined;
}

/**
 * Whoever can answer a chat. An implementation keeps three promises: nothing happens before the stream is subscribed,
 * unsubscribing stops the work on the other side, and the last chunk of a whole answer is `finish`.
 */
export interface ChatProvider {
  readonly name: string;
  /** The model that it asks, unless a request names another; for events. @default unknown */
  readonly model?: string | undefined;
  readonly capabilities?: ChatCapabilities | undefined;
  stream(request: ChatRequest, context?: ChatContext): Observable<ChatChunk>;
  /** Whether it is worth asking at the moment. */
  isHealthy?(): boolean;
}
