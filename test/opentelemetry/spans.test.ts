import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { concat, defer, delay, ignoreElements, NEVER, type Observable, of, throwError, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ChatChunk } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { resilience } from '../../src/pipeline/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { breaksAfter, failing, HELLO, resilient, says, scripted, words } from '../chat/scripted.ts';
import { laboratory } from './surroundings.ts';

const virtually = (body: () => void): void => {
  new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected)).run(body);
};
/** Each chunk after its time in milliseconds. */
const timed = (...chunks: [after: number, ChatChunk][]): Observable<ChatChunk> =>
  concat(...chunks.map(([after, chunk]) => of(chunk).pipe(delay(after))));
const fails = (after: number, error: Error): Observable<never> =>
  concat(
    timer(after).pipe(ignoreElements()),
    throwError(() => error),
  );
const said = (text: string): ChatChunk => ({ type: 'text', text });
const USAGE: ChatChunk = { type: 'usage', usage: { inputTokens: 12, outputTokens: 34, cachedTokens: 5 } };
const FINISH: ChatChunk = { type: 'finish', reason: 'tool-calls', model: 'small-2' };

test('a call is a span, its attempts are spans below, its decisions stand on it: all at their time', () => {
  const { events, spans } = laboratory();
  const main = scripted('main', [
    fails(40, failing('overloaded')),
    concat(timed([10, said('half')]), fails(20, failing('transport'))),
  ]);
  const spare = scripted('spare', [timed([20, said('whole')], [70, USAGE], [30, FINISH])]);
  const provider = resilient({
    name: 'assistant',
    provider: { ...main, model: 'large' },
    fallbackProvider: { ...spare, model: 'small' },
    retry: { maxRetries: 1, backoff: fixedBackoff(30) },
    recovery: 'restart',
    events,
  });
  virtually(() => provider.stream(HELLO, { callId: 'c-1' }).subscribe());

  const decided = (at: number, type: string, attempt: number, source: string, more: object = {}) => [
    at,
    type,
    { 'rxjs_resilience.source': source, 'rxjs_resilience.attempt': attempt, ...more },
  ];
  const because = (error: string) => ({ 'error.type': error });
  const own = (fields: object) =>
    Object.fromEntries(Object.entries(fields).map(([field, value]) => [`rxjs_resilience.${field}`, value]));
  const attempt = (number: number, provider: string, more: object) => ({
    ...own({ source: 'assistant', attempt: number, provider, ...more }),
  });
  expect(spans()).toStrictEqual([
    {
      name: 'attempt main',
      parent: 'chat large',
      from: 0,
      to: 40,
      failed: true,
      attributes: {
        ...attempt(1, 'main', { outcome: 'failed', phase: 'connecting', delay: 0 }),
        'gen_ai.request.model': 'large',
        'error.type': 'overloaded',
      },
      events: [],
    },
    {
      name: 'attempt main',
      parent: 'chat large',
      from: 70,
      to: 100,
      failed: true,
      attributes: {
        ...attempt(2, 'main', { outcome: 'failed', phase: 'content', delay: 30 }),
        ...own({ 'usage.input_tokens': 2, 'usage.output_tokens': 1, 'usage.estimated': true }),
        'gen_ai.request.model': 'large',
        'error.type': 'transport',
      },
      events: [[80, 'first_token', {}]],
    },
    {
      name: 'attempt spare',
      parent: 'chat large',
      from: 100,
      to: 220,
      failed: false,
      attributes: {
        ...attempt(3, 'spare', { outcome: 'completed', phase: 'ended', delay: 0 }),
        ...own({ 'usage.input_tokens': 12, 'usage.output_tokens': 34 }),
        'gen_ai.request.model': 'small',
        'gen_ai.response.model': 'small-2',
      },
      events: [[120, 'first_token', {}]],
    },
    {
      name: 'chat large',
      parent: undefined,
      from: 0,
      to: 220,
      failed: false,
      attributes: {
        ...own({ source: 'assistant', 'call.id': 'c-1', outcome: 'completed', attempts: 3 }),
        'gen_ai.operation.name': 'chat',
        'gen_ai.system': 'spare',
        'gen_ai.request.model': 'large',
        'gen_ai.response.model': 'small-2',
        'gen_ai.response.finish_reasons': ['tool_call'],
        'gen_ai.usage.input_tokens': 12,
        'gen_ai.usage.output_tokens': 34,
      },
      events: [
        decided(40, 'retry_attempted', 1, 'main', { ...own({ delay: 30 }), ...because('overloaded') }),
        decided(80, 'first_token', 2, 'assistant', own({ provider: 'main', after: 80 })),
        decided(100, 'retry_exhausted', 2, 'main', {
          ...own({ attempts: 2, reason: 'attempts' }),
          ...because('transport'),
        }),
        decided(100, 'fallback_used', 2, 'assistant', {
          ...own({ alternative: 1 }),
          ...because('transport'),
        }),
        decided(120, 'stream_retracted', 3, 'assistant', {
          ...own({ provider: 'main' }),
          ...because('transport'),
        }),
        decided(120, 'provider_switched', 3, 'assistant', {
          ...own({ from: 'main', to: 'spare' }),
          ...because('transport'),
        }),
        decided(120, 'first_token', 3, 'assistant', own({ provider: 'spare', after: 120 })),
      ],
    },
  ]);
});

