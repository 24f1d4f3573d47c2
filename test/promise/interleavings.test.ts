import fc from 'fast-check';
import { Observable, type OperatorFunction, of, pipe, Subscriber, type Subscription, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  AdaptiveConcurrency,
  AdaptiveThrottle,
  adaptiveConcurrency,
  adaptiveThrottle,
  Bulkhead,
  bulkhead,
  CircuitBreaker,
  chaos,
  circuitBreaker,
  EventBus,
  fallback,
  hedge,
  RateLimiter,
  rateLimit,
  resilience,
  restartBehind,
  retryWithBackoff,
  timeout,
  untilAborted,
} from '../../src/index.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import { times } from '../support/property-runs.ts';

/*
 * The promise of the house under random interleavings: whatever sources and consumers do, at the end nothing is held,
 * nothing waits, nothing ticks and nobody listens, and no consumer has seen a duplicated or mixed stream.
 */

/** One thing that an attempt does `after` so many milliseconds; 0 is synchronous. */
interface Step {
  readonly after: number;
  readonly kind: 'value' | 'error' | 'complete' | 'silence';
}

/** When a consumer comes and how it goes. */
interface Consumer {
  readonly at: number;
  readonly cancelAfter: number | undefined;
  /** Unsubscribes inside its n-th `next`. */
  readonly cancelAtValue: number | undefined;
  readonly subscribeAgain: boolean;
}

