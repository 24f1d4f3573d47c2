import type { ChatChunk, ChatUsage, FinishReason } from './chunk.ts';
import type { ToolCall } from './provider.ts';

/** The whole answer to a chat. */
export interface ChatResponse {
  readonly text: string;
  /** What the model thought aloud; empty where it did not. */
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  /** `undefined` when the provider did not say. */
  readonly usage: ChatUsage | undefined;
  readonly finishReason: FinishReason;
  /** Who really answered. */
  readonly provider: string;
  /** The model that really answered, by the name that the provider gives it. */
  readonly model: string | undefined;
  /** Attempts made for this answer, over all providers. */
  readonly attempts: number;
  /** Milliseconds from the call to the first content of this answer; `undefined` when it has none. */
  readonly timeToFirstToken: number | undefined;
}

/** An answer as it grows. It obeys the marks, so what a retract takes back is gone. */
export class Answer {
  text = '';
  reasoning = '';
  usage: ChatUsage | undefined;
  finish: Extract<ChatChunk, { type: 'finish' }> | undefined;
  /** Who speaks since the last `switch`. */
  speaker: string;
  readonly #toolCalls = new Map<number, { id: string; name: string; arguments: string }>();

  constructor(speaker: string) {
    this.speaker = speaker;
  }

  /** Whether anything has been said that a reader could miss. */
  get empty(): boolean {
    return this.text === '' && this.reasoning === '' && this.#toolCalls.size === 0;
  }

  /** In the order in which the model made them. */
  get toolCalls(): ToolCall[] {
    return [...this.#toolCalls].sort(([a], [b]) => a - b).map(([, call]) => call);
  }

  add(chunk: ChatChunk): void {
    switch (chunk.type) {
      case 'text':
        this.text += chunk.text;
        break;
      case 'reasoning':
        this.reasoning += chunk.text;
        break;
      case 'tool-call':
        this.#addToolCall(chunk);
        break;
      case 'usage':
        this.usage = chunk.usage;
        break;
      case 'finish':
        this.finish = chunk;
        break;
      case 'retract':
        this.#forget();
        break;
      case 'switch':
        this.speaker = chunk.to;
        break;
      case 'resume':
        break;
    }
  }

  #addToolCall(chunk: Extract<ChatChunk, { type: 'tool-call' }>): void {
    const call = this.#toolCalls.get(chunk.index) ?? { id: '', name: '', arguments: '' };
    this.#toolCalls.set(chunk.index, {
      id: chunk.id ?? call.id,
      name: chunk.name ?? call.name,
      arguments: call.arguments + chunk.arguments,
    });
  }

  #forget(): void {
    this.text = '';
    this.reasoning = '';
    this.usage = undefined;
    this.finish = undefined;
    this.#toolCalls.clear();
  }
}
