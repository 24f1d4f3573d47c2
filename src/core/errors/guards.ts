/**
 * Questions about an error's class. Apart from the classes, and each of them marked as pure: a bundle holds no class that
 * nobody throws, and no question that nobody asks.
 */

import { guardFor } from './brand.ts';
import type { BulkheadRejectedError } from './bulkhead-rejected-error.ts';
import type { ChaosError } from './chaos-error.ts';
import type { CircuitOpenError } from './circuit-open-error.ts';
import type { ConfigurationError } from './configuration-error.ts';
import type { FallbackExhaustedError } from './fallback-exhausted-error.ts';
import type { HedgeExhaustedError } from './hedge-exhausted-error.ts';
import type { RateLimitExceededError } from './rate-limit-exceeded-error.ts';
import type { ResilienceError } from './resilience-error.ts';
import type { RetryExhaustedError } from './retry-exhausted-error.ts';
import type { StreamTimeoutError } from './stream-timeout-error.ts';
import type { ThrottledError } from './throttled-error.ts';

/** Whether it is a {@link ResilienceError}, from whatever copy of this package. */
export const isResilienceError = /* @__PURE__ */ guardFor<ResilienceError>('ResilienceError');

/** Whether it is a {@link ConfigurationError}, from whatever copy of this package. */
export const isConfigurationError = /* @__PURE__ */ guardFor<ConfigurationError>('ConfigurationError');

/** Whether it is a {@link CircuitOpenError}, from whatever copy of this package. */
export const isCircuitOpenError = /* @__PURE__ */ guardFor<CircuitOpenError>('CircuitOpenError');

/** Whether it is a {@link BulkheadRejectedError}, from whatever copy of this package. */
export const isBulkheadRejectedError =
  /* @__PURE__ */ guardFor<BulkheadRejectedError>('BulkheadRejectedError');

/** Whether it is a {@link RateLimitExceededError}, from whatever copy of this package. */
export const isRateLimitExceededError =
  /* @__PURE__ */ guardFor<RateLimitExceededError>('RateLimitExceededError');

/** Whether it is a {@link ThrottledError}, from whatever copy of this package. */
export const isThrottledError = /* @__PURE__ */ guardFor<ThrottledError>('ThrottledError');

/** Whether it is a {@link ChaosError}, from whatever copy of this package. */
export const isChaosError = /* @__PURE__ */ guardFor<ChaosError>('ChaosError');

/** Whether it is a {@link StreamTimeoutError}, from whatever copy of this package. */
export const isStreamTimeoutError = /* @__PURE__ */ guardFor<StreamTimeoutError>('StreamTimeoutError');

/** Whether it is a {@link RetryExhaustedError}, from whatever copy of this package. */
export const isRetryExhaustedError = /* @__PURE__ */ guardFor<RetryExhaustedError>('RetryExhaustedError');

/** Whether it is a {@link FallbackExhaustedError}, from whatever copy of this package. */
export const isFallbackExhaustedError =
  /* @__PURE__ */ guardFor<FallbackExhaustedError>('FallbackExhaustedError');

/** Whether it is a {@link HedgeExhaustedError}, from whatever copy of this package. */
export const isHedgeExhaustedError = /* @__PURE__ */ guardFor<HedgeExhaustedError>('HedgeExhaustedError');
