/** A user's file. No type argument is given to the library: what is inferred has to be right. */
import { map, type Observable, of } from 'rxjs';
import {
  Bulkhead,
  bulkhead,
  type ChatChunk,
  type ChatProvider,
  type ChatResponse,
  CircuitBreaker,
  circuitBreaker,
  fallback,
  getCircuitRegistry,
  getEventBus,
  HealthChecker,
  type HealthReport,
  healthFetchHandler,
  hedge,
  isCircuitOpenError,
  protect,
  RateLimiter,
  ResilientProvider,
  rateLimit,
  resilience,
  resilient,
  retryWithBackoff,
  snapshots,
  timeout,
  toAsyncIterable,
  untilAborted,
} from 'rxjs-resilience';
import { aiSdk, type LanguageModel } from 'rxjs-resilience/ai-sdk';
import { type Insight, type Insights, insightsOf, installInsights } from 'rxjs-resilience/insights';
import { openai } from 'rxjs-resilience/openai';
import { openAICompatible } from 'rxjs-resilience/openai-compatible';
import { instrument } from 'rxjs-resilience/opentelemetry';
import { flaky, runMarbles, type ScriptedSource, scriptedProvider } from 'rxjs-resilience/testing';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** `is<Expected>()(value)` compiles when the type of `value` is exactly `Expected`. */
const is =
  <Expected>() =>
  <Actual>(
    _value: Actual,
    ..._same: Same<Actual, Expected> extends true ? [] : [expected: Expected]
  ): void => {};

const numbers = of(1, 2, 3);

is<Observable<number>>()(numbers.pipe(circuitBreaker({ name: 'api', failureThreshold: 3 })));
is<Observable<number>>()(numbers.pipe(circuitBreaker(new CircuitBreaker({ name: 'api' }))));
is<Observable<number>>()(numbers.pipe(circuitBreaker(getCircuitRegistry().getOrCreate('api'))));
is<Observable<number>>()(numbers.pipe(bulkhead({ maxConcurrent: 2 })));
is<Observable<number>>()(numbers.pipe(bulkhead(new Bulkhead({ name: 'pool' }))));
is<Observable<number>>()(numbers.pipe(rateLimit({ requestsPerSecond: 5, burstSize: 10 })));
is<Observable<number>>()(numbers.pipe(rateLimit(new RateLimiter({ name: 'quota' }))));
is<Observable<number>>()(numbers.pipe(retryWithBackoff(3)));
is<Observable<number>>()(numbers.pipe(retryWithBackoff({ maxRetries: 3, backoff: 'exponential' })));
is<Observable<number>>()(numbers.pipe(timeout(5_000)));
is<Observable<number>>()(numbers.pipe(timeout({ first: 1_000, each: 500 })));
is<Observable<number | string>>()(numbers.pipe(timeout({ total: 5_000, with: () => of('late') })));
is<Observable<number | string>>()(numbers.pipe(fallback(of('cached'))));
is<Observable<number | string>>()(
  numbers.pipe(fallback([() => of('cached'), ({ errors }) => `${errors.length}`])),
);
is<Observable<number>>()(numbers.pipe(hedge({ delay: 100 })));
is<Observable<number>>()(
  numbers.pipe(resilience({ timeout: 5_000, retry: 3, circuitBreaker: { name: 'api' } })),
);
is<Observable<number | 'sorry'>>()(numbers.pipe(resilience({ retry: 3, fallback: 'sorry' })));
is<Observable<string | null>>()(
  numbers.pipe(
    timeout({ first: 1_000, each: 500 }),
    bulkhead({ maxConcurrent: 2 }),
    rateLimit({ requestsPerSecond: 5 }),
    circuitBreaker({ failureThreshold: 3 }),
    retryWithBackoff({ maxRetries: 3, retryIf: (error, attempt) => attempt < 2 && error instanceof Error }),
    map((value) => value.toFixed()),
    fallback(null),
    untilAborted(AbortSignal.timeout(1_000)),
  ),
);
is<AsyncIterable<number, undefined>>()(toAsyncIterable(numbers));

