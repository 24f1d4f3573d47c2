import type { ChatChunk, ChatUsage, FinishReason } from './chunk.ts';
import type { AttemptReport } from './ledger.ts';
import type { ToolCall } from './provider.ts';

/** The whole answer to a chat. */
export interface ChatAnswer {
  readonly text: string;
  /** What the model thought aloud; empty where it did not. */
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  /** What this answer has used, over all attempts that wrote it. `undefined` when the provider did not say. */
  readonly usage: ChatUsage | undefined;
  readonly finishReason: FinishReason;
  /** Who really answered, as far as it is known. */
  readonly provider: string | undefined;
  /** The model that really answered, by the name that the provider gives it. */
  readonly model: string | undefined;
  /** What the provider calls the request, for its support. */
  readonly requestId: string | undefined;
}

/** The whole answer to a call of a `ResilientProvider`, and how it came about. */
export interface ChatResponse extends ChatAnswer {
  readonly provider: string;
  /** Attempts made for this answer, over all providers. */
  readonly attempts: number;
  /** What became of each of them, in order. */
  readonly ledger: readonly AttemptReport[];
  /**
   * What all attempts have used together, also those whose words were taken back or never shown: what there may be to pay.
   * It is `estimated` where some of it nobody has counted. `undefined` when nobody knows any of it.
   */
  readonly totalUsage: ChatUsage | undefined;
  /** Milliseconds from the call to the first content of this answer; `undefined` when it has none. */
  readonly timeToFirstToken: number | undefined;
}

type Finish = Extract<ChatChunk, { type: 'finish' }>;

/** An answer as it grows. It obeys the marks, so what a retract takes back is gone. */
export class Answer {
  text = '';
  reasoning = '';
  usage: ChatUsage | undefined;
  finish: Finish | undefined;
  /** Who speaks since the last `switch`. */
  speaker: string | undefined;
  readonly #toolCalls = new Map<number, { id: string; name: string; arguments: string }>();

  constructor(speaker?: string) {
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

  /** What is wrong with it, if `finish` is its end: a tool cannot be called with half a JSON text. */
  flawAt({ reason }: Finish): string | undefined {
    // The model was stopped in the middle, and the answer says so itself.
    if (reason === 'length' || reason === 'content-filter') return undefined;
    const broken = this.toolCalls.find((call) => call.arguments !== '' && !isJson(call.arguments));
    return broken && `wrote arguments for the tool "${broken.name}" that are not JSON.`;
  }

  /** What there is to say about it once it is whole. */
  whole(finish: Finish): ChatAnswer {
    const { text, reasoning, toolCalls, usage } = this;
    return {
      text,
      reasoning,
      toolCalls,
      usage,
      finishReason: finish.reason,
      provider: finish.provider ?? this.speaker,
      model: finish.model,
      requestId: finish.requestId,
    };
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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
