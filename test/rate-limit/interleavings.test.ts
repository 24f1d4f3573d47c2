import fc from 'fast-check';
import { Observable, Subject, type Subscription } from 'rxjs';
import { test } from 'vitest';
import { isRateLimitExceededError } from '../../src/core/errors.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { RateLimiter, type RateLimitOptions, rateLimit } from '../../src/rate-limit/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

/*
 * Whatever callers, streams and the service do, in whatever order: the balance is at every moment exactly what a book says
 * that is kept beside it, nobody begins without what was reserved, nobody is overtaken by those who are not more urgent, and
 * in the end nothing is held.
 */

const BURST = 20;
const REQUESTS = 4;

type Action =
  | { readonly do: 'come'; readonly tokens: number; readonly priority: number; readonly patience: number }
  | { readonly do: 'count' | 'use'; readonly which: number; readonly tokens: number }
  | { readonly do: 'complete' | 'fail' | 'leave'; readonly which: number }
  | { readonly do: 'wait'; readonly time: number };

const which = fc.nat(30);
const tokens = fc.nat(BURST + 5);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('come' as const),
      tokens,
      priority: fc.nat(2),
      patience: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 3, 15),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('count' as const, 'use' as const), which, tokens }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('complete' as const, 'fail' as const, 'leave' as const),
      which,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), time: fc.nat(12) }) },
);

/** A bucket as a child would build it: one token a millisecond drips in, and what does not fit is lost. */
class Bucket {
  #level: number;
  #at = 0;

  constructor(
    readonly size: number,
    readonly scheduler: ManualScheduler,
  ) {
    this.#level = size;
  }

  get level(): number {
    const now = this.scheduler.now();
    this.#level = Math.min(this.size, this.#level + now - this.#at);
    this.#at = now;
    return this.#level;
  }

  take(amount: number): void {
    this.#level = Math.min(this.size, this.level - amount);
  }
}

/** One caller, and what of it stands in the book. */
class Caller {
  state: 'waiting' | 'running' | 'over' = 'waiting';
  readonly source = new Subject<Value>();
  subscription: Subscription | undefined;
  charged = 0;
  counted = 0;
  used: number | undefined;

  constructor(
    readonly order: number,
    readonly priority: number,
    readonly reserved: number,
    readonly until: number,
  ) {}

  goesBefore(other: Caller): boolean {
    return this.priority > other.priority || (this.priority === other.priority && this.order < other.order);
  }
}

type Value = { readonly count: number } | { readonly use: number };

class World {
  readonly scheduler = new ManualScheduler();
  readonly tokens = new Bucket(BURST, this.scheduler);
  readonly requests = new Bucket(REQUESTS, this.scheduler);
  readonly callers: Caller[] = [];
  readonly limiter = new RateLimiter({
    requestsPerMinute: 60_000,
    tokensPerMinute: 60_000,
    burstSize: REQUESTS,
    burstWindow: BURST,
    maxQueue: 5,
    queueTimeout: 40,
    scheduler: this.scheduler,
    events: new EventBus(),
  });
  refused = 0;
  /** What streams saw: an assertion in their midst would be one of their errors. */
  readonly complaints: string[] = [];

  play(script: Action): void {
    if (script.do === 'come') this.#come(script);
    else if (script.do === 'wait') this.scheduler.advanceTo(this.scheduler.now() + script.time);
    else if (script.do === 'leave') this.#leave(this.callers[script.which]);
    else {
      const running = this.callers.filter(({ state }) => state === 'running');
      const caller = running[script.which % running.length];
      if (caller !== undefined) this.#go(caller, script);
    }
  }

