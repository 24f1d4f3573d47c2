import type { Observable } from 'rxjs';
import { FallbackExhaustedError, isCircuitOpenError, isStreamTimeoutError } from '../core/errors.ts';
import type { EventBus } from '../core/event-bus.ts';
import type { Failure, Recovery } from '../core/recovery.ts';
import type { ChatChunk } from './chunk.ts';
import { type FallbackConditions, kindOf, mayFallBack } from './errors.ts';
import type { GuardedProvider } from './guarded-provider.ts';

export interface ProviderChainDetails {
  readonly name: string;
  readonly events: EventBus;
  /** In the order in which they are asked. */
  readonly providers: readonly GuardedProvider[];
  readonly conditions: FallbackConditions | undefined;
  readonly commitOn: (chunk: ChatChunk) => boolean;
  /** Hears of every error after which another provider is asked. */
  readonly failed: (error: unknown) => void;
  readonly answerOf: (provider: GuardedProvider) => Observable<ChatChunk>;
}

/** The providers of one call: who is asked when another one has finally failed, and who need not be asked at all. */
export class ProviderChain implements Recovery<ChatChunk> {
  readonly commitOn: (chunk: ChatChunk) => boolean;
  readonly #details: ProviderChainDetails;
  readonly #errors: unknown[] = [];
  #position = 0;
  /** The largest context window that is known to be too small. */
  #tooSmall = 0;

  constructor(details: ProviderChainDetails) {
    this.#details = details;
    this.commitOn = details.commitOn;
  }

  /** The answer of whoever is to be asked now. */
  answer(): Observable<ChatChunk> {
    return this.#details.answerOf(this.#details.providers[this.#position] as GuardedProvider);
  }

  /**
   * Whether a failed attempt leaves the word to the next provider at once: a silent one has cost enough time, and an open
   * circuit would cost all that it stays open.
   */
  givesWay(error: unknown): boolean {
    const silent = isStreamTimeoutError(error) && (error.kind === 'first' || error.kind === 'headers');
    const waits = silent || isCircuitOpenError(error);
    return waits && mayFallBack(error, this.#details.conditions) && this.#next() !== undefined;
  }

  recover({ error }: Failure): Observable<ChatChunk> {
    const { name, events, conditions, failed } = this.#details;
    this.#errors.push(error);
    if (!mayFallBack(error, conditions)) throw error;
    if (kindOf(error) === 'context-length')
      this.#tooSmall = Math.max(this.#tooSmall, this.#windowAt(this.#position) ?? 0);
    const next = this.#next();
    if (next === undefined) throw this.#verdict(error);
    this.#position = next;
    events.publish('fallback_used', name, { alternative: next, error });
    failed(error);
    return this.answer();
  }

  /** Where the next provider is that may know better. */
  #next(): number | undefined {
    const { providers } = this.#details;
    for (let position = this.#position + 1; position < providers.length; position++)
      if ((this.#windowAt(position) ?? Infinity) > this.#tooSmall) return position;
    return undefined;
  }

  #windowAt(position: number): number | undefined {
    return this.#details.providers[position]?.provider.capabilities?.contextWindow;
  }

  #verdict(error: unknown): unknown {
    const { name, events } = this.#details;
    // Nobody else has been asked.
    if (this.#errors.length === 1) return error;
    events.publish('fallback_exhausted', name, { errors: this.#errors });
    return new FallbackExhaustedError(name, this.#errors);
  }
}
