import type { MonoTypeOperatorFunction, Observable } from 'rxjs';
import { AdaptiveThrottle } from '../adaptive-throttle/index.ts';
import { Bulkhead } from '../bulkhead/index.ts';
import { CircuitBreaker } from '../circuit-breaker/index.ts';
import { clockOf } from '../core/clock.ts';
import { getEventBus } from '../core/event-bus.ts';
import { inherit } from '../core/inherit.ts';
import { labelled } from '../core/label.ts';
import { Places } from '../core/places.ts';
import { type RetryBudget, retryBudgetOf } from '../core/retry-budget.ts';
import { mayPassAtOnce } from '../hedge/acceptance.ts';
import { resilience } from '../pipeline/index.ts';
import { RateLimiter, type RateLimitOptions } from '../rate-limit/index.ts';
import { acceptanceOf } from '../retry/acceptance.ts';
import type { RetryConfig } from '../retry/index.ts';
import type { ChatChunk } from './chunk.ts';
import { isContent } from './chunk.ts';
import { type ChatTimeout, underClocks } from './clocks.ts';
import { type Hedging, hedgingOf, racesProviders } from './hedging.ts';
import { tokensIn } from './ledger.ts';
import type { ChatContext, ChatProvider, ChatRequest } from './provider.ts';
import type { Policies } from './resilient-config.ts';
import { TokenEstimator } from './token-estimator.ts';

/** A call, as far as those who admit its attempts need to know it. */
interface Guarded {
  readonly request: ChatRequest;
  readonly priority: number | undefined;
  /** Milliseconds that are left to it. */
  readonly patience: number;
}

export interface GuardDetails {
  /** Which chunks cannot be taken back. */
  readonly commitOn: (chunk: ChatChunk) => boolean;
  /** Hears of every error after which another attempt follows. */
  readonly failed: (error: unknown) => void;
  /** Whether an error is left to another provider at once. */
  readonly givesWay: (error: unknown) => boolean;
}

/** A provider behind policies of its own: what fails here is no reason to refuse another one. */
export class GuardedProvider {
  readonly provider: ChatProvider;
  readonly circuitBreaker: CircuitBreaker;
  readonly #policies: Policies;
  readonly #throttle: AdaptiveThrottle | undefined;
  readonly #rateLimit: RateLimiter | undefined;
  readonly #bulkhead: Places | undefined;
  readonly #budget: RetryBudget | undefined;
  readonly #hedging: Hedging | undefined;
  readonly #estimator = new TokenEstimator();

