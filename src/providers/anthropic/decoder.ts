import type { ChatUsage, FinishReason } from '../../chat/chunk.ts';
import { reportIn } from '../endpoint.ts';
import { type DecoderOptions, EventDecoder, usageFrom } from '../event-decoder.ts';
import type { ServerSentEvent } from '../server-sent-events.ts';

/** An event as far as it is read. Gateways that imitate the protocol leave out whatever they like. */
interface MessageEvent {
  readonly type?: string;
  readonly index?: number;
  readonly message?: { readonly model?: unknown; readonly usage?: WireUsage | null } | null;
  readonly content_block?: ContentBlock | null;
  readonly delta?: Delta | null;
  readonly usage?: WireUsage | null;
  readonly error?: unknown;
}

interface ContentBlock {
  readonly type?: string;
  readonly text?: unknown;
  readonly thinking?: unknown;
  readonly id?: unknown;
  readonly name?: unknown;
  readonly input?: unknown;
}

interface Delta {
  readonly type?: string;
  readonly text?: unknown;
  readonly thinking?: unknown;
  readonly partial_json?: unknown;
  readonly stop_reason?: unknown;
}

interface WireUsage {
  readonly input_tokens?: number | null;
  readonly output_tokens?: number | null;
  readonly cache_creation_input_tokens?: number | null;
  readonly cache_read_input_tokens?: number | null;
  readonly output_tokens_details?: { readonly thinking_tokens?: number | null } | null;
}

/** A tool that the caller is asked to use, while its arguments come in. */
interface ToolUse {
  readonly index: number;
  /** What the block started with: usually empty, and the arguments follow in pieces. */
  readonly input: unknown;
  told: boolean;
}

const FINISH: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool-calls'],
  ['refusal', 'content-filter'],
]);

/**
 * Messages as server-sent events. An answer is whole when `message_stop` has come after a `stop_reason`: neither proves it
 * alone. Events and deltas of unknown types are passed over, as the protocol demands; so are citations, and the signatures
 * of thoughts, for which a `ChatMessage` has no place.
 */
export class MessageDecoder extends EventDecoder {
  #model: string | undefined;
  #usage: WireUsage = {};
  #outputTokens: number | null | undefined;
  #reason: FinishReason | undefined;
  #stopped = false;
  /** Blocks by their index; `undefined` for one that is no call of the caller's tools. */
  readonly #blocks = new Map<number | undefined, ToolUse | undefined>();
  #toolUses = 0;

  constructor(options: DecoderOptions) {
    super(options, { name: 'Messages', proof: 'a stop_reason and a message_stop' });
  }

  get finished(): boolean {
    return this.#stopped && this.#reason !== undefined;
  }

  protected frame(frame: unknown, { event, data }: ServerSentEvent): void {
    if (typeof frame !== 'object' || frame === null) return this.garbled(data);
    const message: MessageEvent = frame;
    const type = message.type ?? event;
    if (type === 'error' || event === 'error' || message.error)
      return this.broken(reportIn(frame) ?? { message: data, codes: [] });
    switch (type) {
      case 'message_start':
        return this.#start(message);
      case 'content_block_start':
        return this.#open(message, data);
      case 'content_block_delta':
        return this.#delta(message, data);
      case 'content_block_stop':
        return this.#close(message);
      case 'message_delta':
        return this.#end(message);
      case 'message_stop':
        this.#stopped = true;
        return this.close();
      case undefined:
        return this.garbled(data);
    }
  }

  protected finish(): void {
    const usage = usageOf(this.#usage, this.#outputTokens);
    if (Object.keys(usage).length > 0) this.emit({ type: 'usage', usage });
    this.finishWith(this.#reason ?? 'other', this.#model);
  }

  #start({ message }: MessageEvent): void {
    if (typeof message?.model === 'string') this.#model = message.model;
    if (message?.usage) this.#usage = message.usage;
  }

  #open({ index, content_block: block }: MessageEvent, data: string): void {
    if (!block) return this.garbled(data);
    if (block.type === 'tool_use') return this.#use(index, block, data);
    this.#blocks.set(index, undefined);
    this.text('text', block.text);
    this.text('reasoning', block.thinking);
  }

  #use(block: number | undefined, { id, name, input }: ContentBlock, data: string): void {
    if (typeof name !== 'string') return this.garbled(data);
    const index = this.#toolUses++;
    this.#blocks.set(block, { index, input, told: false });
    this.emit({ type: 'tool-call', index, ...(typeof id === 'string' && { id }), name, arguments: '' });
  }

  #delta({ index, delta }: MessageEvent, data: string): void {
    switch (delta?.type) {
      case 'text_delta':
        return this.text('text', delta.text);
      case 'thinking_delta':
        return this.text('reasoning', delta.thinking);
      case 'input_json_delta':
        return this.#input(index, delta.partial_json, data);
      case undefined:
        return this.garbled(data);
    }
  }

  #input(index: number | undefined, text: unknown, data: string): void {
    if (typeof text !== 'string' || !this.#blocks.has(index)) return this.garbled(data);
    const toolUse = this.#blocks.get(index);
    // The server uses tools of its own; their input is no business of the caller's.
    if (toolUse === undefined || text === '') return;
    toolUse.told = true;
    this.emit({ type: 'tool-call', index: toolUse.index, arguments: text });
  }

  #close({ index }: MessageEvent): void {
    const toolUse = this.#blocks.get(index);
    // A tool without parameters gets no piece of arguments at all, and some gateways send them at the start.
    if (toolUse?.told === false)
      this.emit({ type: 'tool-call', index: toolUse.index, arguments: this.json(toolUse.input ?? {}) });
  }

  #end({ delta, usage }: MessageEvent): void {
    const reason = delta?.stop_reason;
    if (typeof reason === 'string') this.#reason = FINISH.get(reason) ?? 'other';
    if (!usage) return;
    this.#usage = { ...this.#usage, ...told(usage) };
    // That of `message_start` is where the count begins, not what it came to.
    this.#outputTokens = usage.output_tokens ?? this.#outputTokens;
  }
}

/** The later counts are cumulative, and replace the earlier ones; but `null` tells nothing. */
const told = (usage: WireUsage): WireUsage =>
  Object.fromEntries(Object.entries(usage).filter(([, count]) => count !== null));

/** Here the input does not contain what came out of the cache or went into it; in a `ChatUsage` it does. */
function usageOf(usage: WireUsage, outputTokens: number | null | undefined): ChatUsage {
  const { cache_creation_input_tokens: cacheWritten, cache_read_input_tokens: cacheRead } = usage;
  const inputTokens =
    typeof usage.input_tokens === 'number'
      ? usage.input_tokens + (cacheWritten ?? 0) + (cacheRead ?? 0)
      : undefined;
  return usageFrom({
    inputTokens,
    outputTokens,
    totalTokens:
      inputTokens === undefined || typeof outputTokens !== 'number' ? undefined : inputTokens + outputTokens,
    cachedTokens: cacheRead,
    reasoningTokens: usage.output_tokens_details?.thinking_tokens,
  });
}
