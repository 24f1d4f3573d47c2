import type { FinishReason } from '../../chat/chunk.ts';
import { reportIn } from '../endpoint.ts';
import { type DecoderOptions, EventDecoder, usageFrom } from '../event-decoder.ts';
import type { ServerSentEvent } from '../server-sent-events.ts';
import { LineStream } from './lines.ts';

/** A line as far as it is read; its durations are not. */
interface ChatLine {
  readonly model?: unknown;
  readonly message?: {
    readonly content?: unknown;
    readonly thinking?: unknown;
    readonly tool_calls?: readonly (WireToolCall | null)[] | null;
  } | null;
  readonly done?: boolean;
  readonly done_reason?: unknown;
  readonly prompt_eval_count?: number;
  readonly eval_count?: number;
}

interface WireToolCall {
  readonly id?: unknown;
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown } | null;
}

const FINISH: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
]);

/**
 * Chat as lines of JSON. `done: true` with a `done_reason` proves that an answer is whole; without a reason the runner's
 * connection has been lost. A tool call comes in one piece.
 */
export class ChatDecoder extends EventDecoder {
  #model: string | undefined;
  #reason: FinishReason | undefined;
  #last: ChatLine = {};
  #toolCalls = 0;

  constructor(options: DecoderOptions) {
    super(options, { name: 'Ollama chat', proof: 'a done_reason' }, LineStream);
  }

  get finished(): boolean {
    return this.#reason !== undefined;
  }

  protected frame(frame: unknown, { data }: ServerSentEvent): void {
    const report = reportIn(frame);
    if (report !== undefined) return this.broken(report);
    const line = frame as ChatLine;
    if (!isObject(line) || !(isObject(line.message) || line.done === true)) return this.garbled(data);
    if (typeof line.model === 'string') this.#model = line.model;
    this.text('reasoning', line.message?.thinking);
    this.text('text', line.message?.content);
    const calls = line.message?.tool_calls ?? [];
    if (!Array.isArray(calls)) return this.garbled(data);
    for (const call of calls as readonly (WireToolCall | null)[]) this.#toolCall(call, data);
    if (line.done === true) this.#done(line);
  }

  protected finish(): void {
    const { prompt_eval_count: inputTokens, eval_count: outputTokens } = this.#last;
    const usage = usageFrom({
      inputTokens,
      outputTokens,
      totalTokens:
        inputTokens === undefined || outputTokens === undefined ? undefined : inputTokens + outputTokens,
    });
    if (Object.keys(usage).length > 0) this.emit({ type: 'usage', usage });
    this.finishWith(this.#reason ?? 'other', this.#model);
  }

  #done(line: ChatLine): void {
    this.#last = line;
    const reason = line.done_reason;
    // It says "stop" also where the model has stopped to have its tools called.
    if (typeof reason === 'string' && reason !== '')
      this.#reason =
        reason === 'stop' && this.#toolCalls > 0 ? 'tool-calls' : (FINISH.get(reason) ?? 'other');
    this.close();
  }

  #toolCall(call: WireToolCall | null, data: string): void {
    const { name, arguments: input } = call?.function ?? {};
    if (typeof name !== 'string') return this.garbled(data);
    const index = this.#toolCalls++;
    this.emit({
      type: 'tool-call',
      index,
      // Older servers give none; a result has to name one.
      id: typeof call?.id === 'string' && call.id !== '' ? call.id : `call_${index}`,
      name,
      arguments: typeof input === 'string' ? input : this.json(input ?? {}),
    });
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
