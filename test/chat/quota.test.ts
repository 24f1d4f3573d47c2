/** Two hundred callers, a provider with hard limits of requests and tokens, and a `ResilientProvider` that knows them. */
import { describe, expect, test } from 'vitest';
import { lognormal } from '../../simulations/distribution.ts';
import { closedLoop } from '../../simulations/load.ts';
import { SimulatedModel } from '../../simulations/model.ts';
import { VirtualTime } from '../../simulations/virtual-time.ts';
import { ResilientProvider } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { RateLimiterConfig } from '../../src/rate-limit/index.ts';
import { seededRandom } from '../../src/testing/random.ts';

const MINUTES = 4;
const MINUTE = 60_000;

interface Quota {
  readonly requests: number;
  readonly tokens: number;
}

/** @returns the minutes of the provider's own clock, in percent of what it allows, and its refusals in each. */
function play(quota: Quota, rateLimit: RateLimiterConfig): { used: number; refused: number }[] {
  const time = new VirtualTime();
  const random = seededRandom(7);
  const model = new SimulatedModel({
    time,
    firstToken: lognormal(400, 0.3, random),
    writing: lognormal(3_000, 0.3, random),
    tokens: lognormal(200, 0.5, random),
    quota,
  });
  const provider = new ResilientProvider({
    provider: model,
    rateLimit: { maxQueue: 200, queueTimeout: Infinity, random, ...rateLimit },
    retry: { maxRetries: 5, maxDelay: MINUTE },
    circuitBreaker: { failureThreshold: 1_000 },
    scheduler: time,
    events: new EventBus(),
  });
  const question = { role: 'user', content: 'Write about a fox.'.repeat(20) } as const;
  closedLoop(time, 200, () => provider.stream([question]));
  time.run(MINUTES * MINUTE);
  return model.minutes.map(({ requests, tokens }, minute) => ({
    used: 100 * Math.max(requests / quota.requests, tokens / quota.tokens),
    refused: model.count((outcome) => outcome === 'rate-limit', minute * MINUTE, (minute + 1) * MINUTE),
  }));
}

describe.each([
  ['tokens are short', { requests: 500, tokens: 60_000 }],
  ['requests are short', { requests: 150, tokens: 100_000 }],
])('%s', (_, quota) => {
  test('no refusal after the first minute, and more than 95 % of the quota used', () => {
    const minutes = play(quota, {
      requestsPerMinute: 0.98 * quota.requests,
      tokensPerMinute: 0.98 * quota.tokens,
    });
    expect(minutes).toHaveLength(MINUTES);
    const later = minutes.slice(1);
    // The minutes together: what is refused in the first one pauses the limiter, and that reaches into the second.
    expect(later.reduce((sum, { used }) => sum + used, 0) / later.length).toBeGreaterThan(95);
    expect(later.map(({ refused }) => refused)).toStrictEqual(later.map(() => 0));
  });

  test('with no room left at all, a refusal stops the herd', () => {
    const minutes = play(quota, { requestsPerMinute: quota.requests, tokensPerMinute: quota.tokens });
    for (const { used, refused } of minutes) {
      expect(used).toBeGreaterThan(92);
      expect(refused).toBeLessThan(3);
    }
  });
});
