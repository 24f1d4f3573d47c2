import { type Observable, tap } from 'rxjs';
import {
  FallbackExhaustedError,
  failureOf,
  isCircuitOpenError,
  isStreamTimeoutError,
} from '../core/errors.ts';
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
  /** Hears of every provider that has finally failed. */
  readonly noted: (error: unknown) => void;
  /** @param givesWay whether an error is left to another provider at once. */
  readonly answerOf: (
    provider: GuardedProvider,
    givesWay: (error: unknown) => boolean,
  ) => Observable<ChatChunk>;
  /** The answer, and who joins it while it is late. @param next the answer of another provider, if there is one */
  readonly raced: (
    answer: Observable<ChatChunk>,
    next: () => Observable<ChatChunk> | undefined,
  ) => Observable<ChatChunk>;
}

/** The providers of one call: who is asked when another one has finally failed, and who need not be asked at all. */
export class ProviderChain implements Recovery<ChatChunk> {
  readonly commitOn: (chunk: ChatChunk) => boolean;
  readonly #details: ProviderChainDetails;
  readonly #errors: unknown[] = [];
  readonly #failed = new Set<GuardedProvider>();
  readonly #running = new Set<GuardedProvider>();
  /** The largest context window that is known to be too small. */
  #tooSmall = 0;

  constructor(details: ProviderChainDetails) {
    this.#details = details;
    this.commitOn = details.commitOn;
  }

  /** The answer of whoever is to be asked now. */
  answer(): Observable<ChatChunk> {
    const answer = this.#next() as Observable<ChatChunk>;
    return this.#details.raced(answer, () => this.#next());
  }

  recover({ error }: Failure): Observable<ChatChunk> {
    const { name, events, providers, conditions, failed } = this.#details;
    if (!mayFallBack(error, conditions)) throw error;
    const [next] = this.#left();
    if (next === undefined) throw this.#verdict(error);
    events.publish('fallback_used', name, { alternative: providers.indexOf(next), error });
    failed(error);
    return this.answer();
  }

  #next(): Observable<ChatChunk> | undefined {
    const next = this.#left().find((provider) => !this.#running.has(provider));
    return next && this.#ask(next);
  }

  #ask(provider: GuardedProvider): Observable<ChatChunk> {
    return this.#details
      .answerOf(provider, (error) => this.#givesWay(provider, error))
      .pipe(
        tap({
          subscribe: () => this.#running.add(provider),
          error: (error) => this.#hasFailed(provider, error),
          finalize: () => this.#running.delete(provider),
        }),
      );
  }

  /**
   * Whether a failed attempt leaves the word to another provider at once: a silent one has cost enough time, and an open
   * circuit would cost all that it stays open.
   */
  #givesWay(provider: GuardedProvider, error: unknown): boolean {
    const failure = failureOf(error);
    const silent = isStreamTimeoutError(failure) && (failure.kind === 'first' || failure.kind === 'headers');
    const waits = silent || isCircuitOpenError(failure);
    return (
      waits &&
      mayFallBack(error, this.#details.conditions) &&
      this.#left().some((other) => other !== provider)
    );
  }

  #hasFailed(provider: GuardedProvider, error: unknown): void {
    this.#errors.push(error);
    this.#failed.add(provider);
    if (kindOf(error) === 'context-length')
      this.#tooSmall = Math.max(this.#tooSmall, windowOf(provider) ?? 0);
    this.#details.noted(error);
  }

  /** Who has not failed, and may know better. */
  #left(): GuardedProvider[] {
    return this.#details.providers.filter(
      (provider) => !this.#failed.has(provider) && (windowOf(provider) ?? Infinity) > this.#tooSmall,
    );
  }

  #verdict(error: unknown): unknown {
    const { name, events } = this.#details;
    // Nobody else has been asked.
    if (this.#errors.length === 1) return error;
    events.publish('fallback_exhausted', name, { errors: this.#errors });
    return new FallbackExhaustedError(name, this.#errors);
  }
}

const windowOf = ({ provider }: GuardedProvider): number | undefined => provider.capabilities?.contextWindow;
