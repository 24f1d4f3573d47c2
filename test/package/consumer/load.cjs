// Plain Node, no loader: `node load.cjs import` or `node load.cjs require`.
const assert = require('node:assert/strict');

/** Functions and classes that each entry point promises. */
const FACE = {
  '.': [
    ...['circuitBreaker', 'retryWithBackoff', 'bulkhead', 'rateLimit', 'timeout', 'fallback'],
    ...['resilience', 'protect', 'resilient'],
    ...['CircuitBreaker', 'getCircuitRegistry', 'Bulkhead', 'RateLimiter'],
    ...['exponentialBackoff', 'linearBackoff', 'fixedBackoff'],
    ...['jitteredBackoff', 'fullJitterBackoff', 'decorrelatedJitterBackoff'],
    ...['EventBus', 'getEventBus', 'ResilientProvider'],
    ...['HealthChecker', 'circuitCheck', 'healthFetchHandler', 'healthNodeHandler'],
    ...['ResilienceError', 'CircuitOpenError', 'BulkheadRejectedError', 'RateLimitExceededError'],
    ...['StreamTimeoutError', 'RetryExhaustedError', 'FallbackExhaustedError', 'StreamInterruptedError'],
    ...['ProviderError', 'isCircuitOpenError'],
  ],
  './ai-sdk': ['aiSdk'],
  './anthropic': ['anthropic'],
  './insights': ['installInsights', 'insightsOf', 'renderInsights'],
  './ollama': ['ollama'],
  './openai': ['openai'],
  './openai-compatible': ['openAICompatible'],
  './testing': [
    ...['runMarbles', 'renderMarbles', 'flaky', 'scriptedProvider', 'faultSchedule', 'seededRandom'],
    ...['recordEvents', 'expectEvents', 'expectNoLeaks', 'MarbleError'],
  ],
};

async function main() {
  const { name, exports } = require('rxjs-resilience/package.json');
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'));
  assert.deepEqual(Object.keys(FACE).sort(), entries.sort(), 'FACE names every entry point of the package');

  for (const entry of entries) {
    const specifier = name + entry.slice(1);
    const module = process.argv[2] === 'require' ? require(specifier) : await import(specifier);
    const missing = FACE[entry].filter((key) => typeof module[key] !== 'function');
    assert.deepEqual(missing, [], `exports of ${specifier}, by ${process.argv[2]}`);
  }
}

main();
