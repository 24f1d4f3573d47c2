import type { MonoTypeOperatorFunction } from 'rxjs';
import { Bulkhead } from '../bulkhead/index.ts';
import { CircuitBreaker } from '../circuit-breaker/index.ts';
import { resilience } from '../pipeline/index.ts';
import { RateLimiter } from '../rate-limit/index.ts';
import type { RetryConfig } from '../retry/index.ts';
import type { ChatChunk } from './chunk.ts';
import { isContent } from './chunk.ts';
import type { ChatProvider } from './provider.ts';
import type { Policies } from './resilient-config.ts';

/** A provider behind policies of its own: what fails here is no reason to refuse another one. */
export class GuardedProvider {
  readonly provider: ChatProvider;
  readonly circuitBreaker: CircuitBreaker;
  readonly #policies: Policies;
  readonly #rateLimit: RateLimiter | undefined;
  readonly #bulkhead: Bulkhead | undefined;

  constructor(provider: ChatProvider, policies: Policies) {
    const { circuitBreaker = {}, rateLimit, bulkhead, events, scheduler } = policies;
    const common = { name: provider.name, events, scheduler };
    this.provider = provider;
    this.#policies = policies;
    this.circuitBreaker =
      circuitBreaker instanceof CircuitBreaker
        ? circuitBreaker
        : new CircuitBreaker({ ...common, ...circuitBreaker });
    this.#rateLimit =
      rateLimit === undefined || rateLimit instanceof RateLimiter
        ? rateLimit
        : new RateLimiter({ ...common, ...rateLimit });
    this.#bulkhead =
      bulkhead === undefined || bulkhead instanceof Bulkhead
        ? bulkhead
        : new Bulkhead({ ...common, ...bulkhead });
  }

  /** The same policies made anew for another provider, and called after it; shared objects guard the first one alone. */
  static alternative(provider: ChatProvider, policies: Policies): GuardedProvider {
    const { circuitBreaker, rateLimit, bulkhead } = policies;
    const { name } = provider;
    return new GuardedProvider(provider, {
      ...policies,
      circuitBreaker: circuitBreaker instanceof CircuitBreaker ? undefined : { ...circuitBreaker, name },
      rateLimit:
        rateLimit === undefined || rateLimit instanceof RateLimiter ? undefined : { ...rateLimit, name },
      bulkhead: bulkhead === undefined || bulkhead instanceof Bulkhead ? undefined : { ...bulkhead, name },
    });
  }

  /** Whether an attempt would be let through. */
  get healthy(): boolean {
    const { state } = this.circuitBreaker;
    const open = state === 'open' || state === 'forced-open';
    return !open && (this.provider.isHealthy?.() ?? true);
  }

  /**
   * The policies around the attempts of one call.
   *
   * @param commitOn which chunks cannot be taken back.
   * @param failed hears of every error after which another attempt follows.
   */
  guard(
    commitOn: (chunk: ChatChunk) => boolean,
    failed: (error: unknown) => void,
  ): MonoTypeOperatorFunction<ChatChunk> {
    const { retry, timeout, events, scheduler } = this.#policies;
    const retries: RetryConfig<ChatChunk> = typeof retry === 'number' ? { maxRetries: retry } : { ...retry };
    return resilience<ChatChunk>({
      name: this.provider.name,
      events,
      scheduler,
      timeout:
        timeout === undefined || typeof timeout === 'number' ? timeout : { commitOn: isContent, ...timeout },
      retry:
        retry === undefined
          ? undefined
          : {
              ...retries,
              commitOn,
              onRetry(attempt, error, delay) {
                failed(error);
                retries.onRetry?.(attempt, error, delay);
              },
            },
      circuitBreaker: this.circuitBreaker,
      rateLimit: this.#rateLimit,
      bulkhead: this.#bulkhead,
    });
  }
}
