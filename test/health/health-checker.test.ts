import fc from 'fast-check';
import { BehaviorSubject, EMPTY, map, NEVER, Observable, of, Subject, throwError, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker, CircuitRegistry } from '../../src/circuit-breaker/index.ts';
import { withhold } from '../../src/core/error-summary.ts';
import { ConfigurationError } from '../../src/core/errors.ts';
import { EventBus, getEventBus } from '../../src/core/event-bus.ts';
import { ResilienceEventSchema } from '../../src/core/events.ts';
import {
  circuitCheck,
  type HealthCheck,
  HealthChecker,
  type HealthCheckOptions,
  type HealthReport,
  type HealthStatus,
} from '../../src/health/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const events = new EventBus();
let scheduler: ManualScheduler;
let health: HealthChecker;

beforeEach(() => {
  scheduler = new ManualScheduler();
  health = new HealthChecker({ name: 'health', events, scheduler });
});

/** Somebody else's promise. */
const thenable: unknown = {
  // biome-ignore lint/suspicious/noThenProperty: a promise, but not the platform's
  then: (done: (value: boolean) => void) => done(true), // oxlint-disable-line unicorn/no-thenable
};

/** What the one check that is registered says. */
async function verdict(check: HealthCheck, options?: HealthCheckOptions) {
  health.register('check', check, options);
  const { checks } = await health.checkAll();
  return checks.check;
}

describe('an answer', () => {
  it.each<[HealthCheck, HealthStatus]>([
    [() => true, 'healthy'],
    [() => false, 'unhealthy'],
    [() => 'healthy', 'healthy'],
    [() => 'degraded', 'degraded'],
    [() => 'unhealthy', 'unhealthy'],
    [() => ({ status: 'degraded' }), 'degraded'],
    [async () => true, 'healthy'],
    [() => Promise.resolve('degraded' as const), 'degraded'],
    [async () => ({ status: 'unhealthy' }), 'unhealthy'],
    [() => of(true, false), 'healthy'],
    [() => of('degraded'), 'degraded'],
    [() => thenable as PromiseLike<boolean>, 'healthy'],
  ])('%s is %s', async (check, status) => {
    expect(await verdict(check)).toStrictEqual({
      status,
      critical: true,
      duration: 0,
      age: 0,
      checkedAt: expect.any(Number),
    });
  });

  it('may say what else is known', async () => {
    const error = Object.assign(new RangeError('lag of 7 s'), { kind: 'overloaded' });
    const details = { lag: 7_000 };
    expect(await verdict(() => ({ status: 'degraded', error, details }))).toMatchObject({
      status: 'degraded',
      error: { name: 'RangeError', message: 'lag of 7 s', kind: 'overloaded' },
      details,
    });
  });

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
      'boom',
    ],
    [
      'rejects',
      async () => {
        throw new Error('boom');
      },
      'boom',
    ],
    ['errors', () => throwError(() => new Error('boom')), 'boom'],
    ['is empty', () => EMPTY, 'The check ended without an answer.'],
    ['returns nothing', () => undefined, 'The check gave no answer'],
    ['resolves to nothing', async () => {}, 'The check gave no answer'],
    [
      'resolves to something else',
      async () => new Response(null, { status: 500 }),
      'The check gave no answer',
    ],
    ['returns a word', () => 'fine', 'The check gave no answer'],
    ['returns a number', () => 0, 'The check gave no answer'],
    [
      'throws when it is read',
      () => ({
        get status(): never {
          throw new Error('boom');
        },
      }),
      'boom',
    ],
  ])('that %s is unhealthy, with the reason', async (_, check, message) => {
    const report = await verdict(check as HealthCheck);
    expect(report?.status).toBe('unhealthy');
    expect(report?.error?.message).toContain(message);
  });

  it('has its type inferred', () => {
    health.register('promise', async () => 'healthy');
    health.register('stream', () => of('degraded'));
    health.register('findings', async () => ({ status: 'degraded', details: { lag: 1 } }));
    // @ts-expect-error A check must say something.
    health.register('void', async () => {});
    // @ts-expect-error It must be one of the three.
    health.register('word', () => 'fine');
    expectTypeOf(health.overall).toEqualTypeOf<HealthStatus>();
    expectTypeOf(health.watch(1)).toEqualTypeOf<Observable<HealthReport>>();
  });
});

