import type { ChatUsage, FinishReason } from '../../chat/chunk.ts';
import type { ProviderErrorKind } from '../../chat/errors.ts';
import { reportIn } from '../endpoint.ts';
import { type DecoderOptions, EventDecoder, usageFrom } from '../event-decoder.ts';
import type { ServerSentEvent } from '../server-sent-events.ts';

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

/**
 * Chat Completions as server-sent events. `finish_reason` is the proof that an answer is whole, and the only one: `[DONE]`
 * is often missing, and gateways send it after an answer that their upstream broke off. `usage` and `finish` come last,
 * whatever their order on the wire.
 */
export class CompletionDecoder extends EventDecoder {
  #model: string | undefined;
  #usage: WireUsage | undefined;
  #reason: FinishReason | undefined;
  /** The call that goes on at each index of the server. */
  readonly #calls = new Map<number, { readonly index: number; readonly id: string | null | undefined }>();
  #callCount = 0;

  constructor(options: DecoderOptions) {
    super(options, { name: 'chat completions', proof: 'a finish_reason' });
  }

  get finished(): boolean {
    return this.#reason !== undefined;
  }

  protected finish(): void {
    if (this.#usage !== undefined) this.emit({ type: 'usage', usage: usageOf(this.#usage) });
    this.finishWith(this.#reason ?? 'other', this.#model);
  }

  protected frame(frame: CompletionFrame | null, { event, data }: ServerSentEvent): void {
    if (event !== 'error' && !frame?.error && Array.isArray(frame?.choices)) this.#frame(frame);
    else this.#exception(event, data, frame);
  }

  /** A frame without choices: an error, the usage alone, or nothing that is known. */
  #exception(event: string | undefined, data: string, frame: CompletionFrame | null): void {
    const report = reportIn(frame);
    if (report !== undefined) this.broken(report);
    else if (event === 'error') this.broken({ message: data, codes: [] });
    else if (frame?.usage) this.#frame(frame);
    else this.garbled(data);
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
    if (broken !== undefined) throw this.error(broken, `broke the answer off (finish_reason "${reason}").`);
    this.#reason = FINISH.get(reason) ?? 'other';
  }

  #delta(delta: Delta): void {
    this.text('reasoning', delta.reasoning_content ?? delta.reasoning);
    this.text('text', delta.content);
    // What the model says instead of an answer is what it said.
    this.text('text', delta.refusal);
    for (const [position, call] of listOf(delta.tool_calls).entries())
      if (call) this.#toolCall(call, position);
    if (delta.function_call) this.#toolCall({ function: delta.function_call }, 0);
  }

  #toolCall(call: WireToolCall, position: number): void {
    const { id, function: called } = call;
    const text = called?.arguments ?? '';
    this.emit({
      type: 'tool-call',
      index: this.#indexOf(call, call.index ?? position),
      ...(id && { id }),
      ...(called?.name && { name: called.name }),
      arguments: typeof text === 'string' ? text : this.json(text),
    });
  }

  /**
   * Servers that give every call the same index (Gemini), or none, begin the next one with a name and an id of its own. An
   * id alone begins nothing: there are servers (vLLM) that make up another one for every piece.
   */
  #indexOf({ id, function: called }: WireToolCall, told: number): number {
    const known = this.#calls.get(told);
    const begins = known === undefined || (known.id && id && known.id !== id && called?.name);
    if (!begins) return known.index;
    const index = this.#callCount++;
    this.#calls.set(told, { index, id });
    return index;
  }
}

/** A list that is missing, or is none, says nothing. */
const listOf = <T>(list: readonly T[] | null | undefined): readonly T[] =>
  Array.isArray(list) ? list : NOTHING;
const NOTHING: readonly never[] = [];

const usageOf = (usage: WireUsage): ChatUsage =>
  usageFrom({
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    totalTokens: usage.total_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens,
  });
