export { rateLimit } from './operator.ts';
export { RateLimiter, type RateLimiterConfig, RateLimiterConfigSchema } from './rate-limiter.ts';
