import {
  catchError,
  defer,
  finalize,
  lastValueFrom,
  type Observable,
  type SchedulerLike,
  tap,
  throwError,
} from 'rxjs';
import type { CircuitBreaker } from '../circuit-breaker/index.ts';
import { clockOf } from '../core/clock.ts';
import { parseConfig } from '../core/config.ts';
import { type EventBus, getEventBus } from '../core/event-bus.ts';
import { labelledStream } from '../core/label.ts';
import { racing } from '../core/race.ts';
import { recovering } from '../core/recovery.ts';
import { RetryBudget } from '../core/retry-budget.ts';
import { scoped } from '../core/scope.ts';
import { type HedgePolicy, HedgeRun } from '../hedge/hedge-run.ts';
import { untilAborted } from '../interop/index.ts';
import { timeout } from '../timeout/index.ts';
import type { ChatResponse } from './answer.ts';
import { Call, type Tally } from './call.ts';
import { type ChatChunk, isContent } from './chunk.ts';
import { type FallbackConditions, mayFallBack } from './errors.ts';
import { GuardedProvider } from './guarded-provider.ts';
import { type Hedging, hedgingOf, racesProviders } from './hedging.ts';
import type { AttemptTotals } from './ledger.ts';
import type { ChatCapabilities, ChatMessage, ChatProvider, ChatRequest } from './provider.ts';
import { ProviderChain } from './provider-chain.ts';
import { requestFrom } from './request.ts';
import {
  type CallOptions,
  CallOptionsSchema,
  type ResilientProviderConfig,
  ResilientProviderConfigSchema,
} from './resilient-config.ts';

