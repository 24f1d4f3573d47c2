import { type Env, getGlobalEnv, install as installBare, setGlobalEnv } from '@rxjs-insights/core';
import { getRecorder } from '@rxjs-insights/recorder';
import {
  asapScheduler,
  asyncScheduler,
  BehaviorSubject,
  concat,
  config,
  defer,
  EMPTY,
  lastValueFrom,
  map,
  NEVER,
  ObjectUnsubscribedError,
  Observable,
  of,
  Subject,
  Subscriber,
  throwError,
  timer,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { type ChatChunk, type ChatProvider, ProviderError, ResilientProvider } from '../../src/chat/index.ts';
import { CircuitBreaker, CircuitRegistry, circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { ConfigurationError } from '../../src/core/errors.ts';
import { EventBus, getEventBus } from '../../src/core/event-bus.ts';
import { HealthChecker } from '../../src/health/index.ts';
import { type InsightsRecorder, META } from '../../src/insights/core-types.ts';
import {
  type Insight,
  type Insights,
  insightsOf,
  installInsights,
  renderInsights,
} from '../../src/insights/index.ts';
import { CHUNK_TYPES } from '../../src/insights/redaction.ts';
import { resilience } from '../../src/pipeline/index.ts';
import { RateLimiter } from '../../src/rate-limit/index.ts';
import { fixedBackoff, retryWithBackoff } from '../../src/retry/index.ts';
import { scriptedProvider } from '../../src/testing/index.ts';
import { timeout } from '../../src/timeout/index.ts';

const bare = {
  subscribe: Observable.prototype.subscribe,
  next: Subject.prototype.next,
  error: Subject.prototype.error,
  complete: Subject.prototype.complete,
};
const madeBefore = {
  breaker: new CircuitBreaker({ name: 'early' }),
  bulkhead: new Bulkhead({ name: 'early' }),
  registry: new CircuitRegistry(),
};

let insights: Insights;

beforeEach(async () => {
  insights = await installInsights();
});

afterEach(() => {
  insights.uninstall();
  setGlobalEnv(null);
  expect(Observable.prototype.subscribe).toBe(bare.subscribe);
});

/** Only names and tags: what stands in what. */
const names = (found: readonly Insight[]): unknown[] =>
  found.map(({ name, tags, sources }) =>
    sources.length === 0 ? `${name} ${tags.join()}` : [`${name} ${tags.join()}`, ...names(sources)],
  );

describe('operators', () => {
  it('have their own names, and the names of their policies as tags', () => {
    const stream = of(1, 2).pipe(
      timeout({ name: 'clock', total: 10 }),
      circuitBreaker({ name: 'payments' }),
      retryWithBackoff({ name: 'again', maxRetries: 1 }),
    );
    stream.subscribe();
    expect(names(insightsOf(stream))).toStrictEqual([
      ['retryWithBackoff again', ['circuitBreaker payments', 'timeout clock']],
    ]);
    expect(insightsOf(stream)[0]).toMatchObject({ values: ['number', 'number'], end: 'complete' });
  });

  it('that are one subscriber are shown one in the other, and so is a composition', () => {
    const stream = of(1).pipe(
      resilience({ name: 'all', timeout: 100, retry: 1, circuitBreaker: {}, bulkhead: {}, fallback: 0 }),
    );
    stream.subscribe();
    expect(names(insightsOf(stream))).toStrictEqual([
      ['resilience all', ['fallback all', ['retryWithBackoff all', ['circuitBreaker all', 'bulkhead all']]]],
    ]);
  });

  it('still stand upon each other as one admission', () => {
    const outer = new Bulkhead({ name: 'outer' });
    const inner = new CircuitBreaker({ name: 'inner', failureThreshold: 1 });
    inner.forceOpen();
    const heard = vi.fn();
    of(1)
      .pipe(resilience({ circuitBreaker: inner }), bulkhead(outer))
      .subscribe({ error: heard });
    expect(heard).toHaveBeenCalledOnce();
    expect(outer.activeCount).toBe(0);
  });

  it('of nothing leave the source its name', () => {
    const source = new Subject<number>();
    const stream = source.pipe(resilience({ name: 'nothing' }));
    const heard: number[] = [];
    stream.subscribe((value) => heard.push(value));
    source.next(1);
    expect(heard).toStrictEqual([1]);
    expect(insightsOf(stream, { internal: true })[0]).toMatchObject({
      name: 'resilience',
      sources: [{ name: 'InternalSubject' }],
    });
  });

  it('show attempts after a wait as those of the stream that has waited', () => {
    new TestScheduler(() => {}).run(({ flush }) => {
      let attempts = 0;
      const flaky = defer(() => (++attempts < 3 ? throwError(() => new Error('503')) : of('ok')));
      const stream = flaky.pipe(
        circuitBreaker({ name: 'api' }),
        retryWithBackoff({ name: 'api', maxRetries: 5, backoff: fixedBackoff(10) }),
      );
      stream.subscribe();
      flush();
      const attempt = (end: string) => expect.objectContaining({ name: 'circuitBreaker', end });
      expect(insightsOf(stream)).toMatchObject([
        {
          name: 'retryWithBackoff',
          end: 'complete',
          sources: [attempt('error'), attempt('error'), attempt('complete')],
        },
      ]);
    });
  });

  it('show who was let in by the end of another as themselves, not as a part of the other', async () => {
    const pool = new Bulkhead({ name: 'pool', maxConcurrent: 1 });
    const stream = (word: string) =>
      timer(1).pipe(
        map(() => word),
        bulkhead(pool),
        retryWithBackoff({ name: word }),
      );
    const [first, second] = [stream('first'), stream('second')];
    await Promise.all([lastValueFrom(first), lastValueFrom(second)]);
    for (const one of [first, second])
      expect(names(insightsOf(one, { internal: false }))).toStrictEqual([
        [expect.stringMatching(/^retryWithBackoff (first|second)$/), 'bulkhead pool'],
      ]);
  });

  it('that were made before have no names: what is not installed costs nothing', () => {
    insights.uninstall();
    const pool = new Bulkhead({ name: 'pool' });
    const source = of(1);
    const noop = resilience({});
    expect(noop(source)).toBe(source);
    expect(insightsOf(source.pipe(bulkhead(pool)))).toStrictEqual([]);
  });
});

describe('streams', () => {
  it('of this package have names and tags, whether they were made before or after', () => {
    const after = new CircuitBreaker({ name: 'late' });
    const bus = new EventBus();
    const health = new HealthChecker({ name: 'probes' });
    const streams: Record<string, Observable<unknown>> = {
      'CircuitBreaker.state$ early': madeBefore.breaker.state$,
      'CircuitBreaker.transitions$ early': madeBefore.breaker.transitions$,
      'Bulkhead.state$ early': madeBefore.bulkhead.state$,
      'CircuitRegistry.changes$ circuit-registry': madeBefore.registry.changes$,
      'CircuitBreaker.state$ late': after.state$,
      'Bulkhead.state$ late': new Bulkhead({ name: 'late' }).state$,
      'RateLimiter.state$ late': new RateLimiter({ name: 'late' }).state$,
      'EventBus ': bus,
      'HealthChecker.watch probes': health.watch(1_000),
    };
    for (const [name, stream] of Object.entries(streams)) {
      stream.subscribe().unsubscribe();
      expect(names(insightsOf(stream).slice(-1)).flat()[0]).toBe(name);
    }
    const shared = getEventBus();
    shared.subscribe().unsubscribe();
    expect(insightsOf(shared).at(-1)).toMatchObject({ name: 'EventBus' });
    const opened = bus.on('circuit_opened');
    opened.subscribe().unsubscribe();
    expect(names(insightsOf(opened))).toStrictEqual([['EventBus.on circuit_opened', 'EventBus ']]);
  });

  it('of a ResilientProvider can be read back: every attempt, and what became of it', () => {
    new TestScheduler(() => {}).run(({ flush }) => {
      const assistant = new ResilientProvider({
        name: 'assistant',
        provider: scriptedProvider(['--A--#', '-#'], { name: 'main' }),
        fallbackProvider: scriptedProvider(['--B--C(F|)'], { name: 'spare' }),
        retry: { maxRetries: 1, backoff: fixedBackoff(10) },
        bulkhead: {},
        recovery: 'restart',
      });
      const answer$ = assistant.stream([{ role: 'user', content: 'Hello' }]);
      answer$.subscribe();
      flush();
      expect(renderInsights(answer$)).toMatchInlineSnapshot(`
        "ResilientProvider.stream [assistant]       text, retract, switch, text x2, finish, complete
        ├─ resilience [main]                       text, error RetryExhaustedError
        │  └─ retryWithBackoff [main]              text, error RetryExhaustedError
        │     ├─ circuitBreaker [main]             text, error ProviderError
        │     │  └─ bulkhead [main]                text, error ProviderError
        │     │     └─ ChatProvider.stream [main]  text, error ProviderError
        │     └─ circuitBreaker [main]             error ProviderError
        │        └─ bulkhead [main]                error ProviderError
        │           └─ ChatProvider.stream [main]  error ProviderError
        └─ resilience [spare]                      retract, switch, text x2, finish, complete
           └─ retryWithBackoff [spare]             retract, switch, text x2, finish, complete
              └─ circuitBreaker [spare]            retract, switch, text x2, finish, complete
                 └─ bulkhead [spare]               retract, switch, text x2, finish, complete
                    └─ ChatProvider.stream [spare] text x2, finish, unsubscribe"
      `);
    });
  });

  it('of chat() have a name too', async () => {
    const declared: string[] = [];
    insights.uninstall();
    const recorder = getRecorder();
    const { declarationRef } = recorder;
    recorder.declarationRef = (name, ...rest) => {
      declared.push(name);
      return declarationRef.call(recorder, name, ...rest);
    };
    insights = await installInsights({ recorder });
    const provider: ChatProvider = {
      name: 'p',
      stream: () => of<ChatChunk[]>({ type: 'text', text: 'Hi' }, { type: 'finish', reason: 'stop' }),
    };
    await new ResilientProvider({ provider }).chat([{ role: 'user', content: 'Hello' }]);
    expect(declared).toContain('ResilientProvider.chat');
    expect(declared).toContain('ChatProvider.stream');
  });
});

describe('redaction', () => {
  const SECRETS = { key: 'sk-key-4711', header: 'Bearer 4712', prompt: 'prompt-4713', answer: 'answer-4714' };
  const secret = /471[1-4]/;

  /** Everything that can be reached from what was recorded, functions and prototypes aside. */
  function texts(root: unknown): string[] {
    const found: string[] = [];
    const seen = new Set<unknown>();
    const visit = (it: unknown): void => {
      if (typeof it === 'string') found.push(it);
      if ((typeof it !== 'object' && typeof it !== 'function') || it === null || seen.has(it)) return;
      seen.add(it);
      if (it instanceof Map || it instanceof Set) for (const entry of it) visit(entry);
      for (const key of Reflect.ownKeys(it)) {
        found.push(String(key));
        const { value } = Object.getOwnPropertyDescriptor(it, key) ?? {};
        visit(value);
      }
    };
    visit(root);
    return found;
  }

  /** One call of which everything is secret, and what was recorded of it. */
  async function recorded(): Promise<unknown> {
    const provider: ChatProvider & Record<string, unknown> = {
      name: 'main',
      apiKey: SECRETS.key,
      headers: { authorization: SECRETS.header },
      stream: (request) =>
        concat(
          of<ChatChunk[]>({ type: 'text', text: `${SECRETS.answer} ${JSON.stringify(request)}` }),
          throwError(
            () =>
              new ProviderError(`bad ${SECRETS.key}`, {
                kind: 'server',
                provider: 'main',
                cause: new Error(SECRETS.prompt),
              }),
          ),
        ),
    };
    const assistant = new ResilientProvider({ provider, retry: { maxRetries: 1, backoff: fixedBackoff(1) } });
    const answer$ = assistant.stream([{ role: 'user', content: SECRETS.prompt }]);
    await lastValueFrom(answer$).catch(() => {});
    const kept = new BehaviorSubject(SECRETS.key).pipe(
      map((key) => `${key}!`),
      bulkhead({ name: 'pool' }),
    );
    kept.subscribe().unsubscribe();
    return [answer$, kept].map((stream) => (stream as unknown as Record<symbol, unknown>)[META]);
  }

  it('lets no key, header, prompt or answer into what is recorded', async () => {
    const found = texts(await recorded());
    expect(found).toEqual(
      expect.arrayContaining(['ResilientProvider.stream', 'main', 'pool', 'text', 'StreamInterruptedError']),
    );
    expect(found.filter((text) => secret.test(text))).toStrictEqual([]);
  });

  it('lets through what it is told to, and that is what the test above would see', async () => {
    insights.uninstall();
    insights = await installInsights({ describe: (value) => value });
    const found = texts(await recorded());
    for (const text of Object.values(SECRETS))
      expect(found.some((it) => it.includes(text))).toBe(text !== SECRETS.header);
  });

  it('is done by a function of the user, and one that throws disturbs nobody', async () => {
    insights.uninstall();
    insights = await installInsights({
      describe(value) {
        if (typeof value === 'number') return value * 2;
        throw new Error('I do not know');
      },
    });
    const stream = of(1, 'two').pipe(timeout(10));
    const heard: unknown[] = [];
    stream.subscribe((value) => heard.push(value));
    expect(heard).toStrictEqual([1, 'two']);
    expect(insightsOf(stream)[0]?.values).toStrictEqual([2, 'unknown']);
  });

  it('tells the types of chunks and of events, and of nothing else', () => {
    const types: Record<ChatChunk['type'], true> = {
      text: true,
      reasoning: true,
      'tool-call': true,
      usage: true,
      finish: true,
      retract: true,
      resume: true,
      switch: true,
    };
    expect(Object.keys(types).sort()).toStrictEqual([...CHUNK_TYPES].sort());
    class Sealed {
      readonly type = 'sealed';
    }
    const values = [
      { type: 'retract' },
      { type: 'timed_out' },
      { type: 'sk-1' },
      new Sealed(),
      Object.create(null),
      null,
      undefined,
      [1],
      () => 1,
      1n,
    ];
    const stream = of(...values).pipe(timeout(10));
    stream.subscribe();
    expect(insightsOf(stream)[0]?.values.join()).toBe(
      'retract,timed_out,Object,Sealed,Object,null,undefined,Array,function,bigint',
    );
  });
});

describe('what the program does', () => {
  const unhandled = vi.fn();
  beforeEach(() => {
    unhandled.mockClear();
    config.onUnhandledError = unhandled;
  });
  afterEach(() => {
    config.onUnhandledError = null;
  });
  const aTick = () => new Promise((resolve) => setTimeout(resolve));

  it('an error that nobody handles is reported', async () => {
    const boom = new Error('boom');
    throwError(() => boom).subscribe();
    throwError(() => boom).subscribe(() => {});
    await aTick();
    expect(unhandled.mock.calls).toStrictEqual([[boom], [boom]]);
  });

  it('a consumer that throws disturbs neither its producer nor the others', async () => {
    const source = new Subject<number>();
    const heard: number[] = [];
    source.subscribe(() => {
      throw new Error('a consumer');
    });
    source.subscribe((value) => heard.push(value));
    source.next(1);
    source.next(2);
    await aTick();
    expect(heard).toStrictEqual([1, 2]);
    expect(unhandled).toHaveBeenCalledTimes(2);
  });

  it('a listener of the bus that throws is left alone', () => {
    const bus = new EventBus();
    const heard = vi.fn();
    bus.on('timed_out').subscribe(() => {
      throw new Error('a listener');
    });
    bus.on('timed_out').subscribe(heard);
    bus.publish('timed_out', 'clock', { kind: 'total', after: 1 });
    expect(heard).toHaveBeenCalledOnce();
  });

  it('an observer keeps its `this`, a subject may observe, and what has been unsubscribed says so', () => {
    class Counter {
      count = 0;
      next(): void {
        this.count++;
      }
    }
    const counter = new Counter();
    of(1, 2).subscribe(counter);
    expect(counter.count).toBe(2);
    const subject = new Subject<number>();
    const heard: number[] = [];
    subject.subscribe((value) => heard.push(value));
    of(1, 2).subscribe(subject);
    expect(heard).toStrictEqual([1, 2]);
    const closed = new Subject<number>();
    closed.unsubscribe();
    expect(() => closed.next(1)).toThrow(ObjectUnsubscribedError);
    expect(() => closed.subscribe()).toThrow(ObjectUnsubscribedError);
  });

  it('what a scheduler does later belongs to who scheduled it, and nothing after it does', async () => {
    const inner = of(1).pipe(timeout({ name: 'inner', total: 10 }));
    const stream = new Observable<number>((subscriber) => {
      asapScheduler.schedule(() => inner.subscribe(subscriber));
    }).pipe(timeout({ name: 'outer', total: 10 }));
    const other = of(1).pipe(timeout({ name: 'other', total: 10 }));
    stream.subscribe();
    await aTick();
    other.subscribe();
    expect(names(insightsOf(stream))).toStrictEqual([['timeout outer', 'timeout inner']]);
    expect(names(insightsOf(other))).toStrictEqual(['timeout other']);
  });
});

describe('installing', () => {
  it('twice is once', async () => {
    const again = await Promise.all([installInsights(), installInsights({ describe: String })]);
    expect(again).toStrictEqual([insights, insights]);
    const stream = EMPTY.pipe(timeout(1));
    stream.subscribe();
    expect(insightsOf(stream)).toHaveLength(1);
  });

  it('can be undone, and done again', async () => {
    const live = NEVER.pipe(timeout({ total: Infinity }));
    const subscription = live.subscribe();
    insights.uninstall();
    insights.uninstall();
    expect(getGlobalEnv()).toBeUndefined();
    expect({ ...bare }).toStrictEqual({
      subscribe: Observable.prototype.subscribe,
      next: Subject.prototype.next,
      error: Subject.prototype.error,
      complete: Subject.prototype.complete,
    });
    for (const scheduler of [asyncScheduler, asapScheduler])
      expect(Object.hasOwn(scheduler, 'schedule')).toBe(false);
    subscription.unsubscribe();
    expect(insightsOf(live)[0]?.end).toBe('unsubscribe');
    const unseen = of(1).pipe(timeout(1));
    unseen.subscribe();
    expect(insightsOf(unseen)).toStrictEqual([]);
    insights = await installInsights();
    const seen = of(1).pipe(timeout(1));
    seen.subscribe();
    expect(insightsOf(seen)).toHaveLength(1);
  });

  const recorderOf = (ref: () => unknown): InsightsRecorder => ({
    declarationRef: ref,
    observableRef: ref,
    subscriberRef: ref,
    callerRef: ref,
    observableEventRef: ref,
    subscriberEventRef: ref,
    addTag: () => undefined,
    setInternal: () => undefined,
    startTask: () => undefined,
    endTask: () => undefined,
  });

  it('takes a stream that another recorder has seen for a new one', async () => {
    const theirs: { readonly sources: unknown[] }[] = [];
    const foreign = (): object => {
      const ref = { sources: [] };
      theirs.push(ref);
      return ref;
    };
    insights.uninstall();
    insights = await installInsights({ recorder: recorderOf(foreign) });
    const subject = new Subject<number>();
    const below = new Subject<number>();
    const unseen = new Subject<number>();
    below.subscribe();
    below.next(0);
    subject.subscribe(below);
    unseen.subscribe();
    EMPTY.subscribe();
    insights.uninstall();
    insights = await installInsights();
    unseen.next(1);
    EMPTY.subscribe();
    const named = subject.pipe(timeout({ name: 'clock', total: 1_000 }));
    named.subscribe(below);
    subject.next(1);
    subject.complete();
    const shown = [{ name: 'timeout', tags: ['clock'], values: ['number'], end: 'complete' }];
    expect(insightsOf(named)).toMatchObject(shown);
    expect(insightsOf(EMPTY, { internal: true }).at(-1)).toMatchObject({ end: 'complete' });
    expect(theirs.flatMap(({ sources }) => sources)).toStrictEqual([]);
    const recorded = (named as unknown as Record<symbol, { observableRef: { sourceObservable?: unknown } }>)[
      META
    ];
    expect(theirs).not.toContain(recorded?.observableRef.sourceObservable);
    insights.uninstall();
    insights = await installInsights();
    EMPTY.subscribe();
    expect(insightsOf(named)).toMatchObject(shown);
    expect(insightsOf(EMPTY, { internal: true })).toHaveLength(2);
  });

  it('knows a stream again also where a recorder counts what it makes', async () => {
    let made = 0;
    const recorder = recorderOf(() => ++made);
    const observableRef = vi.spyOn(recorder, 'observableRef');
    insights.uninstall();
    insights = await installInsights({ recorder });
    const stream = new Subject<number>();
    stream.subscribe();
    stream.subscribe();
    stream.next(1);
    expect(observableRef).toHaveBeenCalledTimes(1);
  });

  it('leaves alone what somebody else has put around it, and does nothing there any more', () => {
    const ours = Observable.prototype.subscribe;
    const calls = vi.fn();
    Observable.prototype.subscribe = function (this: Observable<unknown>, ...args: unknown[]) {
      calls();
      return ours.apply(this, args as []);
    } as typeof ours;
    insights.uninstall();
    const stream = of(1).pipe(timeout(1));
    const heard = vi.fn();
    stream.subscribe(heard);
    expect(calls).toHaveBeenCalled();
    expect(heard).toHaveBeenCalledWith(1);
    expect(insightsOf(stream)).toStrictEqual([]);
    Observable.prototype.subscribe = bare.subscribe;
  });

  it('adds names and redaction to an installation of RxJS Insights itself, and takes them away again', async () => {
    insights.uninstall();
    let trace: object | undefined;
    const tracer = {
      getTrace: () => trace,
      run<T>(next: object, run: () => T): T {
        const before = trace;
        trace = next;
        try {
          return run();
        } finally {
          trace = before;
        }
      },
    };
    const recorder = getRecorder();
    const parts = { Observable, Subject, Subscriber, recorder, tracer, locator: { locate: () => ({}) } };
    installBare(parts as Parameters<typeof installBare>[0]);
    const theirs: Env = getGlobalEnv();
    const seen = (stream: Observable<unknown>) => {
      stream.subscribe();
      return insightsOf(stream).at(-1);
    };
    expect(seen(of(7).pipe(timeout({ name: 'clock', total: 1 })))).toMatchObject({
      name: 'timeout',
      tags: ['clock'],
      values: [7],
    });
    insights = await installInsights();
    expect(getGlobalEnv()).toBe(theirs);
    expect(seen(of(7).pipe(timeout(1)))).toMatchObject({ name: 'timeout', values: ['number'] });
    expect(seen(madeBefore.registry.changes$)).toMatchObject({ name: 'CircuitRegistry.changes$' });
    insights.uninstall();
    expect(getGlobalEnv()).toBe(theirs);
    expect(Object.keys(recorder).filter((key) => key !== 'currentTask')).toStrictEqual([]);
    expect(seen(of(7).pipe(timeout(1)))).toMatchObject({ values: [7] });
    Observable.prototype.subscribe = bare.subscribe;
    Object.assign(Subject.prototype, { next: bare.next, error: bare.error, complete: bare.complete });
  });

  it.each<[object, RegExp]>([
    [{ recorder: {} }, /installInsights: option "recorder" must be a recorder of RxJS Insights/],
    [{ describe: 'all' }, /option "describe" must be a function, got "all"/],
    [{ values: true }, /unknown option "values"/],
  ])('refuses %j', (options, message) => {
    expect(() => installInsights(options)).toThrow(message);
    expect(() => installInsights(options)).toThrow(ConfigurationError);
  });
});
