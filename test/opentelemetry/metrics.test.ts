import { trace } from '@opentelemetry/api';
import { NEVER, of } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AdaptiveConcurrency } from '../../src/adaptive-concurrency/index.ts';
import { AdaptiveThrottle } from '../../src/adaptive-throttle/index.ts';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { FallbackKindSchema } from '../../src/chat/errors.ts';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { CircuitStateSchema, HealthStatusSchema } from '../../src/core/event-parts.ts';
import type { EventData, EventType } from '../../src/core/events.ts';
import * as library from '../../src/index.ts';
import { providerOf } from '../../src/opentelemetry/conventions.ts';
import { instrument } from '../../src/opentelemetry/index.ts';
import { ERROR_TYPES, errorTypeOf, NAMES, VERDICTS, WORDS } from '../../src/opentelemetry/vocabulary.ts';
import { resilience } from '../../src/pipeline/index.ts';
import { RateLimiter, rateLimit } from '../../src/rate-limit/index.ts';
import { ATTEMPT, chats, decisions } from './everything.ts';
import { laboratory } from './surroundings.ts';

const CALL = 'gen_ai.operation.name="chat",gen_ai.system="openai"';
const MODELS = 'gen_ai.request.model="large",gen_ai.response.model="large-2"';

describe('what has been measured', () => {
  test('of a chat, by the names of the conventions', async () => {
    const { events, measured } = laboratory();
    chats(events, 'assistant');
    expect(await measured()).toStrictEqual([
      `gen_ai.client.operation.duration{${CALL},${MODELS}} 3 in 1`,
      `gen_ai.client.operation.duration{${CALL},${MODELS},error.type="server"} 3 in 1`,
      `gen_ai.client.token.usage{${CALL},${MODELS},gen_ai.token.type="input"} 10 in 1`,
      `gen_ai.client.token.usage{${CALL},${MODELS},gen_ai.token.type="output"} 31 in 1`,
      `gen_ai.server.time_to_first_token{${CALL},${MODELS}} 0.5 in 1`,
      `gen_ai.server.time_per_output_token{${CALL},${MODELS}} 0.05 in 1`,
      'rxjs_resilience.call.duration{source="assistant",outcome="completed"} 3 in 1',
      'rxjs_resilience.call.duration{source="assistant",outcome="failed",error.type="server"} 3 in 1',
      'rxjs_resilience.call.duration{source="assistant",outcome="cancelled"} 3 in 1',
      'rxjs_resilience.time_to_first_token{source="assistant"} 0.75 in 1',
      'rxjs_resilience.attempts{provider="openai",outcome="failed",error.type="server"} 1',
      'rxjs_resilience.attempts{provider="openai",outcome="completed"} 1',
      'rxjs_resilience.calls.open{} 0',
    ]);
  });

  test('by the coming names', async () => {
    const { events, measured } = laboratory({ semanticConventions: 'next' });
    events.publish('attempt_ended', 'assistant', { ...ATTEMPT, provider: 'api.x.ai' });
    const told = await measured();
    const who = `gen_ai.operation.name="chat",gen_ai.provider.name="x_ai",${MODELS}`;
    expect(told).toContain(`gen_ai.client.operation.time_to_first_chunk{${who}} 0.5 in 1`);
    expect(told.join('\n')).not.toMatch(/gen_ai\.system|server\.time_to_first_token/);
  });

  test('is not what nobody has counted', async () => {
    const { events, measured } = laboratory();
    events.publish('attempt_ended', 'a', { ...ATTEMPT, usage: { outputTokens: 7, estimated: true } });
    events.publish('attempt_ended', 'a', { ...ATTEMPT, usage: undefined, timeToFirstToken: undefined });
    events.publish('attempt_ended', 'a', { ...ATTEMPT, usage: { outputTokens: 1 } });
    const told = await measured();
    expect(told.filter((line) => line.includes('token.usage'))).toStrictEqual([
      `gen_ai.client.token.usage{${CALL},${MODELS},gen_ai.token.type="output"} 1 in 1`,
    ]);
    expect(told.join('\n')).not.toContain('time_per_output_token');
    expect(told.join('\n')).toContain('gen_ai.server.time_to_first_token{');
  });

  test('of decisions: how often, by whom, and what for', async () => {
    const { events, measured } = laboratory();
    decisions(events, 'api');
    const named = (name: string, value: number, more = '') =>
      `rxjs_resilience.${name}{source="api"${more && `,${more}`}} ${value}`;
    const told = await measured();
    expect(told.filter((line) => !/circuit\.state|health\.status/.test(line))).toStrictEqual([
      'rxjs_resilience.call.duration{source="api",outcome="failed",error.type="server"} 0.02 in 1',
      named('retries', 2, 'error.type="server"'),
      named('retries.exhausted', 1, 'reason="budget",error.type="server"'),
      named('fallbacks', 1, 'error.type="server"'),
      named('fallbacks.exhausted', 1),
      ...['resumed', 'retracted', 'continued', 'switched'].map((kind) =>
        named('recoveries', 1, `kind="${kind}"`),
      ),
      named('timeouts', 1, 'kind="each"'),
      ...['circuit-open', 'queue-full', 'rate-limit', 'throttled', 'load-shed'].map((reason) =>
        named('rejections', 1, `reason="${reason}"`),
      ),
      named('queued', 2),
      ...['started', 'won', 'refused'].map((result) => named('hedges', 1, `result="${result}"`)),
      named('circuit.transitions', 1, 'state="open"'),
      named('concurrency.limit', 7),
      named('rate_limiter.limit', 30, 'dimension="requests"'),
      named('rate_limiter.limit', 500, 'dimension="tokens"'),
      named('rate_limiter.paused', 1),
      'rxjs_resilience.calls.open{} 0',
    ]);
    expect(told).toContain(named('circuit.state', 1, 'state="open"'));
    expect(told).toContain('rxjs_resilience.health.status{check="database",status="degraded"} 1');
  });
});