const steps = fc.array(
  fc.record({
    after: fc.constantFrom(0, 0, 0, 1, 3, 7, 20),
    kind: fc.constantFrom<Step['kind']>('value', 'value', 'value', 'error', 'complete', 'silence'),
  }),
  { maxLength: 6 },
);
const consumers = fc.array(
  fc.record({
    at: fc.nat(30),
    cancelAfter: fc.option(fc.nat(40), { nil: undefined }),
    cancelAtValue: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    subscribeAgain: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

type Value = { attempt: number; index: number };

interface Policies {
  readonly scheduler: ManualScheduler;
  readonly events: EventBus;
  readonly breaker: CircuitBreaker;
  readonly places: Bulkhead;
  readonly limiter: RateLimiter;
  readonly adaptive: AdaptiveConcurrency;
  readonly throttle: AdaptiveThrottle;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Listeners on the signal. */
  listeners(): number;
}

const exhausted = { attempt: -1, index: 0 };
/** Forget what came before. */
const restart = { attempt: -2, index: 0 };

const operators: Record<string, (policies: Policies) => OperatorFunction<Value, Value>> = {
  circuitBreaker: ({ breaker }) => circuitBreaker(breaker),
  bulkhead: ({ places }) => bulkhead(places),
  rateLimit: ({ limiter }) => rateLimit(limiter),
  adaptiveConcurrency: ({ adaptive }) => adaptiveConcurrency(adaptive),
  adaptiveThrottle: ({ throttle }) => adaptiveThrottle(throttle),
  timeout: ({ scheduler }) => timeout({ first: 5, each: 4, total: 15, scheduler }),
  'chaos that delays and cuts': ({ scheduler, events, random }) =>
    chaos({ enabled: true, rate: 0.7, latency: [0, 5], gap: [0, 3], cut: 2, random, scheduler, events }),
  'chaos that delays and stalls': ({ scheduler, events, random }) =>
    chaos({ enabled: true, rate: 0.7, latency: [0, 5], gap: [0, 3], stall: 1, random, scheduler, events }),
  retryWithBackoff: ({ scheduler }) =>
    retryWithBackoff({ maxRetries: 2, backoff: (attempt) => attempt, scheduler }),
  'retry that restarts': ({ scheduler }) =>
    retryWithBackoff({ maxRetries: 2, backoff: () => 1, resume: restartBehind(restart), scheduler }),
  'fallback in mid-stream': () => fallback({ alternatives: [() => of(restart, exhausted)], midStream: true }),
  hedge: ({ scheduler, events }) => hedge({ delay: 4, maxHedges: 2, scheduler, events }),
  'hedge that holds back': ({ scheduler, events }) =>
    hedge({ delay: 2, maxHedges: 3, commitOn: ({ index }) => index > 1, scheduler, events }),
  'hedge to others': ({ scheduler, events }) =>
    hedge({
      delay: 3,
      alternatives: [() => throwError(() => new Error('no')), () => of(exhausted)],
      scheduler,
      events,
    }),
  untilAborted: ({ signal }) => untilAborted(signal),
  fallback: () => fallback([() => throwError(() => new Error('no alternative either')), exhausted]),
  'all stacked': (policies) =>
    pipe(
      timeout<Value>({ first: 5, each: 4, scheduler: policies.scheduler }),
      bulkhead(policies.places),
      rateLimit(policies.limiter),
      circuitBreaker(policies.breaker),
      hedge({ delay: 3, scheduler: policies.scheduler, events: policies.events }),
      retryWithBackoff({ maxRetries: 2, backoff: () => 0, scheduler: policies.scheduler }),
      timeout({ total: 25, scheduler: policies.scheduler }),
      fallback(exhausted),
      untilAborted(policies.signal),
    ),
  resilience: (policies) =>
    resilience<Value, Value>({
      scheduler: policies.scheduler,
      events: policies.events,
      fallback: exhausted,
      timeout: { first: 5, each: 4, total: 25 },
      retry: { maxRetries: 2, backoff: () => 2, budget: {} },
      hedge: 3,
      circuitBreaker: policies.breaker,
      rateLimit: policies.limiter,
      bulkhead: policies.places,
    }),
  'resilience that adapts': (policies) =>
    resilience<Value, Value>({
      scheduler: policies.scheduler,
      events: policies.events,
      fallback: exhausted,
      timeout: { first: 5, each: 4, total: 25 },
      retry: { maxRetries: 2, backoff: () => 2 },
      circuitBreaker: policies.breaker,
      throttle: policies.throttle,
      rateLimit: policies.limiter,
      bulkhead: policies.adaptive,
    }),
};

function makePolicies(): Policies {
  const scheduler = new ManualScheduler();
  const events = new EventBus();
  const common = { scheduler, events };
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  const random = seededRandom(1);
  signal.addEventListener = (_type: string, listener: unknown) => void listeners.add(listener);
  signal.removeEventListener = (_type: string, listener: unknown) => void listeners.delete(listener);
  return {
    scheduler,
    events,
    signal,
    listeners: () => listeners.size,
    breaker: new CircuitBreaker({ ...common, failureThreshold: 3, recoveryTimeout: 6, halfOpenTimeout: 20 }),
    random,
    adaptive: new AdaptiveConcurrency({
      ...common,
      initialLimit: 2,
      maxLimit: 3,
      maxQueue: 3,
      queueTimeout: 9,
    }),
    throttle: new AdaptiveThrottle({ ...common, window: 50, random }),
    places: new Bulkhead({ ...common, maxConcurrent: 2, maxQueue: 3, queueTimeout: 9 }),
    limiter: new RateLimiter({
      ...common,
      requestsPerSecond: 300,
      burstSize: 2,
      maxQueue: 4,
      queueTimeout: 12,
    }),
  };
}

/** A source whose n-th subscription plays the n-th script, and which knows how many of them are open. */
class ScriptedSource {
  open = 0;
  mostOpen = 0;
  attempts = 0;

  constructor(
    private readonly scripts: readonly (readonly Step[])[],
    private readonly scheduler: ManualScheduler,
  ) {}

  readonly stream = new Observable<Value>((subscriber) => {
    const attempt = this.attempts++;
    const script = this.scripts[attempt % this.scripts.length] ?? [];
    let timer: Subscription | undefined;
    let running = true;
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    const stop = (): void => {
      if (running) this.open--;
      running = false;
    };
    const play = (from: number): void => {
      for (let index = from; index < script.length && !subscriber.closed; index++) {
        const { after, kind } = script[index] as Step;
        const act = (): void => {
          if (kind === 'value') return subscriber.next({ attempt, index });
          stop();
          if (kind === 'error') subscriber.error(new Error(`attempt ${attempt} broke at ${index}`));
          else subscriber.complete();
        };
        if (kind === 'silence') return;
        if (after > 0) {
          timer = this.scheduler.schedule(() => {
            act();
            play(index + 1);
          }, after);
          return;
        }
        act();
      }
      if (subscriber.closed) return;
      stop();
      subscriber.complete();
    };
    subscriber.add(() => {
      stop();
      timer?.unsubscribe();
    });
    play(0);
  });
}

/** Plays one interleaving and returns what is left over. */
function play(name: string, scripts: readonly (readonly Step[])[], crowd: readonly Consumer[]) {
  const policies = makePolicies();
  const { scheduler, breaker, places, limiter, adaptive } = policies;
  const source = new ScriptedSource(scripts, scheduler);
  const stream = source.stream.pipe((operators[name] as (typeof operators)[string])(policies));
  const lies: string[] = [];
  const subscribers: Subscriber<Value>[] = [];

  const attend = (consumer: Consumer, mayReturn: boolean): void => {
    const seen: Value[] = [];
    let over: string | undefined;
    const end = (how: string): void => {
      if (over !== undefined) lies.push(`${how} after ${over}`);
      over = how;
      if (mayReturn) attend(consumer, false);
    };
    const subscriber = new Subscriber<Value>({
      next(value) {
        if (value === restart) seen.length = 0;
        const before = seen.at(-1);
        seen.push(value);
        if (over !== undefined) lies.push(`a value after ${over}`);
        if (before !== undefined && before !== restart && before.attempt !== value.attempt)
          lies.push('two attempts in one stream');
        if (before !== undefined && before !== restart && before.index >= value.index)
          lies.push('a value twice');
        if (seen.length === consumer.cancelAtValue) cancel();
      },
      error: () => end('error'),
      complete: () => end('complete'),
    });
    const cancel = (): void => {
      over ??= 'cancel';
      subscriber.unsubscribe();
    };
    subscribers.push(subscriber);
    stream.subscribe(subscriber);
    if (consumer.cancelAfter !== undefined) scheduler.schedule(cancel, consumer.cancelAfter);
  };

  for (const consumer of crowd)
    scheduler.schedule(() => attend(consumer, consumer.subscribeAgain), consumer.at);
  scheduler.advanceTo(400);
  for (const subscriber of subscribers) subscriber.unsubscribe();
  const calls = breaker.stats.activeCount;
  breaker.reset();
  return {
    lies,
    openSources: source.open,
    leases: places.activeCount + adaptive.activeCount + calls,
    waiting: places.queueSize + adaptive.queueSize + limiter.queueSize,
    timers: scheduler.pending,
    listeners: policies.listeners(),
    overcrowded:
      (name === 'bulkhead' && source.mostOpen > 2) || (name === 'adaptiveConcurrency' && source.mostOpen > 3),
  };
}

// Most of them where most can go wrong.
const RUNS: Record<string, number> = { 'all stacked': 300, resilience: 300 };

describe('random interleavings leave nothing behind and show nobody a wrong stream', () => {
  it.each(Object.keys(operators))('%s', { timeout: 60_000 }, (name) => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 4 }), consumers, (scripts, crowd) => {
        expect(play(name, scripts, crowd)).toStrictEqual({
          lies: [],
          openSources: 0,
          leases: 0,
          waiting: 0,
          timers: 0,
          listeners: 0,
          overcrowded: false,
        });
      }),
      { numRuns: times(RUNS[name] ?? 150) },
    );
  });
});
