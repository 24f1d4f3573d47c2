import type { Observable } from 'rxjs';
import {
  type ChatChunk,
  type ChatContext,
  type ChatProvider,
  type ChatRequest,
  ProviderError,
  type ProviderErrorKind,
} from '../chat/index.ts';
import { parseConfig } from '../core/config.ts';
import { untilAborted } from '../interop/index.ts';
import { type ChatLetters, parseChat } from './chat-letters.ts';
import { ScriptedProviderOptionsSchema } from './config.ts';
import type { SubscriptionFrames } from './lane.ts';
import { nth, ScriptedSource } from './scripted-source.ts';
import { scriptsFrom } from './scripts.ts';

export interface ScriptedProviderOptions {
  /** What the provider is called. @default 'scripted' */
  readonly name?: string;
  /** What letters stand for. @default `F` the finish, `R` a retract mark, any other letter itself as text */
  readonly values?: ChatLetters;
  /** What `#` stands for in the n-th script, an error or the kind of a `ProviderError`; the last repeats. @default 'overloaded' */
  readonly errors?: readonly unknown[];
  /** How many attempts are foreseen: one more is an error, of its stream and of the test. @default any number */
  readonly attempts?: number;
}

/** A chat provider that says what its scripts say, and remembers what it was asked. */
export class ScriptedProvider implements ChatProvider {
  readonly name: string;
  /** What it was asked, one request an attempt. */
  readonly requests: ChatRequest[] = [];
  /** @internal */
  readonly source: ScriptedSource<ChatChunk>;

  /** @internal */
  constructor(scripts: readonly string[], options: ScriptedProviderOptions) {
    const { values: _, ...rest } = parseConfig('scriptedProvider', ScriptedProviderOptionsSchema, options);
    const { name = 'scripted', errors = ['overloaded'], attempts } = rest;
    // The schema knows that they are chunks or texts only as far as it must.
    const { values } = options;
    this.name = name;
    this.source = new ScriptedSource(
      `Provider "${name}"`,
      scripts.map((script, attempt) => parseChat(script, values, errorOf(name, nth(errors, attempt)))),
      attempts,
    );
  }

  /** When each attempt began and ended, see `ScriptedSource.subscriptions`. */
  get subscriptions(): SubscriptionFrames[] {
    return this.source.subscriptions;
  }

  stream(request: ChatRequest, { signal }: ChatContext = {}): Observable<ChatChunk> {
    this.requests.push(request);
    return signal === undefined ? this.source : this.source.pipe(untilAborted(signal));
  }
}

export function scriptedProvider(...scripts: readonly [string, ...string[]]): ScriptedProvider;
export function scriptedProvider(
  scripts: readonly string[],
  options: ScriptedProviderOptions,
): ScriptedProvider;
/**
 * A language model that answers as the marbles say: the n-th attempt is the n-th script, the last one repeats.
 *
 * ```
 * 1st attempt  --A--B--#             # is a ProviderError of kind 'overloaded'
 * 2nd attempt           --A--B--F|   F is the finish, the proof that the answer is whole
 *              scriptedProvider('--A--B--#', '--A--B--F|')
 * ```
 *
 * @param scripts marbles of RxJS. With options: `scriptedProvider(['--A--#', '--A--F|'], { name: 'openai',
 * values: { A: 'Hello' }, errors: ['rate-limit'] })`.
 * @throws {MarbleError} at once, for marbles that mean nothing or no script at all.
 *
 * @example
 * ```ts
 * const provider = scriptedProvider('--A--B--#', '--A--B--(F|)');
 * const assistant = new ResilientProvider({ provider, retry: 1, recovery: 'restart' });
 * ```
 */
export function scriptedProvider(
  ...args: readonly (string | readonly string[] | ScriptedProviderOptions)[]
): ScriptedProvider {
  return new ScriptedProvider(...scriptsFrom<ScriptedProviderOptions>('scriptedProvider', args));
}

function errorOf(provider: string, error: unknown): unknown {
  if (typeof error !== 'string') return error;
  return new ProviderError(`Provider "${provider}" failed as scripted: ${error}.`, {
    kind: error as ProviderErrorKind,
    provider,
  });
}