  /** The book first: what a stream does may let others begin. */
  #go(caller: Caller, script: Exclude<Action, { do: 'come' | 'wait' }>): void {
    const { source } = caller;
    switch (script.do) {
      case 'count':
        caller.counted += script.tokens;
        this.#charge(caller, Math.max(caller.charged, caller.counted));
        return source.next({ count: script.tokens });
      case 'use':
        caller.used = script.tokens;
        this.#charge(caller, Math.max(caller.charged, script.tokens));
        return source.next({ use: script.tokens });
      case 'complete':
        caller.state = 'over';
        this.#charge(caller, caller.used ?? Math.max(caller.reserved, caller.counted));
        return source.complete();
      case 'fail':
        caller.state = 'over';
        this.#chargeWhatIsKnown(caller);
        return source.error('broken');
      case 'leave':
        return this.#leave(caller);
    }
  }

  /** What has to hold after every step. Plain comparisons: there are a million of them. */
  agree(): void {
    const { balances, queueSize } = this.limiter.state;
    const waiting = this.#waiting;
    const now = this.scheduler.now();
    this.#expect('tokens', balances.tokens, this.tokens.level);
    this.#expect('requests', balances.requests, this.requests.level);
    this.#expect('queueSize', queueSize, waiting.length);
    this.#expect('rejectedCount', this.limiter.rejectedCount, this.refused);
    this.#expect('timers', this.scheduler.pending, waiting.length > 0 ? 1 : 0);
    const next = waiting.find((caller) => waiting.every((other) => !other.goesBefore(caller)));
    if (next !== undefined && this.#canBegin(next)) this.complaints.push(`${next.order} waits for nothing`);
    for (const { order, until } of waiting)
      if (until <= now) this.complaints.push(`${order} waits longer than it would`);
    if (this.complaints.length > 0) throw new Error(`at ${now} ms: ${this.complaints.join('; ')}`);
  }

  end(): void {
    for (const caller of this.callers) {
      this.#leave(caller);
      this.agree();
    }
    this.scheduler.advanceTo(this.scheduler.now() + 1_000);
    this.agree();
    this.#expect('tokens at last', this.tokens.level, BURST);
    this.#expect('listeners', this.callers.filter(({ source }) => source.observed).length, 0);
    this.agree();
  }

  #expect(what: string, actual: number | undefined, expected: number): void {
    if (actual !== expected) this.complaints.push(`${what}: ${actual} instead of ${expected}`);
  }

  #come({ tokens: reserved, priority, patience }: Extract<Action, { do: 'come' }>): void {
    const until = this.scheduler.now() + Math.min(patience, 40);
    const caller = new Caller(this.callers.length, priority, reserved, until);
    this.callers.push(caller);
    const isRefused = this.#isHopeless(caller, Math.min(patience, 40));
    const refused = this.refused;
    const options: RateLimitOptions<Value> = {
      tokens: reserved,
      priority,
      patience,
      tokensOf: (value) => ('count' in value ? value.count : 0),
      usageOf: (value) => ('use' in value ? value.use : undefined),
    };
    caller.subscription = new Observable<Value>((subscriber) => {
      this.#begins(caller);
      return caller.source.subscribe(subscriber);
    })
      .pipe(rateLimit(this.limiter, options))
      .subscribe({ error: (error) => this.#ends(caller, error) });
    if (isRefused !== (caller.state === 'over' && this.refused === refused + 1))
      this.complaints.push(`${caller.order} is ${isRefused ? 'let in' : 'refused'} without reason`);
  }

  /** Whether a newcomer is to be refused at once: nobody has to go for it, or it would wait too long for all who go before. */
  #isHopeless(newcomer: Caller, longest: number): boolean {
    const others = this.#waiting.filter((other) => other !== newcomer);
    if (others.every((other) => !other.goesBefore(newcomer)) && this.#canBegin(newcomer)) return false;
    if (others.length === 5 && others.every(({ priority }) => priority >= newcomer.priority)) return true;
    const ahead = others.filter((other) => other.goesBefore(newcomer));
    const reserved = ahead.reduce((sum, other) => sum + other.reserved, Math.min(newcomer.reserved, BURST));
    return Math.max(reserved - this.tokens.level, ahead.length + 1 - this.requests.level) > longest;
  }

  #begins(caller: Caller): void {
    if (caller.state !== 'waiting') this.complaints.push(`${caller.order} begins ${caller.state}`);
    for (const other of this.#waiting)
      if (other.goesBefore(caller)) this.complaints.push(`${caller.order} overtakes ${other.order}`);
    if (!this.#canBegin(caller)) this.complaints.push(`${caller.order} begins with too little`);
    caller.state = 'running';
    this.requests.take(1);
    this.#charge(caller, caller.reserved);
  }

  #ends(caller: Caller, error: unknown): void {
    if (error === 'broken') return;
    if (caller.state !== 'waiting' || !isRateLimitExceededError(error))
      this.complaints.push(`${caller.order} ends ${caller.state} with ${String(error)}`);
    caller.state = 'over';
    this.refused++;
    // Nobody who is less urgent may stay for it, unless its time is over.
    const isOverdue = caller.until <= this.scheduler.now();
    const isNewcomer = caller.order === this.callers.length - 1;
    if (isOverdue || isNewcomer) return;
    for (const other of this.#waiting)
      if (other.priority < caller.priority)
        this.complaints.push(`${caller.order} goes before ${other.order} has to`);
  }

  get #waiting(): Caller[] {
    return this.callers.filter(({ state }) => state === 'waiting');
  }

  #leave(caller: Caller | undefined): void {
    if (caller === undefined || caller.state === 'over') return;
    caller.state = 'over';
    this.#chargeWhatIsKnown(caller);
    caller.subscription?.unsubscribe();
  }

  /** Of a stream that is not whole: what nobody has counted stays as it is. */
  #chargeWhatIsKnown(caller: Caller): void {
    if (caller.used !== undefined) this.#charge(caller, Math.max(caller.used, caller.counted));
  }

  #canBegin(caller: Caller): boolean {
    return this.tokens.level >= Math.min(caller.reserved, BURST) && this.requests.level >= 1;
  }

  #charge(caller: Caller, amount: number): void {
    this.tokens.take(amount - caller.charged);
    caller.charged = amount;
  }
}

test('ten thousand interleavings leave balances that add up exactly', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 25, size: 'max' }), (script) => {
      const world = new World();
      for (const step of script) {
        world.play(step);
        world.agree();
      }
      world.end();
    }),
    { numRuns: 10_000 },
  );
}, 60_000);
