import type { Pattern } from '../../bench/size/bundles.ts';

/** Where a pattern lives, which errors it may throw, and what of `core` is for few. */
const HOMES: Readonly<Record<Pattern, { readonly room: string; readonly own: readonly string[] }>> = {
  circuitBreaker: { room: 'circuit-breaker', own: ['errors/circuit-open-error', 'event-parts'] },
  retryWithBackoff: { room: 'retry', own: ['errors/retry-exhausted-error', 'errors/stream-timeout-error'] },
  bulkhead: { room: 'bulkhead', own: ['errors/bulkhead-rejected-error'] },
  rateLimit: { room: 'rate-limit', own: ['errors/rate-limit-exceeded-error'] },
  timeout: { room: 'timeout', own: ['errors/stream-timeout-error'] },
  fallback: { room: 'fallback', own: ['errors/fallback-exhausted-error'] },
  hedge: { room: 'hedge', own: ['errors/hedge-exhausted-error', 'race'] },
  adaptiveConcurrency: { room: 'adaptive-concurrency', own: ['errors/bulkhead-rejected-error'] },
  adaptiveThrottle: { room: 'adaptive-throttle', own: ['errors/throttled-error'] },
  chaos: { room: 'chaos', own: ['errors/chaos-error'] },
};

/** Modules of `core` that a pattern loads only if it is named above; of the errors, those that everybody may throw. */
const FOR_FEW = /^core\/(events|event-parts|race|errors\/.*)\.js$/;
const FOR_ALL = /^core\/errors\/(brand|guards|message-of|verdicts|resilience-error|configuration-error)\.js$/;

/** What to say of a bundle of one pattern that holds something of the others. */
export function strangers(bundler: string, pattern: Pattern, modules: readonly string[]): string | undefined {
  const { room, own } = HOMES[pattern];
  const known = [`${room}/`, 'interop/', 'zod', 'the entry', ...own.map((module) => `core/${module}.js`)];
  const belongs = (module: string): boolean =>
    known.some((it) => (it.endsWith('/') ? module.startsWith(it) : module === it)) ||
    (module.startsWith('core/') && !(FOR_FEW.test(module) && !FOR_ALL.test(module)));
  if (!modules.some((module) => module.startsWith(`${room}/`)))
    return `${bundler} left nothing of ${room} in a bundle of ${pattern}().`;
  const found = modules.filter((module) => !belongs(module));
  return found.length === 0
    ? undefined
    : `${bundler} has bundled ${pattern}() with what it does not need: ${found.join(', ')}`;
}