describe('what is the case', () => {
  test('is asked of the objects that are observed, whenever somebody collects', async () => {
    const events = new EventBus();
    const places = new Bulkhead({ name: 'places', maxConcurrent: 1, events });
    const permits = new RateLimiter({ name: 'permits', requestsPerSecond: 1, burstSize: 3, events });
    const circuit = new CircuitBreaker({ name: 'circuit', events });
    const adaptive = new AdaptiveConcurrency({
      name: 'adaptive',
      algorithm: 'aimd',
      initialLimit: 7,
      events,
    });
    const throttle = new AdaptiveThrottle({ name: 'throttle', events });
    const { measured } = laboratory({ events, observe: [places, permits, circuit, adaptive, throttle] });
    const calls = [NEVER.pipe(bulkhead(places)).subscribe(), NEVER.pipe(bulkhead(places)).subscribe()];
    of(1).pipe(rateLimit(permits)).subscribe();
    const told = await measured();
    expect(told).toEqual(
      expect.arrayContaining([
        'rxjs_resilience.concurrency.active{source="places"} 1',
        'rxjs_resilience.concurrency.limit{source="places"} 1',
        'rxjs_resilience.concurrency.active{source="adaptive"} 0',
        'rxjs_resilience.concurrency.limit{source="adaptive"} 7',
        'rxjs_resilience.throttle.probability{source="throttle"} 0',
        'rxjs_resilience.rate_limiter.paused{source="permits"} 0',
        'rxjs_resilience.queue.size{source="places"} 1',
        'rxjs_resilience.queue.limit{source="places"} 50',
        'rxjs_resilience.queue.limit{source="permits"} 50',
        'rxjs_resilience.queue.size{source="permits"} 0',
        'rxjs_resilience.circuit.state{source="circuit",state="closed"} 1',
        'rxjs_resilience.circuit.state{source="circuit",state="open"} 0',
      ]),
    );
    const left = /balance\{source="permits",dimension="requests"\} ([\d.]+)/.exec(told.join('\n'))?.[1];
    expect(Number(left)).toBeCloseTo(2, 1);
    // A limiter has a state too, but it is no circuit.
    expect(told.filter((line) => line.includes('circuit.state{'))).toHaveLength(6);
    for (const call of calls) call.unsubscribe();
    circuit.forceOpen();
    expect(await measured()).toEqual(
      expect.arrayContaining([
        'rxjs_resilience.concurrency.active{source="places"} 0',
        'rxjs_resilience.circuit.state{source="circuit",state="forced-open"} 1',
        'rxjs_resilience.circuit.state{source="circuit",state="closed"} 0',
      ]),
    );
  });

  test('is asked of those that a function names at that time', async () => {
    const circuits: CircuitBreaker[] = [];
    const { measured } = laboratory({ observe: () => circuits });
    expect(await measured()).toStrictEqual(['rxjs_resilience.calls.open{} 0']);
    circuits.push(new CircuitBreaker({ name: 'new' }));
    expect(await measured()).toContain('rxjs_resilience.circuit.state{source="new",state="closed"} 1');
  });

  test('is known of circuits that nobody has named, from their first change until they are removed', async () => {
    const { events, measured } = laboratory();
    const circuit = new CircuitBreaker({ name: 'hidden', events });
    expect(await measured()).toStrictEqual(['rxjs_resilience.calls.open{} 0']);
    circuit.forceOpen();
    expect(await measured()).toContain(
      'rxjs_resilience.circuit.state{source="hidden",state="forced-open"} 1',
    );
    circuit.reset();
    expect(await measured()).toContain('rxjs_resilience.circuit.state{source="hidden",state="closed"} 1');
    events.publish('registry_changed', 'circuits', { change: 'removed', name: 'hidden' });
    const states = (await measured()).filter((line) => line.includes('circuit.state{'));
    expect(states.map((line) => line.at(-1))).toStrictEqual(Array(6).fill('0'));
  });
});

