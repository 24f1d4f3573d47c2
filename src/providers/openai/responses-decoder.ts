import type { ChatUsage, FinishReason } from '../../chat/chunk.ts';
import { reportIn } from '../endpoint.ts';
import { type DecoderOptions, EventDecoder, usageFrom } from '../event-decoder.ts';
import type { ServerSentEvent } from '../server-sent-events.ts';
import type { Checkpoint } from './checkpoint.ts';

/** An event as far as it is read. */
interface ResponseEvent {
  readonly type?: string;
  readonly sequence_number?: number;
  readonly response?: ResponseState | null;
  readonly output_index?: number;
  readonly item?: OutputItem | null;
  readonly delta?: unknown;
  readonly error?: unknown;
}

interface ResponseState {
  readonly id?: string;
  readonly model?: string;
  readonly incomplete_details?: { readonly reason?: string } | null;
  readonly usage?: WireUsage | null;
}

interface OutputItem {
  readonly type?: string;
  readonly call_id?: string;
  readonly name?: string;
  readonly arguments?: unknown;
}

interface WireUsage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly total_tokens?: number;
  readonly input_tokens_details?: { readonly cached_tokens?: number } | null;
  readonly output_tokens_details?: { readonly reasoning_tokens?: number } | null;
}

/** A tool call of the answer while its arguments come in. */
interface OpenCall {
  readonly index: number;
  told: boolean;
}

const INCOMPLETE: ReadonlyMap<string | undefined, FinishReason> = new Map([
  ['max_output_tokens', 'length'],
  ['content_filter', 'content-filter'],
]);

export interface ResponsesDecoderOptions extends DecoderOptions {
  /** Where an earlier stream of the same response broke off. */
  readonly from: Checkpoint | undefined;
  /** Hears after every event how the rest could be read; for responses that can be resumed. */
  readonly checkpoint: ((checkpoint: Checkpoint) => void) | undefined;
}

/**
 * Responses as server-sent events. `response.completed` and `response.incomplete` prove that an answer is whole. Whatever
 * comes before the first delta is preamble, and events of unknown types are passed over, as the protocol demands.
 */
export class ResponsesDecoder extends EventDecoder {
  readonly #checkpoint: ResponsesDecoderOptions['checkpoint'];
  /** By the index of their output item. */
  readonly #calls = new Map<number | undefined, OpenCall>();
  #id: string | undefined;
  #model: string | undefined;
  #usage: WireUsage | undefined;
  #reason: FinishReason | undefined;

  constructor({ from, checkpoint, ...options }: ResponsesDecoderOptions) {
    super(options, { name: 'Responses', proof: 'a response.completed or response.incomplete' });
    this.#checkpoint = checkpoint;
    this.#id = from?.id;
    for (const [index, item] of (from?.calls ?? []).entries()) this.#calls.set(item, { index, told: true });
  }

  get finished(): boolean {
    return this.#reason !== undefined;
  }

  protected finish(): void {
    if (this.#usage) this.emit({ type: 'usage', usage: usageOf(this.#usage) });
    this.finishWith(this.#reason ?? 'other', this.#model);
  }

  protected frame(frame: unknown, { event, data }: ServerSentEvent): void {
    if (typeof frame !== 'object' || frame === null) return this.garbled(data);
    const said: ResponseEvent = frame;
    if (said.response?.id) this.#id = said.response.id;
    if (said.response?.model) this.#model = said.response.model;
    this.#event(said.type ?? event, said, data);
    if (this.#id !== undefined && said.sequence_number !== undefined && !this.over)
      this.#checkpoint?.({ id: this.#id, after: said.sequence_number, calls: this.#callItems() });
  }

  #event(type: string | undefined, event: ResponseEvent, data: string): void {
    switch (type) {
      case 'response.output_text.delta':
      // What the model says instead of an answer is what it said.
      case 'response.refusal.delta':
        return this.#delta('text', event, data);
      case 'response.reasoning_text.delta':
      case 'response.reasoning_summary_text.delta':
        return this.#delta('reasoning', event, data);
      case 'response.output_item.added':
        return this.#open(event);
      case 'response.function_call_arguments.delta':
        return this.#arguments(event, data);
      case 'response.output_item.done':
        return this.#close(event);
      case 'response.completed':
        return this.#end(event, this.#calls.size > 0 ? 'tool-calls' : 'stop');
      case 'response.incomplete':
        return this.#end(event, INCOMPLETE.get(event.response?.incomplete_details?.reason) ?? 'other');
      case 'response.failed':
      case 'error':
        return this.broken(reportIn(event) ?? { message: data, codes: [] });
      case undefined: {
        // Gateways report their own errors in their own shape.
        const report = reportIn(event);
        return report === undefined ? this.garbled(data) : this.broken(report);
      }
    }
  }

  #delta(type: 'text' | 'reasoning', { delta }: ResponseEvent, data: string): void {
    if (typeof delta === 'string') this.text(type, delta);
    else this.garbled(data);
  }

  #open({ output_index: item, item: call }: ResponseEvent): void {
    if (call?.type !== 'function_call' || this.#calls.has(item)) return;
    const { call_id: id, name } = call;
    const index = this.#calls.size;
    this.#calls.set(item, { index, told: false });
    this.emit({ type: 'tool-call', index, ...(id && { id }), ...(name && { name }), arguments: '' });
  }

  #arguments({ output_index: item, delta }: ResponseEvent, data: string): void {
    const call = this.#calls.get(item);
    if (call === undefined || typeof delta !== 'string') return this.garbled(data);
    if (delta === '') return;
    call.told = true;
    this.emit({ type: 'tool-call', index: call.index, arguments: delta });
  }

  /** The finished item: some servers send a call's arguments only here. */
  #close(event: ResponseEvent): void {
    this.#open(event);
    const call = this.#calls.get(event.output_index);
    const text = event.item?.arguments;
    if (call === undefined || call.told || typeof text !== 'string') return;
    call.told = true;
    this.emit({ type: 'tool-call', index: call.index, arguments: text });
  }

  #end({ response }: ResponseEvent, reason: FinishReason): void {
    this.#reason = reason;
    this.#usage = response?.usage ?? undefined;
    this.close();
  }

  #callItems(): number[] {
    return [...this.#calls.keys()].filter((item) => item !== undefined);
  }
}

const usageOf = (usage: WireUsage): ChatUsage =>
  usageFrom({
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    totalTokens: usage.total_tokens,
    cachedTokens: usage.input_tokens_details?.cached_tokens,
    reasoningTokens: usage.output_tokens_details?.reasoning_tokens,
  });
