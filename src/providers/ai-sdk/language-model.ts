/**
 * The AI SDK's language models, as far as they are used here: of the specifications v2 (ai 5), v3 (ai 6) and v4 (ai 7).
 * Written down once more, so that nothing of the SDK has to be installed for those who do not use it.
 */
export interface LanguageModel {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
  doStream(options: object): PromiseLike<{
    readonly stream: ReadableStream<{ readonly type: string }>;
    readonly response?: { readonly headers?: Record<string, string> | undefined } | undefined;
  }>;
}

export const SPECIFICATIONS: readonly unknown[] = ['v2', 'v3', 'v4'];

export function isLanguageModel(value: unknown): boolean {
  const { specificationVersion, doStream } = (value ?? {}) as Partial<LanguageModel>;
  return SPECIFICATIONS.includes(specificationVersion) && typeof doStream === 'function';
}

/** The parts of a stream that say something to us. */
export type StreamPart =
  | { readonly type: 'text-delta' | 'reasoning-delta'; readonly delta: string }
  | {
      readonly type: 'tool-input-start';
      readonly id: string;
      readonly toolName: string;
      readonly providerExecuted?: boolean;
      readonly inputEncoding?: 'json' | 'text';
    }
  | { readonly type: 'tool-input-delta'; readonly id: string; readonly delta: string }
  | {
      readonly type: 'tool-call';
      readonly toolCallId: string;
      readonly toolName: string;
      readonly input: string;
      readonly providerExecuted?: boolean;
    }
  | { readonly type: 'response-metadata'; readonly modelId?: string | undefined }
  | { readonly type: 'finish'; readonly usage: Usage; readonly finishReason: WireFinishReason }
  | { readonly type: 'error'; readonly error: unknown };

/** v2 has a name, later ones say as well what the provider called it. */
export type WireFinishReason = string | { readonly unified: string; readonly raw?: string | undefined };

/** v2 has numbers, later ones break them down. */
export interface Usage {
  readonly inputTokens?: number | { readonly total?: number; readonly cacheRead?: number };
  readonly outputTokens?: number | { readonly total?: number; readonly reasoning?: number };
  readonly totalTokens?: number;
  readonly cachedInputTokens?: number;
  readonly reasoningTokens?: number;
}
