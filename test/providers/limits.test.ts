/** What a service says about its limits reaches the limiter of its provider, through every adapter, over real HTTP. */
import { expect, test } from 'vitest';
import { ResilientProvider } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { RateLimiter, type RateLimitReport } from '../../src/rate-limit/index.ts';
import { ADAPTERS } from '../matrix/adapters.ts';
import { combine, type Fault, ok, rateLimited } from '../support/fault-server.ts';
import { ask, wallThat } from './surroundings.ts';

const saying = (headers: Record<string, string>): Fault => ({ name: 'limits', headers });
const left = saying({ 'x-ratelimit-limit-tokens': '9000', 'x-ratelimit-remaining-tokens': '400' });
const none = rateLimited({
  retryAfter: 30,
  headers: { 'anthropic-ratelimit-requests-remaining': '0' },
});

test.each(ADAPTERS)('$adapter: whether it answers or refuses', async ({ at }) => {
  const wall = await wallThat([combine(ok(), left), none]);
  const heard: RateLimitReport[][] = [];
  const context = { limitsReported: (reports: readonly RateLimitReport[]) => heard.push([...reports]) };
  const provider = at(wall.url, 'wall');
  await ask(provider, undefined, context);
  await ask(provider, undefined, context);
  expect(heard).toMatchObject([
    [{ dimension: 'tokens', limit: 9_000, remaining: 400 }],
    [{ dimension: 'requests', remaining: 0 }],
  ]);
});

test.each(ADAPTERS)('$adapter: the limiter of a ResilientProvider heeds it', async ({ at }) => {
  const wall = await wallThat([combine(ok(), left), none]);
  const events = new EventBus();
  const limiter = new RateLimiter({ tokensPerMinute: 6_000, queueTimeout: 1_000, events });
  const seen: string[] = [];
  for (const type of ['limiter_lowered', 'limiter_paused'] as const)
    events.on(type).subscribe(() => seen.push(type));
  const provider = new ResilientProvider({ provider: at(wall.url, 'wall'), rateLimit: limiter, events });
  const messages = [{ role: 'user', content: 'Hello' }] as const;
  await provider.chat(messages);
  await expect(provider.chat(messages)).rejects.toMatchObject({ kind: 'rate-limit', retryAfter: 30_000 });
  await expect(provider.chat(messages)).rejects.toMatchObject({ name: 'RateLimitExceededError' });
  expect(seen).toStrictEqual(['limiter_lowered', 'limiter_paused']);
  expect(wall.attempts).toHaveLength(2);
  limiter.resume();
});
