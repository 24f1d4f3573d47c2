import { firstValueFrom, NEVER, of } from 'rxjs';
import { expect, test } from 'vitest';
import { withoutStack } from '../../src/core/without-stack.ts';
import {
  AdaptiveThrottle,
  adaptiveThrottle,
  Bulkhead,
  bulkhead,
  CircuitBreaker,
  circuitBreaker,
  RateLimiter,
  rateLimit,
} from '../../src/index.ts';

const broken = new CircuitBreaker();
broken.forceOpen();
const full = new Bulkhead({ maxConcurrent: 1, maxQueue: 0 });
NEVER.pipe(bulkhead(full)).subscribe();
const empty = new RateLimiter({ requestsPerSecond: 1, burstSize: 1, maxQueue: 0 });
empty.tryAcquire();
let luck = 0.999;
const busy = new AdaptiveThrottle({ random: () => luck });
for (let refusal = 0; refusal < 10; refusal++) busy.acquire().failure({ status: 429 });
luck = 0;

test.each([
  ['a circuit breaker', circuitBreaker(broken)],
  ['a bulkhead', bulkhead(full)],
  ['a rate limiter', rateLimit(empty)],
  ['a throttle', adaptiveThrottle(busy)],
])('the refusal of %s captures no stack, and leaves the limit of the program alone', async (_, operator) => {
  const before = Error.stackTraceLimit;
  const error = await firstValueFrom(of('never').pipe(operator)).catch((refused: Error) => refused);
  expect(error).toBeInstanceOf(Error);
  expect(String((error as Error).stack).split('\n')).toHaveLength(1);
  expect(Error.stackTraceLimit).toBe(before);
  expect(new Error('after').stack?.split('\n').length).toBeGreaterThan(1);
});

test('elsewhere than on V8 an error is made as it is, and nothing is left on `Error`', () => {
  const host = Error as { stackTraceLimit?: number };
  const { stackTraceLimit } = host;
  delete host.stackTraceLimit;
  expect(withoutStack(() => new Error('refused')).message).toBe('refused');
  const left = Object.hasOwn(host, 'stackTraceLimit');
  Object.assign(host, { stackTraceLimit });
  expect(left).toBe(false);
});