  constructor(provider: ChatProvider, policies: Policies) {
    const { circuitBreaker = {}, throttle, rateLimit, bulkhead, retry, hedge, events, scheduler } = policies;
    const common = { name: provider.name, events, scheduler };
    this.provider = provider;
    this.#policies = policies;
    this.circuitBreaker =
      circuitBreaker instanceof CircuitBreaker
        ? circuitBreaker
        : new CircuitBreaker(inherit(circuitBreaker, common));
    this.#throttle =
      throttle === undefined || throttle instanceof AdaptiveThrottle
        ? throttle
        : new AdaptiveThrottle(inherit(throttle, common));
    this.#rateLimit =
      rateLimit === undefined || rateLimit instanceof RateLimiter
        ? rateLimit
        : new RateLimiter(inherit(rateLimit, common));
    this.#bulkhead =
      bulkhead === undefined || bulkhead instanceof Places
        ? bulkhead
        : new Bulkhead(inherit(bulkhead, common));
    const { budget } = typeof retry === 'object' ? retry : {};
    this.#budget = budget && retryBudgetOf(budget, scheduler);
    this.#hedging =
      hedge === undefined || racesProviders(hedge) ? undefined : hedgingOf(hedge, this.#budget, scheduler);
  }

  /** The same policies made anew for another provider, and called after it; shared objects guard the first one alone. */
  static alternative(provider: ChatProvider, policies: Policies): GuardedProvider {
    const { circuitBreaker, throttle, rateLimit, bulkhead } = policies;
    const { name } = provider;
    return new GuardedProvider(provider, {
      ...policies,
      circuitBreaker: circuitBreaker instanceof CircuitBreaker ? undefined : { ...circuitBreaker, name },
      throttle:
        throttle === undefined || throttle instanceof AdaptiveThrottle ? undefined : { ...throttle, name },
      rateLimit:
        rateLimit === undefined || rateLimit instanceof RateLimiter ? undefined : { ...rateLimit, name },
      bulkhead: bulkhead === undefined || bulkhead instanceof Places ? undefined : { ...bulkhead, name },
    });
  }

  /** Whether an attempt would be let through. */
  get healthy(): boolean {
    const { state, retryAfter = 0 } = this.circuitBreaker.stats;
    // An open circuit that need not wait stays open until somebody calls.
    const refuses = state === 'forced-open' || retryAfter > 0;
    return !refuses && (this.provider.isHealthy?.() ?? true);
  }

  /** One attempt under its clocks. @param overrides limits of this call, which replace the provider's own. */
  stream(request: ChatRequest, context: ChatContext, overrides: ChatTimeout): Observable<ChatChunk> {
    const { events = getEventBus(), scheduler } = this.#policies;
    const { name } = this.provider;
    const named = labelled('ChatProvider.stream', name, (chunks: Observable<ChatChunk>) => chunks);
    return underClocks((heard) => named(this.provider.stream(request, this.#listening(heard))), context, {
      name,
      clock: clockOf(scheduler),
      events,
      limits: inherit(overrides, this.#limits),
    });
  }

  /** The policies around the attempts of one call. */
  guard(call: Guarded, { commitOn, failed, givesWay }: GuardDetails): MonoTypeOperatorFunction<ChatChunk> {
    const { retry, events, scheduler } = this.#policies;
    const retries: RetryConfig<ChatChunk> = typeof retry === 'number' ? { maxRetries: retry } : { ...retry };
    const accepts = acceptanceOf(retries);
    const hedging = this.#hedging;
    return resilience<ChatChunk>({
      name: this.provider.name,
      events,
      scheduler,
      timeout: this.#limits.total,
      retry:
        retry === undefined
          ? undefined
          : {
              ...retries,
              budget: this.#budget,
              commitOn,
              retryOn: undefined,
              retryIf: (error, attempt) => !givesWay(error) && accepts(error, attempt),
              onRetry(attempt, error, delay) {
                failed(error);
                retries.onRetry?.(attempt, error, delay);
              },
            },
      hedge: hedging && {
        ...hedging,
        commitOn: isContent,
        hedgeIf: (error) => !givesWay(error) && (hedging.hedgeIf ?? mayPassAtOnce)(error),
      },
      circuitBreaker: this.circuitBreaker,
      throttle: this.#throttle,
      rateLimit: this.#rateLimit,
      bulkhead: this.#bulkhead,
      priority: call.priority,
      patience: () => call.patience,
      ...(this.#rateLimit?.countsTokens && this.#tokens(call.request)),
    });
  }

  #tokens(request: ChatRequest): Pick<RateLimitOptions<ChatChunk>, 'tokens' | 'tokensOf' | 'usageOf'> {
    const { estimateTokens = (of) => this.#estimator.estimate(of) } = this.#policies;
    return {
      tokens: () => estimateTokens(request),
      tokensOf: (chunk) => tokensIn(chunk),
      usageOf: (chunk) => {
        if (chunk.type !== 'usage') return undefined;
        this.#estimator.learn(chunk.usage);
        return chunk.usage;
      },
    };
  }

  /** What the provider says about its limits is the limiter's to hear. */
  #listening(context: ChatContext): ChatContext {
    if (this.#rateLimit === undefined) return context;
    const heard = this.#rateLimit.listen();
    return {
      ...context,
      limitsReported(reports) {
        heard(reports);
        context.limitsReported?.(reports);
      },
    };
  }

  get #limits(): ChatTimeout {
    const { timeout = {} } = this.#policies;
    return typeof timeout === 'number' ? { total: timeout } : timeout;
  }
}