describe('a check that does not answer', () => {
  it('is unhealthy when its time is over, by its own timeout or that of the checker, and is told so', async () => {
    const aborted: string[] = [];
    const silent =
      (name: string): HealthCheck =>
      ({ signal }) =>
        new Promise<boolean>(() =>
          signal.addEventListener('abort', () => aborted.push(`${name} at ${scheduler.now()}`)),
        );
    health.register('impatient', silent('impatient'), { timeout: 100 });
    health.register('default', silent('default'));
    const report = health.checkAll();
    scheduler.advanceTo(100);
    expect(aborted).toStrictEqual(['impatient at 100']);
    scheduler.advanceTo(5_000);
    expect(aborted).toStrictEqual(['impatient at 100', 'default at 5000']);
    const { status, checks } = await report;
    expect(status).toBe('unhealthy');
    expect(checks.impatient).toMatchObject({
      status: 'unhealthy',
      duration: 100,
      age: 4_900,
      error: { name: 'StreamTimeoutError', message: expect.stringContaining('"impatient"') },
    });
    expect(checks.default).toMatchObject({ status: 'unhealthy', duration: 5_000, age: 0 });
    expect(scheduler.pending).toBe(0);
  });

  it('is unsubscribed, as is one that has answered', () => {
    const sources = [new Subject<boolean>(), new Subject<boolean>()] as const;
    health.register('silent', () => sources[0], { timeout: 10 });
    health.register('endless', () => sources[1]);
    void health.checkAll();
    expect(sources.map(({ observed }) => observed)).toStrictEqual([true, true]);
    sources[1].next(true);
    expect(sources.map(({ observed }) => observed)).toStrictEqual([true, false]);
    scheduler.advanceTo(10);
    expect(sources.map(({ observed }) => observed)).toStrictEqual([false, false]);
  });

  it('does not disturb when it answers late', async () => {
    vi.useFakeTimers();
    const late = new HealthChecker({ events, timeout: 10 });
    late.register('resolves', () => new Promise<boolean>((resolve) => setTimeout(resolve, 20, true)));
    late.register(
      'rejects',
      () => new Promise<boolean>((_, reject) => setTimeout(reject, 20, new Error('late'))),
    );
    const report = late.checkAll();
    await vi.advanceTimersByTimeAsync(30);
    const { checks } = await report;
    expect(Object.values(checks).map(({ status }) => status)).toStrictEqual(['unhealthy', 'unhealthy']);
    expect(late.overall).toBe('unhealthy');
  });

  it('does not abort the signal of one that has answered', async () => {
    const signals: AbortSignal[] = [];
    health.register('promise', async ({ signal }) => signals.push(signal) > 0);
    health.register('stream', ({ signal }) => new BehaviorSubject(signals.push(signal) > 0));
    await health.checkAll();
    expect(signals.map(({ aborted }) => aborted)).toStrictEqual([false, false]);
  });

  afterEach(() => void vi.useRealTimers());
});

