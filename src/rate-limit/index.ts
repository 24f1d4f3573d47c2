export { rateLimit } from './operator.ts';
export { RateLimitLease } from './rate-limit-lease.ts';
export { type RateLimitOptions, RateLimitOptionsSchema } from './rate-limit-options.ts';
export { type RateLimitAcquireOptions, RateLimiter, type RateLimiterState } from './rate-limiter.ts';
export {
  type RateLimiterConfig,
  RateLimiterConfigSchema,
  type RateLimits,
} from './rate-limiter-config.ts';
export { type RateLimitReport, rateLimitReports } from './report.ts';
export type { RateLimitDimension, TokenUsage } from './tokens.ts';
