/**
 * The errors of the house. Every class has a stable `name`, and a brand on its prototype that survives two copies of
 * this package in one program: guards ask for the brand, never for the class. One class a file, so that a program loads
 * those which it may throw.
 */

export * from './errors/brand.ts';
export * from './errors/bulkhead-rejected-error.ts';
export * from './errors/chaos-error.ts';
export * from './errors/circuit-open-error.ts';
export * from './errors/configuration-error.ts';
export * from './errors/fallback-exhausted-error.ts';
export * from './errors/guards.ts';
export * from './errors/hedge-exhausted-error.ts';
export * from './errors/message-of.ts';
export * from './errors/rate-limit-exceeded-error.ts';
export * from './errors/resilience-error.ts';
export * from './errors/retry-exhausted-error.ts';
export * from './errors/stream-timeout-error.ts';
export * from './errors/throttled-error.ts';
export * from './errors/verdicts.ts';
