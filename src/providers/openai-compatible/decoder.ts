import type { ChatChunk, ChatUsage, FinishReason } from '../../chat/chunk.ts';
import type { ProviderError, ProviderErrorKind } from '../../chat/errors.ts';
import { type Endpoint, type ErrorReport, reportIn, requestIdOf } from '../endpoint.ts';
import type { Decoder } from '../http-stream.ts';
import {
  type EventListener,
  EventStream,
  MAX_EVENT_LENGTH,
  type ServerSentEvent,
} from '../server-sent-events.ts';

/** A frame as far as it is read. Compatible servers leave out whatever they like. */
interface CompletionFrame {
  readonly model?: unknown;
  readonly choices?: readonly (Choice | null)[] | null;
  readonly usage?: WireUsage | null;
  readonly error?: unknown;
}

interface Choice {
  readonly index?: number;
  readonly delta?: Delta | null;
  readonly finish_reason?: string | null;
}

interface Delta {
  readonly content?: unknown;
  readonly refusal?: unknown;
  readonly reasoning_content?: unknown;
  readonly reasoning?: unknown;
  readonly tool_calls?: readonly (WireToolCall | null)[] | null;
  readonly function_call?: WireToolCall['function'];
}

interface WireToolCall {
  readonly index?: number;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: unknown } | null;
}

interface WireUsage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly total_tokens?: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number } | null;
}

const FINISH: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['content_filter', 'content-filter'],
]);

/** Finish reasons that say the opposite: the answer was broken off on their side. */
const BROKEN_OFF: ReadonlyMap<string, ProviderErrorKind> = new Map([
  ['error', 'server'],
  ['abort', 'truncated'],
  ['insufficient_system_resource', 'overloaded'],
]);

const MAX_STRAY_LENGTH = 65_536;

export interface DecoderOptions {
  readonly endpoint: Endpoint;
  readonly response: Response;
  readonly emit: (chunk: ChatChunk) => void;
  /** Hears of a frame that could not be read. Without it such a frame is the stream's error. */
  readonly skipped: ((error: ProviderError) => void) | undefined;
}

/**
 * Chat Completions as server-sent events. `finish_reason` is the proof that an answer is whole, and the only one: `[DONE]`
 * is often missing, and gateways send it after an answer that their upstream broke off. `usage` and `finish` come last,
 * whatever their order on the wire.
 */
export class CompletionDecoder implements Decoder, EventListener {
  readonly #endpoint: Endpoint;
  readonly #response: Response;
  readonly #emit: (chunk: ChatChunk) => void;
  readonly #skipped: DecoderOptions['skipped'];
  readonly #events = new EventStream(this);
  #model: string | undefined;
  #usage: WireUsage | undefined;
  #reason: FinishReason | undefined;
  #over = false;
  #ending = false;
  /** Frames of the protocol so far: what came without any was never a stream. */
  #frames = 0;
  #stray = '';

  constructor({ endpoint, response, emit, skipped }: DecoderOptions) {
    this.#endpoint = endpoint;
    this.#response = response;
    this.#emit = emit;
    this.#skipped = skipped;
  }

  get finished(): boolean {
    return this.#reason !== undefined;
  }

  get over(): boolean {
    return this.#over;
  }

  feed(text: string): void {
    this.#events.feed(text);
  }