describe('labels are bounded', () => {
  test('names beyond the cap are "other"', async () => {
    const { events, measured } = laboratory({ maxNames: 2 });
    for (let index = 0; index < 1_000; index++) {
      events.publish('circuit_rejected', `circuit of user ${index}`, {});
      events.publish('circuit_opened', `circuit of user ${index}`, { from: 'closed', to: 'open' });
      const one = { provider: `provider ${index}`, requestedModel: `m-${index}`, model: `m-${index}` };
      events.publish('attempt_ended', 'assistant', { ...ATTEMPT, ...one });
    }
    const told = await measured();
    const of = (metric: string) => told.filter((line) => line.startsWith(metric));
    expect(of('rxjs_resilience.rejections')).toStrictEqual([
      'rxjs_resilience.rejections{source="circuit of user 0",reason="circuit-open"} 1',
      'rxjs_resilience.rejections{source="circuit of user 1",reason="circuit-open"} 1',
      'rxjs_resilience.rejections{source="other",reason="circuit-open"} 998',
    ]);
    expect(of('rxjs_resilience.attempts')).toHaveLength(3);
    expect(of('gen_ai.server.time_to_first_token')).toHaveLength(3);
    expect(of('rxjs_resilience.circuit.state{')).toHaveLength(2 * WORDS.circuit.length);
  });

  test('words that are none of ours are "other", as events of another process may hold anything', async () => {
    const { events, measured } = laboratory();
    const alien = (type: EventType, data: object): void =>
      events.next({ type, category: 'state', source: 'far', timestamp: 0, data } as never);
    alien('timed_out', { kind: 'a secret' });
    alien('bulkhead_rejected', { reason: 'a secret' });
    alien('circuit_opened', { to: 'a secret' });
    alien('call_ended', { outcome: 'a secret', duration: 1 });
    alien('retry_attempted', { error: { name: 'a secret', kind: 'a secret', message: 'a secret' } });
    const told = (await measured()).join('\n');
    expect(told).not.toContain('secret');
    expect(told).toContain('kind="other"');
    expect(told).toContain('error.type="_OTHER"');
  });

  test('every word of the events is one that its label knows', () => {
    expect(WORDS.circuit).toStrictEqual(CircuitStateSchema.def.values);
    const exhausted = ['not-retryable', 'attempts', 'budget', 'delay', 'time'] as const;
    expect(WORDS.exhausted).toStrictEqual(
      exhausted satisfies readonly EventData<'retry_exhausted'>['reason'][],
    );
    expect(WORDS.health).toStrictEqual(HealthStatusSchema.def.values);
    const timeout = [
      'first',
      'each',
      'total',
      'headers',
      'throughput',
    ] satisfies EventData<'timed_out'>['kind'][];
    expect(WORDS.timeout).toStrictEqual(timeout);
    const dimension = ['requests', 'tokens', 'input-tokens', 'output-tokens'] as const;
    expect(WORDS.dimension).toStrictEqual(
      dimension satisfies readonly EventData<'limiter_adjusted'>['dimension'][],
    );
    const errors = Object.keys(library).filter((name) => /^[A-Z].*Error$/.test(name));
    const known = [...NAMES.keys(), ...VERDICTS, 'ProviderError', 'ResilienceError'];
    expect(errors.filter((name) => !known.includes(name))).toStrictEqual([]);
    expect(ERROR_TYPES).toEqual(expect.arrayContaining(Object.keys(FallbackKindSchema.def.entries)));
  });
});
describe('what an error is called', () => {
  test.each([
    [{ name: 'ProviderError', kind: 'quota', status: 429 }, 'quota'],
    [{ name: 'StreamTimeoutError', kind: 'first' }, 'timeout'],
    [{ name: 'CircuitOpenError', causes: [{ name: 'ProviderError', kind: 'server' }] }, 'circuit-open'],
    [{ name: 'RetryExhaustedError', causes: [{ name: 'StreamTimeoutError', kind: 'total' }] }, 'timeout'],
    [
      {
        name: 'StreamInterruptedError',
        kind: 'transport',
        causes: [{ name: 'RetryExhaustedError' }, { name: 'ProviderError', kind: 'transport' }],
      },
      'transport',
    ],
    [{ name: 'RetryExhaustedError' }, '_OTHER'],
    [{ name: 'Error', status: 429 }, 'rate-limit'],
    [{ name: 'Error', status: 403 }, 'auth'],
    [{ name: 'Error', status: 404 }, 'invalid'],
    [{ name: 'Error', status: 502 }, 'server'],
    [{ name: 'Error', status: 504 }, 'timeout'],
    [{ name: 'Error', status: 200 }, '_OTHER'],
    [{ name: 'Error', code: 'ECONNRESET' }, 'transport'],
    [{ name: 'Error', code: 'EACCES' }, '_OTHER'],
    [{ name: 'whatever', kind: 'secret' }, '_OTHER'],
    [{ name: 'constructor', kind: 'toString' }, '_OTHER'],
    [{ name: 'HedgeExhaustedError', causes: [{ name: 'ThrottledError' }] }, 'throttled'],
  ])('%j: %s', (error, type) => {
    const message = '';
    const causes = 'causes' in error ? error.causes.map((cause) => ({ message, ...cause })) : undefined;
    expect(errorTypeOf({ message, ...error, causes })).toBe(type);
    expect(ERROR_TYPES).toContain(type);
  });
});

