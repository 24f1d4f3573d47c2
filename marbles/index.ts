import { adaptiveConcurrencyChapter } from './adaptive-concurrency/diagrams.ts';
import { adaptiveThrottleChapter } from './adaptive-throttle/diagrams.ts';
import { bulkheadChapter } from './bulkhead/diagrams.ts';
import { chaosChapter } from './chaos/diagrams.ts';
import { chatChapter } from './chat/diagrams.ts';
import { written } from './chat/written.ts';
import { circuitBreakerChapter } from './circuit-breaker/diagrams.ts';
import type { Chapter } from './diagram.ts';
import { fallbackChapter } from './fallback/diagrams.ts';
import { healthChapter } from './health/diagrams.ts';
import { hedgeChapter } from './hedge/diagrams.ts';
import { rateLimitChapter } from './rate-limit/diagrams.ts';
import { resilienceChapter } from './resilience/diagrams.ts';
import { retryWithBackoffChapter } from './retry-with-backoff/diagrams.ts';
import { timeoutChapter } from './timeout/diagrams.ts';

/** The book: one chapter an operator. */
export const chapters: readonly Chapter[] = [
  circuitBreakerChapter,
  bulkheadChapter,
  adaptiveConcurrencyChapter,
  rateLimitChapter,
  adaptiveThrottleChapter,
  timeoutChapter,
  retryWithBackoffChapter,
  fallbackChapter,
  hedgeChapter,
  resilienceChapter,
  chaosChapter,
  { ...chatChapter, written },
  healthChapter,
];
