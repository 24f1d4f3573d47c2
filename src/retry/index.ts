export {
  type Backoff,
  type BackoffLike,
  type BackoffName,
  type DecorrelatedJitterBackoffConfig,
  DecorrelatedJitterBackoffConfigSchema,
  decorrelatedJitterBackoff,
  type ExponentialBackoffConfig,
  ExponentialBackoffConfigSchema,
  exponentialBackoff,
  fixedBackoff,
  fullJitterBackoff,
  type JitteredBackoffConfig,
  JitteredBackoffConfigSchema,
  jitteredBackoff,
  type LinearBackoffConfig,
  LinearBackoffConfigSchema,
  linearBackoff,
} from './backoff.ts';
export { retryWithBackoff } from './operator.ts';
export { type Interruption, type Resume, replayFromStart, restartBehind, skipDelivered } from './resume.ts';
export { type RetryConfig, RetryConfigSchema } from './retry-config.ts';