describe('the whole', () => {
  it.each<[(readonly [HealthStatus, boolean])[], HealthStatus]>([
    [[], 'healthy'],
    [
      [
        ['healthy', true],
        ['healthy', false],
      ],
      'healthy',
    ],
    [
      [
        ['healthy', true],
        ['degraded', false],
      ],
      'degraded',
    ],
    [
      [
        ['healthy', true],
        ['degraded', true],
      ],
      'degraded',
    ],
    [
      [
        ['healthy', true],
        ['unhealthy', false],
      ],
      'degraded',
    ],
    [
      [
        ['healthy', true],
        ['unhealthy', true],
      ],
      'unhealthy',
    ],
    [
      [
        ['unhealthy', true],
        ['degraded', false],
      ],
      'unhealthy',
    ],
    [
      [
        ['unhealthy', false],
        ['unhealthy', true],
      ],
      'unhealthy',
    ],
  ])('of %j is %s', async (checks, expected) => {
    for (const [index, [status, critical]] of checks.entries())
      health.register(`check ${index}`, () => status, { critical });
    expect(health.overall).toBe('healthy');
    const { status, ok } = await health.checkAll();
    expect({ status, ok }).toStrictEqual({ status: expected, ok: expected !== 'unhealthy' });
    expect(health.overall).toBe(expected);
  });

  it('waits for all, who run at the same time', async () => {
    const first = new Subject<boolean>();
    const second = new Subject<boolean>();
    health.register('first', () => first);
    health.register('second', () => second);
    const report = health.checkAll();
    scheduler.advanceTo(10);
    second.next(false);
    expect(health.overall).toBe('healthy');
    scheduler.advanceTo(30);
    first.next(true);
    const { status, checks } = await report;
    expect(status).toBe('unhealthy');
    expect(Object.keys(checks)).toStrictEqual(['first', 'second']);
    expect(checks).toMatchObject({ first: { duration: 30, age: 0 }, second: { duration: 10, age: 20 } });
  });

  it('runs nothing twice at the same time, however many ask', async () => {
    const answer = new Subject<boolean>();
    const check = vi.fn(() => answer);
    health.register('slow', check);
    const reports = [health.checkAll(), health.readiness()];
    health.register('quick', () => true);
    reports.push(health.checkAll());
    expect(check).toHaveBeenCalledTimes(1);
    answer.next(true);
    const names = (await Promise.all(reports)).map(({ checks }) => Object.keys(checks));
    expect(names).toStrictEqual([['slow'], ['slow'], ['slow', 'quick']]);
    void health.checkAll();
    expect(check).toHaveBeenCalledTimes(2);
  });

  it('asks again when an answer is as old as maxAge, and not before', async () => {
    const check = vi.fn(() => true);
    health = new HealthChecker({ events, scheduler, maxAge: 1_000 });
    health.register('shared', check);
    health.register('own', check, { maxAge: 0 });
    await health.checkAll();
    scheduler.advanceTo(999);
    const { checks } = await health.checkAll();
    expect(checks).toMatchObject({ shared: { age: 999 }, own: { age: 0 } });
    expect(check).toHaveBeenCalledTimes(3);
    scheduler.advanceTo(1_000);
    expect((await health.checkAll()).checks.shared?.age).toBe(0);
    expect(check).toHaveBeenCalledTimes(5);
  });

  it('is not confused by a check that asks for the whole', async () => {
    health.register('curious', () => health.checkAll().then(({ ok }) => ok), { timeout: 10 });
    const report = health.checkAll();
    scheduler.advanceTo(10);
    expect((await report).checks.curious?.error?.name).toBe('StreamTimeoutError');
  });
});