export interface ResilientProviderStats extends Readonly<Tally> {
  /** What the attempts at every provider add up to, by its name. */
  readonly providers: Readonly<Record<string, AttemptTotals>>;
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
 * *ResilientProvider: 'restart': retries and the spare provider stay available after content*
 * ```text
 * new ResilientProvider({ provider: main, retry: once, fallbackProvider: spare,
 *     recovery: 'restart' })
 *   .stream(messages)
 *
 * attempt 1   --a--#                             ProviderError
 * attempt 2          --b-----#                   ProviderError
 * attempt 3                  --x-------y--(F!)
 * result      --a------(Rb)----(RSx)---y--(F|)
 * ```
 *
 * `R` is a `retract`, `S` a `switch`, `F` the `finish`.
 *
 * **One call.** Every provider has a pipeline of its own, see `resilience()`: `timeout.total` > retry > hedge > circuit
 * breaker > throttle > rate limit > bulkhead > the clocks of one attempt > provider. What a provider finally fails with is answered by the next
 * one, except `invalid` requests and the `content-filter` (see `fallbackOn`) and the caller's own abort, which no other
 * provider cures. A conversation that is too long is passed only to those who are not known to hold no more
 * (`capabilities.contextWindow`), and a provider that is silent until `timeout.first` or `timeout.headers`, or whose circuit
 * is open, is not retried while there is somebody else.
 *
 * **A race.** With `hedge` a second attempt joins one that has not said a word for so long, or for longer than is usual. The
 * first content decides: the connection of whoever loses is closed, which is neutral to all policies, and its line in the
 * ledger says to whom it was lost (`lostTo`). With `race: 'providers'` the next of the fallbacks joins, with its pipeline.
 *
 * **An answer that breaks** after its first content is treated as `recovery` says, by retries and fallbacks alike.
 * `continue` asks for the rest: the provider takes up its own stream where it can (`capabilities.resume`), else the model
 * goes on with its own words (`capabilities.prefill`), or is told where it stopped. What it repeats is left out, white space
 * aside, when at least eight letters or digits say that it is a repetition. Half a tool call, half a thought, structured
 * output, a text too short to compare, and a refused continuation are restarted instead, the latter at once.
 *
 * **Who guards what.** A policy that is given as a config is made once for each provider. A shared object guards `provider`
 * alone, but a `RetryBudget`, from which all may spend. A `ResilientProvider` among the fallbacks brings its own policies; around it is only a circuit breaker. The circuit
 * breaker is always there, the other policies when they are given.
 *
 * **Marks.** They come with the first content that needs them: `retract` when what was shown is void, `resume` when what
 * follows continues it, `switch` whenever another provider speaks than before, at first `provider`. An attempt that fails before its first content leaves no trace.
 *
 * **The end.** The last chunk of a whole answer is `finish`; a provider that completes without it has failed (`truncated`),
 * and so has one whose tool calls are not JSON (`malformed`).
 * A call that fails after its first content ends with a `StreamInterruptedError`, which carries what is still shown.
 * Unsubscribing, and an abort of `signal`, reach the provider at once and are neutral to all policies; after an abort the
 * stream errors with the signal's reason.
 *
 * Events: `stream_started`, `first_token`, `stream_retracted`, `stream_continued`, `provider_switched`, `attempt_ended`,
 * `stream_ended`, and those of the policies. `attempt_ended` is the ledger of a call, line by line; `chat()` returns it with
 * the answer, a `StreamInterruptedError` carries it, and `stats.providers` adds it up.
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
  readonly #conditions: FallbackConditions | undefined;
  /** For races of providers. */
  readonly #hedging: Hedging | undefined;
  readonly #tally: Tally = { attempts: 0, retracted: 0, continued: 0, switched: 0 };
  readonly #totals = new Map<string, AttemptTotals>();
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
    this.#conditions = options.fallbackOn;
    this.#hedging =
      options.hedge !== undefined && racesProviders(options.hedge)
        ? hedgingOf(options.hedge, sharedBudgetOf(options.retry), scheduler)
        : undefined;
    this.#scheduler = scheduler;
    this.#events = events;
  }

  /** The model that the first provider asks, unless a request names another. */
  get model(): string | undefined {
    return this.#primary.provider.model;
  }

  /** A conversation fits if one of the providers holds it; how much that is is known if it is of all of them. */
  get capabilities(): ChatCapabilities {
    const windows = this.#providers.map(({ provider }) => provider.capabilities?.contextWindow ?? Infinity);
    const largest = Math.max(...windows);
    return { contextWindow: largest === Infinity ? undefined : largest };
  }

  /** The breaker around the first provider. */
  get circuitBreaker(): CircuitBreaker {
    return this.#primary.circuitBreaker;
  }

  get stats(): ResilientProviderStats {
    const { completed, failed, cancelled } = this.#ended;
    const active = this.#calls - completed - failed - cancelled;
    const providers = Object.fromEntries(this.#totals);
    return { calls: this.#calls, active, completed, failed, cancelled, ...this.#tally, providers };
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
    const of = 'ResilientProvider.stream';
    parseConfig(of, CallOptionsSchema, options);
    const request = requestFrom(of, input);
    const chunks = defer(() => this.#run(this.#call(request, options), options, this.#recovery ?? 'fail'));
    return labelledStream(of, this.name, chunks);
  }

  /**
   * The whole answer. Nobody sees it grow, so by default a broken one begins anew without a trace.
   *
   * @param input the messages, or a whole request.
   * @returns a promise that rejects with what `stream()` would have ended with.
   */
  async chat(input: readonly ChatMessage[] | ChatRequest, options: CallOptions = {}): Promise<ChatResponse> {
    const of = 'ResilientProvider.chat';
    parseConfig(of, CallOptionsSchema, options);
    const call = this.#call(requestFrom(of, input), options);
    await lastValueFrom(labelledStream(of, this.name, this.#run(call, options, this.#recovery ?? 'restart')));
    return call.response();
  }

  #call(request: ChatRequest, options: CallOptions): Call {
    const { callId, onPhase, timeout, ...outer } = options;
    return new Call({
      name: this.name,
      request,
      callId,
      onPhase,
      outer,
      patience: patienceOf(options) ?? Infinity,
      limits: typeof timeout === 'object' ? timeout : {},
      primary: this.#primary.provider,
      clock: clockOf(this.#scheduler),
      events: this.#events,
      tally: this.#tally,
      totals: this.#totals,
    });
  }

  /** The caller's own ends are outermost: an abort must not look like a failure, nor his patience like a provider's. */
  #run(call: Call, options: CallOptions, recovery: Recovery): Observable<ChatChunk> {
    const { signal } = options;
    const patience = patienceOf(options);
    let chunks = this.#answer(call, recovery);
    if (patience !== undefined) chunks = chunks.pipe(timeout({ total: patience, ...this.#common }));
    chunks = chunks.pipe(catchError((error) => throwError(() => call.broken(error))));
    if (signal !== undefined) chunks = chunks.pipe(untilAborted(signal));
    let over = false;
    const end = (outcome: Outcome, error?: unknown): void => {
      if (over) return;
      over = true;
      this.#end(call, outcome, error);
    };
    const told = chunks.pipe(
      tap({
        subscribe: () => this.#begin(call),
        complete: () => end('completed'),
        error: (error) => end(signal?.aborted && error === signal.reason ? 'cancelled' : 'failed', error),
      }),
      // `tap` says nothing of a cancel when a provider throws instead of stopping.
      finalize(() => end('cancelled')),
    );
    return scoped(told, call.scope);
  }

  /** Where a mark can take back what was said, nothing commits: then every retry and every fallback stays open. */
  #answer(call: Call, recovery: Recovery): Observable<ChatChunk> {
    const commitOn = recovery === 'fail' ? isContent : () => false;
    const failed = (error: unknown): void => call.failed(error);
    const chain = new ProviderChain({
      name: this.name,
      events: this.#events,
      providers: this.#providers,
      conditions: this.#conditions,
      commitOn,
      failed,
      noted: (error) => call.note(error),
      answerOf: (guarded, givesWay) =>
        call
          .attempts(guarded, recovery === 'continue')
          .pipe(guarded.guard(call, { commitOn, failed, givesWay })),
      raced: (answer, next) => this.#raced(answer, next),
    });
    return recovering(chain.answer(), () => chain);
  }

  #raced(
    answer: Observable<ChatChunk>,
    next: () => Observable<ChatChunk> | undefined,
  ): Observable<ChatChunk> {
    if (this.#hedging === undefined) return answer;
    const { hedgeIf = () => true, ...hedging } = this.#hedging;
    const policy: HedgePolicy<ChatChunk> = {
      ...hedging,
      name: this.name,
      events: this.#events,
      clock: clockOf(this.#scheduler),
      commitOn: isContent,
      hedgeIf: (error) => mayFallBack(error, this.#conditions) && hedgeIf(error),
      ask: next,
    };
    return racing(answer, () => new HedgeRun(policy));
  }

  #begin(call: Call): void {
    this.#calls++;
    call.enter('queued');
    const { name: provider } = this.#primary.provider;
    const data = { provider, model: call.requestedModel };
    this.#events.publish('stream_started', this.name, data, call.scope);
  }

  #end(call: Call, outcome: Outcome, error?: unknown): void {
    this.#ended[outcome]++;
    call.enter('ended');
    const data = {
      provider: call.speaker,
      model: call.model,
      requestedModel: call.requestedModel,
      outcome,
      duration: call.elapsed,
      ...(outcome === 'failed' && { error }),
    };
    this.#events.publish('stream_ended', this.name, data, call.scope.latest);
  }

  get #common(): { name: string; events: EventBus; scheduler: SchedulerLike | undefined } {
    return { name: this.name, events: this.#events, scheduler: this.#scheduler };
  }

  get #primary(): GuardedProvider {
    return this.#providers[0] as GuardedProvider;
  }
}

/** A budget that is made of a config is each provider's own, and a race is nobody's. */
function sharedBudgetOf(retry: ResilientProviderConfig['retry']): RetryBudget | undefined {
  const { budget } = typeof retry === 'object' ? retry : {};
  return budget instanceof RetryBudget ? budget : undefined;
}

const patienceOf = ({ timeout }: CallOptions): number | undefined =>
  typeof timeout === 'object' ? timeout.total : timeout;
