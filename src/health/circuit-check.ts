import type { CircuitBreaker, CircuitState } from '../circuit-breaker/index.ts';
import type { HealthStatus } from '../core/event-parts.ts';
import type { HealthCheck } from './check.ts';

const STATUS: Readonly<Record<CircuitState, HealthStatus>> = {
  closed: 'healthy',
  disabled: 'healthy',
  'metrics-only': 'healthy',
  'half-open': 'degraded',
  open: 'unhealthy',
  'forced-open': 'unhealthy',
};

/**
 * The health of what a circuit breaker guards, as the breaker knows it: nothing is called. Unhealthy while calls are refused,
 * degraded while probes find out.
 *
 * @example
 * ```ts
 * checker.register('payments', circuitCheck(payments), { critical: false });
 * ```
 */
export function circuitCheck(breaker: CircuitBreaker): HealthCheck {
  return () => {
    const { state, failureRate, retryAfter, lastFailure } = breaker.stats;
    // An open circuit that need not wait stays open until somebody calls: that call is the probe.
    const status = retryAfter === 0 ? 'degraded' : STATUS[state];
    return {
      status,
      error: status === 'healthy' ? undefined : lastFailure?.error,
      details: { state, failureRate, retryAfter },
    };
  };
}
