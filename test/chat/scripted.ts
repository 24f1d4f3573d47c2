import { concat, NEVER, Observable, of, throwError } from 'rxjs';
import {
  type ChatCapabilities,
  type ChatChunk,
  type ChatContext,
  type ChatProvider,
  type ChatRequest,
  ProviderError,
  type ProviderErrorKind,
  ResilientProvider,
  type ResilientProviderConfig,
} from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { fixedBackoff } from '../../src/retry/index.ts';

export const HELLO = [{ role: 'user', content: 'Hello' }] as const;
export const ANSWER = 'The quick brown fox jumps over the lazy dog.';
export const FINISH: ChatChunk = { type: 'finish', reason: 'stop' };
export const AT_ONCE = fixedBackoff(0);

type Attempt =
  | Observable<ChatChunk>
  | Error
  | ((request: ChatRequest, context: ChatContext) => Observable<ChatChunk>);

export interface Scripted extends ChatProvider {
  /** What it was asked, attempt by attempt. */
  readonly asked: { readonly request: ChatRequest; readonly context: ChatContext }[];
}

/** A provider that plays these attempts, the last one again and again. */
export function scripted(
  name: string,
  attempts: readonly Attempt[],
  capabilities?: ChatCapabilities,
): Scripted {
  const asked: Scripted['asked'] = [];
  return {
    name,
    asked,
    capabilities,
    stream(request, context = {}) {
      asked.push({ request, context });
      const attempt = attempts[Math.min(asked.length, attempts.length) - 1] ?? NEVER;
      if (attempt instanceof Error) return throwError(() => attempt);
      return attempt instanceof Observable ? attempt : attempt(request, context);
    },
  };
}

export const words = (...texts: string[]): ChatChunk[] => texts.map((text) => ({ type: 'text', text }));
export const says = (...texts: string[]): Observable<ChatChunk> => of(...words(...texts), FINISH);
export const failing = (kind: ProviderErrorKind, message: string = kind): ProviderError =>
  new ProviderError(message, { kind, provider: 'main' });
export const breaksAfter = (chunks: readonly ChatChunk[], error: Error = failing('transport')) =>
  concat(
    of(...chunks),
    throwError(() => error),
  );

export const resilient = (config: ResilientProviderConfig): ResilientProvider =>
  new ResilientProvider({ events: new EventBus(), ...config });

export interface Outcome {
  readonly chunks: readonly ChatChunk[];
  /** The marks, in order. */
  readonly marks: readonly string[];
  /** What a reader who obeys the marks has on the screen. */
  readonly shown: string;
  readonly error: unknown;
}

/** Reads a stream that does all it does at once. */
export function read(stream: Observable<ChatChunk>): Outcome {
  const chunks: ChatChunk[] = [];
  let shown = '';
  let error: unknown;
  stream.subscribe({
    next(chunk) {
      chunks.push(chunk);
      if (chunk.type === 'text') shown += chunk.text;
      if (chunk.type === 'retract') shown = '';
    },
    error(thrown) {
      error = thrown;
    },
  });
  const marks = chunks.map(({ type }) => type).filter((type) => /^(retract|resume|switch)$/.test(type));
  return { chunks, marks, shown, error };
}
