export * from './adaptive-concurrency/index.ts';
export * from './adaptive-throttle/index.ts';
export * from './bulkhead/index.ts';
export * from './chaos/index.ts';
export * from './chat/index.ts';
export * from './circuit-breaker/index.ts';
export type { DemandOptions } from './core/demand.ts';
export {
  BulkheadRejectedError,
  ChaosError,
  CircuitOpenError,
  ConfigurationError,
  FallbackExhaustedError,
  HedgeExhaustedError,
  isBulkheadRejectedError,
  isChaosError,
  isCircuitOpenError,
  isConfigurationError,
  isFallbackExhaustedError,
  isHedgeExhaustedError,
  isLocalRejection,
  isRateLimitExceededError,
  isResilienceError,
  isRetryExhaustedError,
  isStreamTimeoutError,
  isThrottledError,
  RateLimitExceededError,
  ResilienceError,
  RetryExhaustedError,
  type RetryRefusal,
  StreamTimeoutError,
  type StreamTimeoutKind,
  ThrottledError,
  type TimeoutKind,
} from './core/errors.ts';
export { EventBus, type EventBusConfig, EventBusConfigSchema, getEventBus } from './core/event-bus.ts';
export type { EventCategory } from './core/event-categories.ts';
export type { ErrorSummary } from './core/event-parts.ts';
export {
  type EventData,
  EventSchemas,
  type EventType,
  type ResilienceEvent,
  type ResilienceEventOf,
  ResilienceEventSchema,
} from './core/events.ts';
export { type AcquireOptions, Lease } from './core/lease.ts';
export type { AddingOperator, TransparentOperator } from './core/operator-types.ts';
export { RetryBudget, type RetryBudgetConfig, RetryBudgetConfigSchema } from './core/retry-budget.ts';
export type { Rejection } from './core/waiting-room.ts';
export * from './fallback/index.ts';
export * from './health/index.ts';
export * from './hedge/index.ts';
export * from './interop/index.ts';
export * from './pipeline/index.ts';
export * from './rate-limit/index.ts';
export * from './retry/index.ts';
export * from './sinks/index.ts';
export * from './timeout/index.ts';