describe('registering', () => {
  it('the same name again makes way for the new check, and ends the old one', async () => {
    const old = new Subject<boolean>();
    const unregisterOld = health.register('db', () => old);
    const report = health.checkAll();
    health.register('db', () => 'degraded');
    expect(old.observed).toBe(false);
    expect((await report).checks).toStrictEqual({});
    unregisterOld();
    expect((await health.checkAll()).checks.db?.status).toBe('degraded');
  });

  it('forgets what an unregistered check has found', async () => {
    health.register('bad', () => false);
    const unregister = health.register('worse', () => false);
    await health.checkAll();
    expect(health.unregister('bad')).toBe(true);
    expect(health.unregister('bad')).toBe(false);
    expect(health.overall).toBe('unhealthy');
    unregister();
    expect(health.overall).toBe('healthy');
    expect(await health.checkAll()).toMatchObject({ status: 'healthy', checks: {} });
  });

  it('may happen while the checks run, also by one of them', async () => {
    health.register('suicidal', () => {
      health.unregister('suicidal');
      health.register('heir', () => false);
      return true;
    });
    expect(await health.checkAll()).toMatchObject({ status: 'healthy', checks: {} });
    expect(await health.checkAll()).toMatchObject({
      status: 'unhealthy',
      checks: { heir: { status: 'unhealthy' } },
    });
  });

  it('takes any name', async () => {
    health.register('__proto__', () => false);
    const { checks } = await health.checkAll();
    expect(Object.keys(checks)).toStrictEqual(['__proto__']);
    expect(JSON.stringify(checks)).toContain('"__proto__":{"status":"unhealthy"');
  });

  it.each<[() => unknown, RegExp]>([
    [
      () => health.register('', () => true),
      /HealthChecker\.register: option "name" must not be empty, got ""/,
    ],
    [() => health.register('db', true as never), /option "check" must be a function, got true/],
    [() => health.register('db', () => true, { timeout: 0 }), /register "db": option "timeout".*got 0/],
    [() => health.register('db', () => true, { maxAge: -1 }), /option "maxAge" must not be negative, got -1/],
    [
      () => health.register('db', () => true, { critical: 'yes' as never }),
      /option "critical" must be a boolean/,
    ],
    [() => health.register('db', () => true, { interval: 5 } as never), /unknown option "interval"/],
    [
      () => health.registerCircuits(new CircuitRegistry(), { liveness: true } as never),
      /unknown option "liveness"/,
    ],
    [() => health.registerProvider({ name: 'x' } as never), /option "isHealthy" must be a function/],
    [() => health.watch(0), /HealthChecker\.watch: option "interval".*greater than 0.*got 0/],
    [() => health.watch(Number.NaN), /option "interval".*got NaN/],
    [() => new HealthChecker({ timeout: 0 }), /HealthChecker: option "timeout".*got 0/],
    [() => new HealthChecker({ maxAge: Infinity }), /option "maxAge".*got Infinity/],
  ])('%s is refused', (attempt, message) => {
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(ConfigurationError);
  });
});

describe('the events', () => {
  it('tell of every change of a check and of the whole, and of nothing else', async () => {
    let heard: string[] = [];
    const rounds: string[][] = [];
    const endRound = (): void => {
      rounds.push(heard);
      heard = [];
    };
    const subscription = events.on('health_changed').subscribe((event) => {
      expect(ResilienceEventSchema.parse(JSON.parse(JSON.stringify(event)))).toMatchObject({
        source: 'health',
      });
      const { check = 'all', from = 'unknown', to, error } = event.data;
      heard.push(`${check}: ${from} > ${to}${error ? ` (${error.message})` : ''}`);
    });
    let answers: Record<string, () => boolean> = { db: () => true, cache: () => true };
    const boom = (): never => {
      throw new Error('boom');
    };
    health.register('db', () => answers.db!());
    health.register('cache', () => answers.cache!(), { critical: false });
    for (const change of [{}, {}, { cache: boom }, { db: boom }, { cache: () => true }, { db: () => true }]) {
      answers = { ...answers, ...change };
      await health.checkAll();
      endRound();
    }
    answers.db = boom;
    await health.checkAll();
    endRound();
    health.unregister('db');
    endRound();
    expect(rounds).toStrictEqual([
      ['db: unknown > healthy', 'cache: unknown > healthy'],
      [],
      ['cache: healthy > unhealthy (boom)', 'all: healthy > degraded'],
      ['db: healthy > unhealthy (boom)', 'all: degraded > unhealthy'],
      ['cache: unhealthy > healthy'],
      ['db: unhealthy > healthy', 'all: unhealthy > healthy'],
      ['db: healthy > unhealthy (boom)', 'all: healthy > unhealthy'],
      ['all: unhealthy > healthy'],
    ]);
    subscription.unsubscribe();
  });

  it('come after the state has changed, and their listeners may do what they like', async () => {
    const heard: unknown[] = [];
    const subscription = events.on('health_changed').subscribe(({ data: { check } }) => {
      heard.push([check, health.overall]);
      void health.checkAll();
      health.unregister('db');
      throw new Error('a listener');
    });
    health.register('db', () => false);
    expect(await health.checkAll()).toMatchObject({ status: 'healthy', checks: {} });
    expect(heard).toStrictEqual([['db', 'healthy']]);
    subscription.unsubscribe();
  });

  it('belong to no call, whoever asks', async () => {
    const heard: unknown[] = [];
    const subscription = events.subscribe(({ type, call }) => heard.push([type, call]));
    const asks = new Observable<never>((subscriber) => {
      void health.checkAll();
      health.unregister('db');
      getEventBus().publish('frame_skipped', 'somebody in the call', {
        error: { name: 'Error', message: '' },
      });
      subscriber.complete();
    });
    const others = getEventBus().subscribe(({ type, call }) => heard.push([type, call]));
    health.register('db', () => false);
    asks.pipe(bulkhead({ name: 'pool' })).subscribe();
    expect(heard).toStrictEqual([
      ['health_changed', undefined],
      ['health_changed', undefined],
      ['health_changed', undefined],
      ['frame_skipped', expect.stringMatching(/^call-/)],
    ]);
    subscription.unsubscribe();
    others.unsubscribe();
  });
});

