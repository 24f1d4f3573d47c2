/** What each pattern needs: its operator, and the object that its streams share. */
export const PATTERNS = {
  circuitBreaker: ['circuitBreaker', 'CircuitBreaker'],
  retryWithBackoff: ['retryWithBackoff'],
  bulkhead: ['bulkhead', 'Bulkhead'],
  rateLimit: ['rateLimit', 'RateLimiter'],
  timeout: ['timeout'],
  fallback: ['fallback'],
  hedge: ['hedge'],
  adaptiveConcurrency: ['adaptiveConcurrency', 'AdaptiveConcurrency'],
  adaptiveThrottle: ['adaptiveThrottle', 'AdaptiveThrottle'],
  chaos: ['chaos'],
} as const;
export type Pattern = keyof typeof PATTERNS;

const SIX = ['circuitBreaker', 'retryWithBackoff', 'bulkhead', 'rateLimit', 'timeout', 'fallback'] as const;

const PACKAGE = 'rxjs-resilience';
const imported = (names: readonly string[], from = PACKAGE): string =>
  `export { ${names.join(', ')} } from '${from}';`;

/** What a program may import, by the name under which its weight is told. */
export const BUNDLES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(PATTERNS).map(([pattern, names]) => [`${pattern}()`, imported(names)]),
  ),
  'the six': imported(SIX.flatMap((pattern) => PATTERNS[pattern])),
  'resilience()': imported(['resilience']),
  'a chat': `${imported(['ResilientProvider'])}\n${imported(['openAICompatible'], `${PACKAGE}/openai-compatible`)}`,
  everything: `export * from '${PACKAGE}';`,
};
