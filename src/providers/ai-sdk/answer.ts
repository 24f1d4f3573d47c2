import type { ChatChunk, ChatUsage, FinishReason } from '../../chat/chunk.ts';
import { type Endpoint, requestIdOf } from '../endpoint.ts';
import { usageFrom } from '../event-decoder.ts';
import { failureOf } from './failure.ts';
import type { StreamPart, Usage, WireFinishReason } from './language-model.ts';

type Part<Type extends StreamPart['type']> = Extract<StreamPart, { type: Type }>;

/** A tool call while its input comes in; `index` is undefined for a tool that the provider uses by itself. */
interface OpenCall {
  readonly index: number | undefined;
  /** Pieces of an input that is not JSON yet are of no use: the call brings the whole. */
  readonly inPieces: boolean;
  told: boolean;
}

const FINISH: ReadonlySet<string> = new Set<FinishReason>(['stop', 'length', 'tool-calls', 'content-filter']);

/**
 * Turns the parts of a model's stream into chunks. The proof that an answer is whole is a `finish` part that gives a
 * reason: the models send one also when their connection ended too early, and then it says `interrupted` (v4), `other`
 * without the provider's own word for it (v3) or `unknown` (v2).
 */
export class ModelAnswer {
  readonly #endpoint: Endpoint;
  /** Known as soon as the model has answered. */
  response: Response | undefined;
  #model: string;
  readonly #calls = new Map<string, OpenCall>();
  #callerCalls = 0;
  #usage: Usage = {};
  #reason: FinishReason | undefined;

  constructor(endpoint: Endpoint, modelId: string) {
    this.#endpoint = endpoint;
    this.#model = modelId;
  }

  get finished(): boolean {
    return this.#reason !== undefined;
  }

  /** What a part says; nothing for parts that only show that the model is alive. */
  chunksOf(part: StreamPart): ChatChunk[] {
    const chunks = this.#chunksOf(part);
    // Some models speak again after a finish: then only the last one counts.
    if (chunks.length > 0) this.#reason = undefined;
    return chunks;
  }

  /** What is left to say at the end; throws when the answer is not proven whole. */
  end(): ChatChunk[] {
    if (this.#reason === undefined) {
      throw this.#endpoint.error(
        'truncated',
        'ended the stream without a reason to finish: the answer is not whole.',
        { requestId: this.#requestId },
      );
    }
    const usage = usageOf(this.#usage);
    const requestId = this.#requestId;
    return [
      ...(Object.keys(usage).length > 0 ? [{ type: 'usage', usage } as const] : []),
      {
        type: 'finish',
        reason: this.#reason,
        provider: this.#endpoint.provider,
        model: this.#model,
        ...(requestId !== undefined && { requestId }),
      },
    ];
  }

  #chunksOf(part: StreamPart): ChatChunk[] {
    switch (part.type) {
      case 'text-delta':
        return said('text', part.delta);
      case 'reasoning-delta':
        return said('reasoning', part.delta);
      case 'tool-input-start':
        return this.#open(part);
      case 'tool-input-delta':
        return this.#input(part);
      case 'tool-call':
        return this.#call(part);
      case 'response-metadata':
        this.#model = part.modelId ?? this.#model;
        return [];
      case 'finish':
        return this.#finish(part);
      case 'error':
        throw failureOf(part.error, this.#endpoint, this.#model, this.response);
      default:
        return [];
    }
  }

  #open({ id, toolName: name, providerExecuted, inputEncoding }: Part<'tool-input-start'>): ChatChunk[] {
    const index = providerExecuted ? undefined : this.#callerCalls++;
    this.#calls.set(id, { index, inPieces: inputEncoding !== 'text', told: false });
    return index === undefined ? [] : [{ type: 'tool-call', index, id, name, arguments: '' }];
  }

  #input({ id, delta }: Part<'tool-input-delta'>): ChatChunk[] {
    const call = this.#calls.get(id);
    if (call?.index === undefined || !call.inPieces || delta === '') return [];
    call.told = true;
    return [{ type: 'tool-call', index: call.index, arguments: delta }];
  }

  #call({ toolCallId: id, toolName, input, providerExecuted = false }: Part<'tool-call'>): ChatChunk[] {
    const opening = this.#calls.has(id)
      ? []
      : this.#open({ type: 'tool-input-start', id, toolName, providerExecuted });
    const call = this.#calls.get(id);
    if (call?.index === undefined || call.told) return opening;
    call.told = true;
    return [...opening, { type: 'tool-call', index: call.index, arguments: input }];
  }

  #finish({ finishReason, usage }: Part<'finish'>): ChatChunk[] {
    this.#usage = usage ?? {};
    const { unified, raw } = reasonIn(finishReason);
    if (FINISH.has(unified)) this.#reason = unified as FinishReason;
    else if (unified === 'other' && raw !== undefined) this.#reason = 'other';
    else if (unified === 'error') {
      throw this.#endpoint.error('server', 'broke the answer off (finish reason "error").', {
        requestId: this.#requestId,
      });
    } else this.#reason = undefined;
    return [];
  }

  get #requestId(): string | undefined {
    return this.response && requestIdOf(this.response.headers);
  }
}

const said = (type: 'text' | 'reasoning', text: string): ChatChunk[] => (text === '' ? [] : [{ type, text }]);

/** In v2 `other` is a reason that the provider has given. */
const reasonIn = (
  reason: WireFinishReason,
): { readonly unified: string; readonly raw?: string | undefined } =>
  typeof reason === 'string' ? { unified: reason, raw: reason } : reason;

function usageOf({
  inputTokens,
  outputTokens,
  totalTokens,
  cachedInputTokens,
  reasoningTokens,
}: Usage): ChatUsage {
  const input =
    typeof inputTokens === 'object' ? inputTokens : { total: inputTokens, cacheRead: cachedInputTokens };
  const output =
    typeof outputTokens === 'object' ? outputTokens : { total: outputTokens, reasoning: reasoningTokens };
  return usageFrom({
    inputTokens: input.total,
    outputTokens: output.total,
    totalTokens,
    cachedTokens: input.cacheRead,
    reasoningTokens: output.reasoning,
  });
}