describe('watch', () => {
  /** What is heard until `end`, as `status at time`. */
  function watching(interval: number) {
    const heard: string[] = [];
    const subscription = health
      .watch(interval)
      .subscribe(({ status }) => heard.push(`${status} at ${scheduler.now()}`));
    return { heard, unsubscribe: () => subscription.unsubscribe() };
  }

  it('checks at once and again an interval after each report, and never twice at the same time', () => {
    let running = 0;
    let most = 0;
    health.register(
      'slow',
      () =>
        new Observable<boolean>((subscriber) => {
          most = Math.max(most, ++running);
          const timer = scheduler.schedule(() => subscriber.next(true), 25);
          return () => {
            running--;
            timer.unsubscribe();
          };
        }),
    );
    const { heard, unsubscribe } = watching(10);
    scheduler.advanceTo(100);
    unsubscribe();
    expect(heard).toStrictEqual(['healthy at 25', 'healthy at 60', 'healthy at 95']);
    expect(most).toBe(1);
    expect(running).toBe(0);
  });

  it('is shared, and whoever comes later begins with the last report', () => {
    const check = vi.fn(() => true);
    health.register('db', check);
    const first = watching(10);
    scheduler.advanceTo(15);
    const second = watching(10);
    expect(second.heard).toStrictEqual(['healthy at 15']);
    first.unsubscribe();
    scheduler.advanceTo(25);
    second.unsubscribe();
    expect(first.heard).toStrictEqual(['healthy at 0', 'healthy at 10']);
    expect(second.heard).toStrictEqual(['healthy at 15', 'healthy at 20']);
    expect(check).toHaveBeenCalledTimes(3);
  });

  it('pauses while nobody listens, and asks anew when somebody comes', () => {
    const check = vi.fn(() => NEVER);
    health.register('db', check);
    const reports$ = health.watch(10);
    expect(check).not.toHaveBeenCalled();
    reports$.subscribe().unsubscribe();
    expect(check).toHaveBeenCalledTimes(1);
    expect(scheduler.pending).toBe(0);
    scheduler.advanceTo(60_000);
    expect(check).toHaveBeenCalledTimes(1);
    reports$.subscribe().unsubscribe();
    expect(check).toHaveBeenCalledTimes(2);
  });

  it('the last who leaves aborts what is under way, unless somebody else waits for it', async () => {
    let signal!: AbortSignal;
    health.register(
      'db',
      (context) => {
        ({ signal } = context);
        return new Promise<boolean>(() => {});
      },
      { timeout: 50 },
    );
    const watcher = watching(10);
    const report = health.checkAll();
    watcher.unsubscribe();
    expect(signal.aborted).toBe(false);
    scheduler.advanceTo(50);
    expect((await report).status).toBe('unhealthy');
    expect(signal.aborted).toBe(true);
    const { unsubscribe } = watching(10);
    expect(signal.aborted).toBe(false);
    unsubscribe();
    expect(signal.aborted).toBe(true);
  });

  it('sees checks that come and go', () => {
    const heard: string[] = [];
    const subscription = health.watch(10).subscribe(({ checks }) => heard.push(Object.keys(checks).join()));
    health.register('a', () => true);
    scheduler.advanceTo(10);
    health.register('b', () => true);
    health.unregister('a');
    scheduler.advanceTo(20);
    subscription.unsubscribe();
    expect(heard).toStrictEqual(['', 'a', 'b']);
  });

  it('is virtual by itself in a TestScheduler', () => {
    const virtual = new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected));
    virtual.run(({ expectObservable, cold }) => {
      const checker = new HealthChecker({ timeout: 5 });
      const answers = ['--a|', '---------a|', '#', '|'];
      checker.register('db', () => cold<boolean>(answers.shift() ?? 'a', { a: true }));
      const seen = checker.watch(10);
      const report = (status: HealthStatus) => expect.objectContaining({ status });
      expectObservable(seen, '^ 45ms !').toBe('--h 14ms u 9ms u 9ms u---', {
        h: report('healthy'),
        u: report('unhealthy'),
      });
    });
  });

  it('leaves nothing behind, whatever is done in whatever order', () => {
    const step = fc.constantFrom(
      'watch',
      'watch slowly',
      'leave',
      'check',
      'register',
      'unregister',
      'answer',
      'time',
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        scheduler = new ManualScheduler();
        health = new HealthChecker({ events: new EventBus(), scheduler, timeout: 30 });
        const listeners: { unsubscribe(): void }[] = [];
        const runs: { name: string; answer: Subject<boolean> }[] = [];
        const running = (): string[] => runs.filter(({ answer }) => answer.observed).map(({ name }) => name);
        for (const [index, action] of steps.entries()) {
          const name = `check ${index % 3}`;
          if (action === 'watch') listeners.push(watching(10));
          else if (action === 'watch slowly') listeners.push(watching(25));
          else if (action === 'leave') listeners.shift()?.unsubscribe();
          else if (action === 'check') void health.checkAll();
          else if (action === 'register')
            health.register(name, () => {
              const answer = new Subject<boolean>();
              runs.push({ name, answer });
              return answer;
            });
          else if (action === 'unregister') health.unregister(name);
          else if (action === 'answer') for (const { answer } of runs) answer.next(true);
          else scheduler.advanceTo(scheduler.now() + 7);
          expect(new Set(running()).size).toBe(running().length);
        }
        for (const listener of listeners) listener.unsubscribe();
        scheduler.advanceTo(scheduler.now() + 1_000);
        expect(scheduler.pending).toBe(0);
        expect(running()).toStrictEqual([]);
      }),
    );
  });
});