// What is kept in a constant serves streams of every type.
const shared = bulkhead({ maxConcurrent: 2 });
is<Observable<number>>()(numbers.pipe(shared));
is<Observable<string>>()(of('a').pipe(shared));

// @ts-expect-error The option is called `maxRetries`.
retryWithBackoff({ retries: 3 });
// @ts-expect-error A number of failures.
new CircuitBreaker({ failureThreshold: 'many' });

const user = protect(async (id: number) => `user ${id}`, retryWithBackoff(3), timeout(1_000));
is<Promise<string>>()(user(1));
// @ts-expect-error The parameters are those of the function.
user('1');

class Api {
  @resilient(retryWithBackoff(3), timeout(1_000))
  async user(id: number) {
    return `user ${id}`;
  }

  @resilient(timeout(1_000))
  ticks() {
    return numbers;
  }
}
is<Promise<string>>()(new Api().user(1));
is<Observable<number>>()(new Api().ticks());

is<Observable<'circuit_opened'>>()(
  getEventBus()
    .on('circuit_opened')
    .pipe(map(({ type }) => type)),
);

const health = new HealthChecker();
health.register('database', async () => 'healthy' as const);
health.register('queue', async ({ signal }) => (signal.aborted ? 'unhealthy' : 'healthy'));
// @ts-expect-error It is no status.
health.register('disk', async () => 'full' as const);
health.register('cache', () => of({ status: 'degraded', details: { lag: 7 } }), { critical: false });
is<Promise<HealthReport>>()(health.checkAll());
is<Observable<HealthReport>>()(health.watch(1_000));
const serve: (request: Request) => Promise<Response> = healthFetchHandler(health);
is<Promise<Response>>()(serve(new Request('http://localhost/livez')));

// RxJS Insights is not installed yet.
is<Promise<Insights>>()(installInsights({ describe: (value) => typeof value }));
is<readonly Insight[]>()(insightsOf(numbers));

const bridge = instrument({
  observe: [new Bulkhead({ name: 'pool' }), new RateLimiter(), new CircuitBreaker()],
});
instrument({ observe: () => getCircuitRegistry().list(), semanticConventions: 'next' }).add(bridge);

// No client of any service is installed here.
declare const model: LanguageModel;
is<ChatProvider>()(aiSdk(model, { prefill: true }));
is<ChatProvider>()(openai({ apiKey: 'sk-1', model: 'gpt-5', api: 'responses' }));

const provider = new ResilientProvider({
  provider: openAICompatible({ baseURL: 'http://127.0.0.1:11434/v1', model: 'llama' }),
  retry: 3,
  timeout: { first: 10_000, total: 60_000 },
});
is<Observable<ChatChunk>>()(provider.stream([{ role: 'user', content: 'Hello' }]));
is<Promise<ChatResponse>>()(provider.chat([{ role: 'user', content: 'Hello' }], { timeout: 15_000 }));
is<Observable<string>>()(
  provider
    .stream([{ role: 'user', content: 'Hello' }])
    .pipe(map((chunk) => (chunk.type === 'text' ? chunk.text : ''))),
);
is<Observable<string>>()(provider.stream([{ role: 'user', content: 'Hello' }]).pipe(snapshots()));
// @ts-expect-error Nobody has this role.
provider.stream([{ role: 'robot', content: 'Hello' }]);

try {
  await user(1);
} catch (error) {
  if (isCircuitOpenError(error)) is<number | undefined>()(error.retryAfter);
}

is<ScriptedSource<number>>()(flaky(['-a-b|'], { values: { a: 1, b: 2 } }));
is<string>()(
  runMarbles(({ expectChat, expectObservable }) => {
    expectObservable(flaky('-a|')).toBe('-a|');
    expectChat(new ResilientProvider({ provider: scriptedProvider('(F|)') }).stream([])).toBe('(F|)');
    return 'done';
  }),
);
