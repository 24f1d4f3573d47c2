import { adaptiveConcurrency, adaptiveThrottle } from './adaptive.ts';
import { chaos } from './chaos.ts';
import { chat } from './chat.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { composition, events } from './composition.ts';
import { everyOperator } from './every-operator.ts';
import { health } from './health.ts';
import { hedge } from './hedge.ts';
import { bulkhead, rateLimit } from './limits.ts';
import { retry } from './retry.ts';
import type { Section } from './rule.ts';
import { fallback, timeout } from './timeout-and-fallback.ts';

/** What the library promises, rule by rule, and what proves it. */
export const contract: readonly Section[] = [
  everyOperator,
  circuitBreaker,
  retry,
  bulkhead,
  adaptiveConcurrency,
  rateLimit,
  adaptiveThrottle,
  timeout,
  fallback,
  hedge,
  composition,
  chaos,
  events,
  chat,
  health,
];