/** Contexts for synchronous code: enough for a test, and nothing else is installed for it. */
class Stack implements ContextManager {
  #active: Context = ROOT_CONTEXT;
  active(): Context {
    return this.#active;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    entered: Context,
    run: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const outer = this.#active;
    this.#active = entered;
    try {
      return run.apply(thisArg, args);
    } finally {
      this.#active = outer;
    }
  }
  bind<T>(_: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

test('a call stands in the context in which it was subscribed, whatever is active when it ends', () => {
  context.setGlobalContextManager(new Stack());
  onTestFinished(() => context.disable());
  const { events, spans, tracerProvider } = laboratory();
  const tracer = tracerProvider.getTracer('the user');
  const [mine, other] = [tracer.startSpan('mine'), tracer.startSpan('other')];
  virtually(() => {
    const provider = resilient({ provider: scripted('main', [timed([10, said('a')], [0, FINISH])]), events });
    context.with(trace.setSpan(ROOT_CONTEXT, mine), () => provider.stream(HELLO).subscribe());
    const elsewhere = trace.setSpan(ROOT_CONTEXT, other);
    timer(9).subscribe(() => context.with(elsewhere, () => provider.stream(HELLO).subscribe()));
  });
  mine.end();
  other.end();
  expect(spans().map(({ name, parent }) => [name, parent])).toStrictEqual([
    ['attempt main', 'chat'],
    ['chat', 'mine'],
    ['attempt main', 'chat'],
    ['chat', 'other'],
    ['mine', undefined],
    ['other', undefined],
  ]);
});

test('who leaves has not failed', () => {
  const { events, spans } = laboratory();
  const main = scripted('main', [concat(of(...words('a')), NEVER)]);
  resilient({ provider: main, events }).stream(HELLO).subscribe().unsubscribe();
  expect(spans().map(({ name, failed, attributes }) => [name, failed, attributes])).toMatchObject([
    ['attempt main', false, { 'rxjs_resilience.outcome': 'cancelled' }],
    ['chat', false, { 'rxjs_resilience.outcome': 'cancelled' }],
  ]);
  expect(spans().flatMap(({ attributes }) => Object.keys(attributes))).not.toContain('error.type');
});

test('a call that fails says what it was, under all verdicts, and never in words', () => {
  const { events, spans, finished } = laboratory();
  const down = failing('server', 'the words of somebody else');
  const provider = resilient({
    provider: scripted('main', [breaksAfter(words('a'), down)]),
    fallbackProvider: scripted('spare', [down]),
    retry: { maxRetries: 1, backoff: fixedBackoff(0) },
    recovery: 'restart',
    events,
  });
  provider.stream(HELLO).subscribe({ error() {} });
  const call = spans().at(-1);
  expect(call).toMatchObject({ name: 'chat', failed: true, attributes: { 'error.type': 'server' } });
  expect(finished().map(({ status }) => status.message)).toStrictEqual(Array(5).fill(undefined));
});

describe('a call inside of a call', () => {
  test('is a span inside of its span, and what it has used is told once', async () => {
    const { events, spans, measured } = laboratory();
    const inner = resilient({
      name: 'inner',
      provider: scripted('main', [concat(of(...words('a')), of(USAGE), of(FINISH))]),
      events,
    });
    await resilient({
      name: 'outer',
      provider: scripted('down', [failing('server')]),
      fallbackProvider: inner,
      events,
    }).chat(HELLO);
    expect(
      spans().map(({ name, parent, attributes }) => [
        name,
        parent,
        attributes['rxjs_resilience.source'],
        attributes['gen_ai.usage.output_tokens'],
      ]),
    ).toStrictEqual([
      ['attempt down', 'chat', 'outer', undefined],
      ['attempt inner', 'chat', 'outer', undefined],
      ['chat', undefined, 'outer', undefined],
      ['attempt main', 'chat', 'inner', undefined],
      ['chat', 'chat', 'inner', 34],
    ]);
    const told = await measured();
    expect(told.filter((line) => /token\.usage.*output/.test(line))).toStrictEqual([
      expect.stringMatching(/ 34 in 1$/),
    ]);
    expect(told.filter((line) => line.startsWith('gen_ai.client.operation.duration'))).toHaveLength(1);
  });

  test('also of a pipeline', () => {
    const { events, spans } = laboratory();
    const provider = resilient({ name: 'assistant', provider: scripted('main', [says('a')]), events });
    provider
      .stream(HELLO)
      .pipe(resilience({ name: 'around', events, timeout: 1_000 }))
      .subscribe();
    expect(spans().map(({ name, parent }) => [name, parent])).toStrictEqual([
      ['attempt main', 'chat'],
      ['chat', 'around'],
      ['attempt', 'around'],
      ['around', undefined],
    ]);
  });
});

describe('a call through resilience()', () => {
  const down = Object.assign(new Error('a secret'), { status: 503 });

  test('is a span with its attempts and its decisions', () => {
    const { events, spans } = laboratory();
    let asked = 0;
    const prices = defer(() => (++asked < 3 ? fails(10, down) : of('a').pipe(delay(5))));
    virtually(() => {
      const retry = { maxRetries: 1, backoff: fixedBackoff(20) };
      prices.pipe(resilience({ name: 'prices', events, retry, fallback: prices })).subscribe();
    });
    const told = spans().map(({ name, parent, from, to, failed, attributes }) => {
      const { 'rxjs_resilience.attempt': attempt, 'error.type': error, ...rest } = attributes;
      return [name, parent, from, to, failed, attempt ?? rest['rxjs_resilience.attempts'], error];
    });
    expect(told).toStrictEqual([
      ['attempt', 'prices', 0, 10, true, 1, 'server'],
      ['attempt', 'prices', 30, 40, true, 2, 'server'],
      ['attempt', 'prices', 40, 45, false, 3, undefined],
      ['prices', undefined, 0, 45, false, 3, undefined],
    ]);
    expect(
      spans()
        .at(-1)
        ?.events.map(([at, type]) => [at, type]),
    ).toStrictEqual([
      [10, 'retry_attempted'],
      [40, 'retry_exhausted'],
      [40, 'fallback_used'],
    ]);
    expect(JSON.stringify(spans())).not.toContain('secret');
  });

  test.each([
    [
      'the hedge',
      10,
      [
        [1, 0, 30, 'cancelled'],
        [2, 20, 30, 'completed'],
      ],
    ],
    [
      'the first',
      40,
      [
        [1, 0, 50, 'completed'],
        [2, 20, 50, 'cancelled'],
      ],
    ],
  ])('has the attempts of a race side by side: %s wins', (_, second, attempts) => {
    const { events, spans } = laboratory();
    let asked = 0;
    const answer = defer(() => of('a').pipe(delay(++asked === 1 ? 50 : second)));
    virtually(() => {
      answer.pipe(resilience({ name: 'prices', events, hedge: { delay: 20 } })).subscribe();
    });
    const told = spans()
      .filter(({ name }) => name === 'attempt')
      .map(({ from, to, attributes }) => [
        attributes['rxjs_resilience.attempt'],
        from,
        to,
        attributes['rxjs_resilience.outcome'],
      ]);
    expect(told).toStrictEqual(attempts);
    expect(spans().at(-1)?.attributes['rxjs_resilience.attempts']).toBe(2);
  });

  test('ends where its consumer leaves, also in a back-off', () => {
    const { events, spans } = laboratory();
    virtually(() => {
      const retry = { maxRetries: 1, backoff: fixedBackoff(20) };
      const call = fails(10, down)
        .pipe(resilience({ name: 'prices', events, retry }))
        .subscribe();
      timer(15).subscribe(() => call.unsubscribe());
    });
    expect(spans()).toMatchObject([
      { name: 'attempt', from: 0, to: 10, failed: true },
      {
        name: 'prices',
        from: 0,
        to: 15,
        failed: false,
        attributes: { 'rxjs_resilience.outcome': 'cancelled' },
      },
    ]);
    expect(spans()).toHaveLength(2);
  });
});

describe('no span is left open', () => {
  const open = (events: Laboratory['events'], ...ids: string[]) => {
    const provider = resilient({ provider: scripted('main', [NEVER]), events });
    return ids.map((callId) => provider.stream(HELLO, { callId }).subscribe());
  };
  type Laboratory = ReturnType<typeof laboratory>;

  test('when the bus forgets to tell the end: the oldest makes room, and that is counted', async () => {
    const { events, spans, measured } = laboratory({ maxOpenCalls: 2 });
    const [first, ...others] = open(events, 'a', 'b', 'c');
    expect(spans()).toMatchObject([
      {
        name: 'chat',
        attributes: { 'rxjs_resilience.call.id': 'a', 'rxjs_resilience.abandoned': 'evicted' },
      },
    ]);
    expect(await measured()).toEqual(
      expect.arrayContaining(['rxjs_resilience.calls.open{} 2', 'rxjs_resilience.calls.evicted{} 1']),
    );
    first?.unsubscribe();
    expect(spans()).toHaveLength(1);
    for (const call of others) call.unsubscribe();
    expect(spans().filter(({ name }) => name === 'chat')).toHaveLength(3);
    expect(await measured()).toContain('rxjs_resilience.calls.open{} 0');
  });

  test('when the bridge is taken down', () => {
    const { events, spans, bridge } = laboratory();
    const [call] = open(events, 'a');
    bridge.unsubscribe();
    expect(spans()).toMatchObject([{ name: 'chat', attributes: { 'rxjs_resilience.abandoned': 'stopped' } }]);
    expect(events.observed).toBe(false);
    call?.unsubscribe();
    expect(spans()).toHaveLength(1);
  });

  test('when two calls have one name', () => {
    const { events, spans, measured } = laboratory();
    const [first, second] = open(events, 'a', 'a');
    first?.unsubscribe();
    second?.unsubscribe();
    expect(spans().filter(({ name }) => name === 'chat')).toHaveLength(2);
    return expect(measured()).resolves.toContain('rxjs_resilience.calls.open{} 0');
  });
});

test('what has begun before the bridge stood has no span', () => {
  const events = new EventBus();
  const silent = events.subscribe();
  const provider = resilient({ provider: scripted('main', [NEVER]), events });
  const call = provider.stream(HELLO).subscribe();
  const { spans } = laboratory({ events });
  call.unsubscribe();
  silent.unsubscribe();
  expect(spans()).toStrictEqual([]);
});
