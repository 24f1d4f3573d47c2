import { catchError, defer, lastValueFrom, type Observable, type SchedulerLike, tap, throwError } from 'rxjs';
import type { CircuitBreaker } from '../circuit-breaker/index.ts';
import { clockOf } from '../core/clock.ts';
import { parseConfig } from '../core/config.ts';
import { type EventBus, getEventBus, summarize } from '../core/event-bus.ts';
import { fallback } from '../fallback/index.ts';
import { untilAborted } from '../interop/index.ts';
import { timeout } from '../timeout/index.ts';
import type { ChatResponse } from './answer.ts';
import { Call, type Tally } from './call.ts';
import { type ChatChunk, isContent } from './chunk.ts';
import { mayFallBack } from './errors.ts';
import { GuardedProvider } from './guarded-provider.ts';
import type { ChatMessage, ChatProvider, ChatRequest } from './provider.ts';
import {
  type CallOptions,
  CallOptionsSchema,
  type ResilientProviderConfig,
  ResilientProviderConfigSchema,
} from './resilient-config.ts';

export interface ResilientProviderStats extends Readonly<Tally> {
  readonly calls: number;
  /** Calls that are under way. */
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
  /** Calls that their caller gave up, by unsubscribing or by an abort. */
  readonly cancelled: number;
}

type Recovery = NonNullable<ResilientProviderConfig['recovery']>;
type Outcome = 'completed' | 'failed' | 'cancelled';

/**
 * A chat provider that survives its providers: retries, limits and a circuit breaker around each of them, and others to
 * fall back to. A consumer never sees a duplicated, a silently truncated or a silently mixed answer.
 *
 * ```
 * openai           --A--B--#
 * openai, again              --#
 * ollama                        --A--B--C--F|
 *                  recovery: 'restart', retry: 1, fallbackProvider: ollama
 * result           --A--B---------(RSA)--B--C--F|     R retract, S switch, F finish
 * ```
 *
 * **One call.** Every provider has a pipeline of its own, see `resilience()`: `timeout.total` > retry > circuit breaker >
 * rate limit > bulkhead > `timeout.first` and `timeout.each` > provider. What a provider finally fails with is answered by
 * the next one, except `invalid` requests, the `content-filter` and the caller's own abort, which no other provider cures.
 *
 * **Who guards what.** A policy that is given as a config is made once for each provider. A shared object guards `provider`
 * alone. A `ResilientProvider` among the fallbacks brings its own policies; around it is only a circuit breaker. The circuit
 * breaker is always there, the other policies when they are given.
 *
 * **Marks.** They come with the first content that needs them: `retract` when what was shown is void, `switch` whenever
 * another provider speaks than before, at first `provider`. An attempt that fails before its first content leaves no trace.
 *
 * **The end.** The last chunk of a whole answer is `finish`; a provider that completes without it has failed (`truncated`).
 * A call that fails after its first content ends with a `StreamInterruptedError`, which carries what is still shown.
 * Unsubscribing, and an abort of `signal`, reach the provider at once and are neutral to all policies; after an abort the
 * stream errors with the signal's reason.
 *
 * Events: `stream_started`, `first_token`, `stream_retracted`, `provider_switched`, `stream_ended`, and those of the policies.
 *
 * @example
 * ```ts
 * const assistant = new ResilientProvider({
 *   provider: openAICompatible({ baseURL: 'https://api.openai.com/v1', model: 'gpt-4o-mini', apiKey }),
 *   fallbackProvider: openAICompatible({ baseURL: 'http://localhost:11434/v1', model: 'llama3.2' }),
 *   retry: 2,
 *   timeout: { first: 10_000, each: 20_000 },
 * });
 * const { text, provider } = await assistant.chat([{ role: 'user', content: 'Say hello' }], { timeout: 30_000 });
 * console.log(`${provider}: ${text}`);
 * // api.openai.com: Hello!
 * ```
 */