  end(): void {
    this.#ending = true;
    if (!this.#over) this.#events.end();
    if (this.#reason === undefined) throw this.#unproven();
    if (this.#usage !== undefined) this.#emit({ type: 'usage', usage: usageOf(this.#usage) });
    const requestId = requestIdOf(this.#response.headers);
    this.#emit({
      type: 'finish',
      reason: this.#reason,
      provider: this.#endpoint.provider,
      ...(this.#model !== undefined && { model: this.#model }),
      ...(requestId !== undefined && { requestId }),
    });
  }

  event({ event, data }: ServerSentEvent): void {
    if (this.#over) return;
    if (data === '[DONE]') {
      this.#over = true;
      return;
    }
    let frame: CompletionFrame | null;
    try {
      frame = JSON.parse(data) as CompletionFrame | null;
    } catch {
      // Torn by the end of the body: that is a truncated answer, not a garbled frame.
      if (!this.#ending) this.#garbled(data);
      return;
    }
    this.#frames++;
    if (event !== 'error' && !frame?.error && Array.isArray(frame?.choices)) this.#frame(frame);
    else this.#exception(event, data, frame);
  }

  stray(line: string): void {
    // An error as a bare line: `error: {…}` (llama.cpp), or the JSON alone.
    const report = /^(error:\s*)?\{/.test(line) ? reportOf(line.replace(/^error:\s*/, '')) : undefined;
    if (report !== undefined) this.#broken(report);
    else if (this.#stray.length < MAX_STRAY_LENGTH) this.#stray += `${line}\n`;
  }

  endless(): void {
    this.#over = true;
    if (this.finished) return;
    throw this.#error(
      'malformed',
      `sent more than ${MAX_EVENT_LENGTH} characters without ending the event. Is this a chat completions endpoint?`,
    );
  }

  /** A frame without choices: an error, the usage alone, or nothing that is known. */
  #exception(event: string | undefined, data: string, frame: CompletionFrame | null): void {
    const report = reportIn(frame);
    if (report !== undefined) this.#broken(report);
    else if (event === 'error') this.#broken({ message: data, codes: [] });
    else if (frame?.usage) this.#frame(frame);
    else this.#garbled(data);
  }

  #broken(report: ErrorReport): void {
    if (!this.finished) throw this.#endpoint.broken(report, this.#response);
    // The answer is whole: what went wrong later did not touch it.
    this.#over = true;
  }

  #frame(frame: CompletionFrame): void {
    if (typeof frame.model === 'string') this.#model = frame.model;
    if (frame.usage) this.#usage = frame.usage;
    for (const choice of listOf(frame.choices))
      if (choice !== null && (choice.index ?? 0) === 0) this.#choice(choice);
  }

  #choice({ delta, finish_reason: reason }: Choice): void {
    if (delta) this.#delta(delta);
    if (!reason || this.finished) return;
    const broken = BROKEN_OFF.get(reason);
    if (broken !== undefined) throw this.#error(broken, `broke the answer off (finish_reason "${reason}").`);
    this.#reason = FINISH.get(reason) ?? 'other';
  }

  #delta(delta: Delta): void {
    this.#text('reasoning', delta.reasoning_content ?? delta.reasoning);
    this.#text('text', delta.content);
    // What the model says instead of an answer is what it said.
    this.#text('text', delta.refusal);
    for (const [position, call] of listOf(delta.tool_calls).entries())
      if (call) this.#toolCall(call, position);
    if (delta.function_call) this.#toolCall({ function: delta.function_call }, 0);
  }

  #text(type: 'text' | 'reasoning', text: unknown): void {
    if (text === undefined || text === null || text === '') return;
    if (typeof text === 'string') this.#emit({ type, text });
    else this.#garbled(JSON.stringify(text));
  }

  #toolCall({ index, id, function: called }: WireToolCall, position: number): void {
    const text = called?.arguments ?? '';
    this.#emit({
      type: 'tool-call',
      index: index ?? position,
      ...(id && { id }),
      ...(called?.name && { name: called.name }),
      arguments: typeof text === 'string' ? text : JSON.stringify(text),
    });
  }

  #garbled(data: string): void {
    if (this.finished) return;
    const error = this.#error(
      'malformed',
      `sent a frame that is not of the chat completions protocol: ${this.#endpoint.quote(data)}`,
    );
    if (this.#skipped === undefined) throw error;
    this.#skipped(error);
  }

  #unproven(): ProviderError {
    if (this.#frames === 0 && this.#stray !== '')
      return this.#endpoint.notAStream(this.#stray, this.#response);
    return this.#error(
      'truncated',
      this.#frames === 0
        ? 'ended the stream before it began. Is this a chat completions endpoint, and does the model exist?'
        : 'ended the stream without a finish_reason: the answer is not whole.',
    );
  }

  #error(kind: ProviderErrorKind, happened: string): ProviderError {
    return this.#endpoint.error(kind, happened, { requestId: requestIdOf(this.#response.headers) });
  }
}

/** A list that is missing, or is none, says nothing. */
const listOf = <T>(list: readonly T[] | null | undefined): readonly T[] =>
  Array.isArray(list) ? list : NOTHING;
const NOTHING: readonly never[] = [];

function reportOf(json: string): ReturnType<typeof reportIn> {
  try {
    return reportIn(JSON.parse(json));
  } catch {
    return undefined;
  }
}

function usageOf(usage: WireUsage): ChatUsage {
  const told = {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    totalTokens: usage.total_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens,
  };
  return Object.fromEntries(Object.entries(told).filter(([, count]) => typeof count === 'number'));
}