test.each([
  ['api.openai.com', 'openai'],
  ['openai.chat', 'openai'],
  ['OpenAI', 'openai'],
  ['my-company.openai.azure.com', 'azure.ai.openai'],
  ['api.anthropic.com', 'anthropic'],
  ['bedrock-runtime.eu-west-1.amazonaws.com', 'aws.bedrock'],
  ['google.generative-ai', 'gcp.gemini'],
  ['azure.ai.inference', 'azure.ai.inference'],
  ['localhost:11434', 'localhost:11434'],
  ['openai-eu', 'openai-eu'],
  ['xai.chat', 'xai'],
])('a provider with the name %s is "%s" to the conventions', (name, provider) => {
  expect(providerOf(name, 'current')).toBe(provider);
});

describe('instrument', () => {
  test('takes the global providers, that of the spans also when it comes later', () => {
    const events = new EventBus();
    const { tracerProvider, spans } = laboratory();
    const bridge = instrument({ events });
    onTestFinished(() => bridge.unsubscribe());
    trace.setGlobalTracerProvider(tracerProvider);
    onTestFinished(() => trace.disable());
    of(1)
      .pipe(resilience({ name: 'prices', events, timeout: 1_000 }))
      .subscribe();
    expect(spans().at(-1)).toMatchObject({ name: 'prices' });
  });

  test('a thousand times set up and taken down leaves nobody who listens or reports', async () => {
    const events = new EventBus();
    const { measured, meterProvider } = laboratory();
    let asked = 0;
    const observe = () => {
      asked++;
      return [];
    };
    for (let index = 0; index < 1_000; index++) instrument({ events }).unsubscribe();
    for (let index = 0; index < 50; index++) instrument({ events, meterProvider, observe }).unsubscribe();
    expect(events.observed).toBe(false);
    await measured();
    expect(asked).toBe(0);
  });

  test.each([
    [{ events: {} }, 'option "events" must be an EventBus'],
    [{ tracerProvider: {} }, 'option "tracerProvider" must be a TracerProvider'],
    [{ meterProvider: 1 }, 'option "meterProvider" must be a MeterProvider'],
    [{ observe: [{ name: 'x' }] }, 'option "observe.0" must be policies that have a state'],
    [{ observe: 1 }, 'option "observe" must be policies that have a state'],
    [{ semanticConventions: 'newest' }, 'option "semanticConventions" must be "current" or "next"'],
    [{ maxNames: 0 }, 'option "maxNames" must be a whole number of at least 1, got 0'],
    [{ maxOpenCalls: 0.5 }, 'option "maxOpenCalls" must be a whole number of at least 1, got 0.5'],
    [{ name: 'x' }, 'unknown option "name"'],
  ])('refuses %j', (config, message) => {
    expect(() => instrument(config as never)).toThrow(message);
  });
});