describe('liveness and readiness', () => {
  it('only what a restart cures has a say in liveness', async () => {
    const database = vi.fn(() => false);
    health.register('database', database);
    health.register('event loop', () => 'degraded', { liveness: true });
    expect(await health.liveness()).toMatchObject({
      status: 'degraded',
      ok: true,
      checks: { 'event loop': {} },
    });
    expect(database).not.toHaveBeenCalled();
    expect(health.overall).toBe('degraded');
    expect(await health.readiness()).toMatchObject({ status: 'unhealthy', ok: false });
    expect(await health.liveness()).toMatchObject({ status: 'degraded' });
  });

  it('a process without such checks lives', async () => {
    health.register('database', () => false);
    expect(await health.liveness()).toMatchObject({ status: 'healthy', ok: true, checks: {} });
  });
});

describe('a circuit', () => {
  const failing = () =>
    new CircuitBreaker({ name: 'payments', failureThreshold: 1, recoveryTimeout: 1_000, scheduler });
  const fail = (breaker: CircuitBreaker): void => breaker.acquire().failure(new Error('503'));

  it('is as healthy as its state says, and nothing is called', async () => {
    const breaker = failing();
    const check = circuitCheck(breaker);
    expect(await verdict(check)).toMatchObject({ status: 'healthy', details: { state: 'closed' } });
    fail(breaker);
    expect(await verdict(check)).toMatchObject({
      status: 'unhealthy',
      error: { name: 'Error', message: '503' },
      details: { state: 'open', retryAfter: 1_000 },
    });
    scheduler.advanceTo(1_000);
    expect(await verdict(check)).toMatchObject({ status: 'degraded', details: { state: 'half-open' } });
    breaker.forceOpen();
    expect(await verdict(check)).toMatchObject({ status: 'unhealthy' });
    breaker.disable();
    expect((await verdict(check))?.error).toBeUndefined();
    breaker.metricsOnly();
    expect(await verdict(check)).toMatchObject({ status: 'healthy' });
  });

  it('that is open and need not wait is degraded: the next call is let through', async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeout: 0, scheduler });
    fail(breaker);
    expect(await verdict(circuitCheck(breaker))).toMatchObject({
      status: 'degraded',
      details: { state: 'open' },
    });
  });

  it('of a registry comes and goes with it', async () => {
    const registry = new CircuitRegistry({ capacity: 2 });
    const payments = registry.getOrCreate('payments', { failureThreshold: 1, scheduler });
    const stop = health.registerCircuits(registry);
    const names = async () => Object.keys((await health.checkAll()).checks);
    fail(payments);
    expect(await health.checkAll()).toMatchObject({
      status: 'degraded',
      checks: { 'circuit:payments': { status: 'unhealthy', critical: false } },
    });
    registry.getOrCreate('users');
    expect(await names()).toStrictEqual(['circuit:payments', 'circuit:users']);
    registry.getOrCreate('orders');
    expect(await names()).toStrictEqual(['circuit:payments', 'circuit:orders']);
    registry.remove('payments');
    expect(health.overall).toBe('healthy');
    expect(await names()).toStrictEqual(['circuit:orders']);
    registry.remove('orders');
    registry.getOrCreate('orders');
    stop();
    registry.getOrCreate('late');
    expect(await names()).toStrictEqual([]);
  });

  it('does not repeat the words of an error that knows of a conversation', async () => {
    const breaker = failing();
    const error = new Error('You asked: "the prompt"');
    withhold(error);
    const heard: unknown[] = [];
    const subscription = events.on('health_changed').subscribe(({ data }) => heard.push(data));
    breaker.acquire().failure(error);
    expect(JSON.stringify([await verdict(circuitCheck(breaker)), heard])).not.toContain('the prompt');
    expect(heard).toHaveLength(2);
    subscription.unsubscribe();
  });

  it('may be critical', async () => {
    const registry = new CircuitRegistry();
    health.registerCircuits(registry, { critical: true });
    fail(registry.getOrCreate('payments', { failureThreshold: 1 }));
    expect((await health.checkAll()).status).toBe('unhealthy');
  });
});

describe('a provider', () => {
  it('says itself whether it is worth asking', async () => {
    let well = true;
    const stop = health.registerProvider({ name: 'openai', isHealthy: () => well });
    expect(await health.checkAll()).toMatchObject({ checks: { 'provider:openai': { status: 'healthy' } } });
    well = false;
    expect(await health.checkAll()).toMatchObject({
      status: 'degraded',
      checks: { 'provider:openai': { status: 'unhealthy', critical: false } },
    });
    stop();
    expect((await health.checkAll()).checks).toStrictEqual({});
  });
});

it('real time works as well', async () => {
  const checker = new HealthChecker({ events });
  checker.register('slow', () => timer(5).pipe(map(() => true)));
  checker.register('never', () => NEVER, { timeout: 5 });
  const { checks } = await checker.checkAll();
  expect(checks.slow?.status).toBe('healthy');
  expect(checks.never?.duration).toBeGreaterThanOrEqual(5);
});