export class ResilientProvider implements ChatProvider {
  readonly name: string;
  readonly #providers: readonly GuardedProvider[];
  readonly #recovery: Recovery | undefined;
  readonly #scheduler: SchedulerLike | undefined;
  readonly #events: EventBus;
  readonly #tally: Tally = { attempts: 0, retracted: 0, switched: 0 };
  readonly #ended = { completed: 0, failed: 0, cancelled: 0 };
  #calls = 0;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: ResilientProviderConfig) {
    const options = parseConfig('ResilientProvider', ResilientProviderConfigSchema, config);
    const { provider, fallbackProvider, fallbackProviders = [], events = getEventBus(), scheduler } = options;
    const others = fallbackProvider === undefined ? fallbackProviders : [fallbackProvider];
    this.name = options.name ?? provider.name;
    this.#providers = [
      new GuardedProvider(provider, options),
      ...others.map((other) =>
        other instanceof ResilientProvider
          ? new GuardedProvider(other, { events, scheduler })
          : GuardedProvider.alternative(other, options),
      ),
    ];
    this.#recovery = options.recovery;
    this.#scheduler = scheduler;
    this.#events = events;
  }

  /** The breaker around the first provider. */
  get circuitBreaker(): CircuitBreaker {
    return this.#primary.circuitBreaker;
  }

  get stats(): ResilientProviderStats {
    const { completed, failed, cancelled } = this.#ended;
    const active = this.#calls - completed - failed - cancelled;
    return { calls: this.#calls, active, completed, failed, cancelled, ...this.#tally };
  }

  /** Whether one of the providers would be asked now: its circuit is not open, and it does not call itself unhealthy. */
  isHealthy(): boolean {
    return this.#providers.some(({ healthy }) => healthy);
  }

  /**
   * The answer as it is written. Every subscription is a call of its own, and nothing happens before.
   *
   * @param input the messages, or a whole request.
   * @throws {ConfigurationError} at once, naming the option and the value.
   */
  stream(input: readonly ChatMessage[] | ChatRequest, options: CallOptions = {}): Observable<ChatChunk> {
    parseConfig('ResilientProvider.stream', CallOptionsSchema, { timeout: options.timeout });
    return defer(() => this.#run(this.#call(input, options), options, this.#recovery ?? 'fail'));
  }

  /**
   * The whole answer. Nobody sees it grow, so by default a broken one begins anew without a trace.
   *
   * @param input the messages, or a whole request.
   * @returns a promise that rejects with what `stream()` would have ended with.
   */
  async chat(input: readonly ChatMessage[] | ChatRequest, options: CallOptions = {}): Promise<ChatResponse> {
    parseConfig('ResilientProvider.chat', CallOptionsSchema, { timeout: options.timeout });
    const call = this.#call(input, options);
    await lastValueFrom(this.#run(call, options, this.#recovery ?? 'restart'));
    return call.response();
  }

  #call(input: readonly ChatMessage[] | ChatRequest, { callId }: CallOptions): Call {
    return new Call({
      name: this.name,
      request: 'messages' in input ? input : { messages: input },
      callId,
      primary: this.#primary.provider,
      clock: clockOf(this.#scheduler),
      events: this.#events,
      tally: this.#tally,
    });
  }

  /** The caller's own ends are outermost: an abort must not look like a failure, nor his patience like a provider's. */
  #run(call: Call, { signal, timeout: patience }: CallOptions, recovery: Recovery): Observable<ChatChunk> {
    let chunks = this.#answer(call, recovery).pipe(
      catchError((error) => throwError(() => call.broken(error))),
    );
    if (patience !== undefined) chunks = chunks.pipe(timeout({ total: patience, ...this.#common }));
    if (signal !== undefined) chunks = chunks.pipe(untilAborted(signal));
    return chunks.pipe(
      tap({
        subscribe: () => this.#begin(),
        complete: () => this.#end(call, 'completed'),
        error: (error) =>
          this.#end(call, signal?.aborted && error === signal.reason ? 'cancelled' : 'failed', error),
        unsubscribe: () => this.#end(call, 'cancelled'),
      }),
    );
  }

  /** Where a mark can take back what was said, nothing commits: then every retry and every fallback stays open. */
  #answer(call: Call, recovery: Recovery): Observable<ChatChunk> {
    const commitOn = recovery === 'restart' ? () => false : isContent;
    const answerOf = (guarded: GuardedProvider): Observable<ChatChunk> =>
      call.attempts(guarded.provider).pipe(guarded.guard(commitOn, (error) => call.failed(error)));

    const [, ...others] = this.#providers;
    const answer = answerOf(this.#primary);
    if (others.length === 0) return answer;
    const alternatives = others.map((guarded) => ({ error }: { error: unknown }) => {
      call.failed(error);
      return answerOf(guarded);
    });
    return answer.pipe(fallback({ alternatives, commitOn, handle: mayFallBack, ...this.#common }));
  }

  #begin(): void {
    this.#calls++;
    this.#events.publish('stream_started', this.name, { provider: this.#primary.provider.name });
  }

  #end(call: Call, outcome: Outcome, error?: unknown): void {
    this.#ended[outcome]++;
    this.#events.publish('stream_ended', this.name, {
      provider: call.speaker,
      outcome,
      ...(outcome === 'failed' && { error: summarize(error) }),
    });
  }

  get #common(): { name: string; events: EventBus; scheduler: SchedulerLike | undefined } {
    return { name: this.name, events: this.#events, scheduler: this.#scheduler };
  }

  get #primary(): GuardedProvider {
    return this.#providers[0] as GuardedProvider;
  }
}
