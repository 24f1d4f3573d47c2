// Plain Node, no loader: `node load.cjs import` or `node load.cjs require`, and the optional peers that are not installed.
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
  './opentelemetry': ['instrument'],
  './testing': [
    ...['runMarbles', 'renderMarbles', 'flaky', 'scriptedProvider', 'faultSchedule', 'seededRandom'],
    ...['recordEvents', 'expectEvents', 'expectNoLeaks', 'MarbleError'],
  ],
};

/** Entry points that need an optional peer. All others do without. */
const NEEDS = { './opentelemetry': '@opentelemetry/api' };

async function main() {
  const { name, exports } = require('rxjs-resilience/package.json');
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'));
  assert.deepEqual(Object.keys(FACE).sort(), entries.sort(), 'FACE names every entry point of the package');

  const [how, ...absent] = process.argv.slice(2);
  const load = async (specifier) => (how === 'require' ? require(specifier) : import(specifier));
  for (const entry of entries) {
    const specifier = name + entry.slice(1);
    const peer = NEEDS[entry];
    if (absent.includes(peer)) {
      await assert.rejects(load(specifier), {
        message: new RegExp(`Cannot find (package|module) '${peer}'`),
      });
      continue;
    }
    const module = await load(specifier);
    const missing = FACE[entry].filter((key) => typeof module[key] !== 'function');
    assert.deepEqual(missing, [], `exports of ${specifier}, by ${how}`);
  }
}

main();
