export { CircuitBreaker } from './circuit-breaker.ts';
export type { CircuitState, CircuitTransition, TransitionReason } from './circuit-state.ts';
export type { CircuitStats, LastFailure } from './circuit-stats.ts';
export { type CircuitBreakerConfig, CircuitBreakerConfigSchema, type Classification } from './config.ts';
export { circuitBreaker } from './operator.ts';
export {
  CircuitRegistry,
  type CircuitRegistryChange,
  type CircuitRegistryConfig,
  CircuitRegistryConfigSchema,
  getCircuitRegistry,
} from './registry.ts';
export { type CircuitSnapshot, CircuitSnapshotSchema } from './snapshot.ts';
