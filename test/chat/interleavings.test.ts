import fc from 'fast-check';
import { Observable, Subscriber, type Subscription } from 'rxjs';
import { expect, test } from 'vitest';
import {
  Bulkhead,
  type ChatChunk,
  type ChatProvider,
  type ChatRequest,
  EventBus,
  fixedBackoff,
  isStreamInterruptedError,
  ProviderError,
  RateLimiter,
  ResilientProvider,
  snapshots,
  toResponse,
} from '../../src/index.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import { times } from '../support/property-runs.ts';

/*
 * Whatever providers and readers do to each other through shared policies: what a reader sees is at every moment the true
 * beginning of one answer, its end is proven, and when all are gone nothing is held, nothing ticks and nobody listens.
 */

/** The two models say different things, so that a mixture cannot be mistaken for an answer. */
const ANSWERS = {
  main: 'Main thinks that alpha comes before beta, and gamma after both of them.',
  spare: 'Spare would rather count: eleven, twelve, thirteen, fourteen, fifteen.',
} as const;
type Name = keyof typeof ANSWERS;

/** What a provider does to one attempt. */
interface Script {
  /** Words until the end; a whole answer has all. */
  readonly words: number;
  readonly end: 'whole' | 'error' | 'truncated' | 'silence';
  /** Milliseconds before each word; 0 is at once. */
  readonly pace: number;
}
interface Reader {
  readonly at: number;
  readonly sees: 'chunks' | 'snapshots' | 'response';
  readonly leaves: { readonly after: number; readonly by: 'unsubscribe' | 'abort' } | undefined;
  /** Unsubscribes inside its n-th value. */
  readonly leavesAt: number | undefined;
  readonly patience: number;
}

const scripts = fc.array(
  fc.record<Script>({
    words: fc.nat(12),
    end: fc.constantFrom('whole', 'whole', 'error', 'error', 'truncated', 'silence'),
    pace: fc.constantFrom(0, 0, 1, 3),
  }),
  { minLength: 1, maxLength: 4 },
);
const readers = fc.array(
  fc.record<Reader>({
    at: fc.nat(30),
    sees: fc.constantFrom('chunks', 'chunks', 'snapshots', 'response'),
    leaves: fc.option(
      fc.record({ after: fc.nat(40), by: fc.constantFrom('unsubscribe' as const, 'abort' as const) }),
      { nil: undefined },
    ),
    leavesAt: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    patience: fc.constantFrom(Infinity, Infinity, 15, 40),
  }),
  { minLength: 1, maxLength: 5 },
);
interface Policies {
  readonly recovery: 'fail' | 'restart' | 'continue';
  readonly maxRetries: number;
  readonly hedge: { readonly delay: number; readonly race?: 'providers' } | undefined;
  readonly prefill: boolean;
}
const policies = fc.record<Policies>({
  recovery: fc.constantFrom('fail', 'restart', 'continue'),
  maxRetries: fc.nat(3),
  hedge: fc.constantFrom(undefined, undefined, { delay: 3 }, { delay: 2, race: 'providers' }),
  prefill: fc.boolean(),
});

class World {
  readonly scheduler = new ManualScheduler();
  readonly #common = { scheduler: this.scheduler, events: new EventBus() };
  readonly #places = new Bulkhead({ ...this.#common, maxConcurrent: 2, maxQueue: 3, queueTimeout: 9 });
  readonly #limiter = new RateLimiter({
    ...this.#common,
    requestsPerSecond: 300,
    burstSize: 3,
    queueTimeout: 12,
  });
  readonly #assistant: ResilientProvider;
  readonly #recovery: Policies['recovery'];
  readonly #subscribers: Subscriber<ChatChunk | string | { readonly text: string }>[] = [];
  readonly #listeners = new Set<unknown>();
  readonly lies: string[] = [];
  /** Answers that were whole. */
  whole = 0;
  #open = 0;

  constructor({ maxRetries, prefill, ...rest }: Policies, main: readonly Script[], spare: readonly Script[]) {
    this.#recovery = rest.recovery;
    this.#assistant = new ResilientProvider({
      ...this.#common,
      ...rest,
      provider: this.#model('main', main, prefill),
      fallbackProvider: this.#model('spare', spare, prefill),
      retry: { maxRetries, backoff: fixedBackoff(1) },
      timeout: { first: 6, each: 5, total: 60 },
      circuitBreaker: { failureThreshold: 3, recoveryTimeout: 6 },
      bulkhead: this.#places,
      rateLimit: this.#limiter,
    });
  }

  /** Says what the scripts let it say of its answer, or of the one that it is asked to go on with. */
  #model(name: Name, scripts: readonly Script[], prefill: boolean): ChatProvider {
    let attempts = 0;
    const stream = ({ messages }: ChatRequest): Observable<ChatChunk> =>
      new Observable((subscriber) => {
        const { words, end, pace } = scripts[attempts++ % scripts.length] as Script;
        const said = messages.find(({ role }) => role === 'assistant')?.content ?? '';
        const answer =
          Object.values(ANSWERS).find((it) => said !== '' && it.startsWith(said)) ?? ANSWERS[name];
        const all = answer.slice(said.length).match(/\S+\s*|\s+/g) ?? [];
        const spoken = end === 'whole' ? all : all.slice(0, words);
        let timer: Subscription | undefined;
        this.#open++;
        subscriber.add(() => {
          this.#open--;
          timer?.unsubscribe();
        });
        const speak = (from: number): void => {
          for (let index = from; index < spoken.length && !subscriber.closed; index++) {
            if (pace > 0 && timer === undefined) {
              timer = this.scheduler.schedule(() => {
                speak(index);
              }, pace);
              return;
            }
            timer = undefined;
            subscriber.next({ type: 'text', text: spoken[index] as string });
          }
          if (subscriber.closed || end === 'silence') return;
          if (end === 'error')
            return subscriber.error(new ProviderError('broken', { kind: 'transport', provider: name }));
          if (end === 'whole') subscriber.next({ type: 'finish', reason: 'stop' });
          subscriber.complete();
        };
        speak(0);
      });
    return { name, stream, capabilities: { prefill } };
  }

  attend({ sees, leaves, leavesAt, patience }: Reader): void {
    const leaving = new AbortController();
    const signal = this.#watched(leaving.signal);
    const chunks = this.#assistant.stream([{ role: 'user', content: 'What do you think?' }], {
      timeout: patience,
      signal,
    });
    const views = { chunks, snapshots: chunks.pipe(snapshots()), response: chunks.pipe(toResponse()) };
    let shown = '';
    let values = 0;
    let over: string | undefined;
    const lie = (what: string): void => {
      this.lies.push(`${sees}: ${what}, "${shown}" is shown`);
    };
    const end = (how: string): void => {
      if (over !== undefined) lie(`${how} after ${over}`);
      over = how;
    };
    const isWhole = (): boolean => Object.values<string>(ANSWERS).includes(shown);
    const show = (value: ChatChunk | string | { readonly text: string }): void => {
      if (over !== undefined) lie(`a value after ${over}`);
      if (typeof value === 'string') shown = value;
      else if (!('type' in value)) shown = value.text;
      else if (value.type === 'text') shown += value.text;
      else if (value.type === 'retract') shown = '';
      else if (value.type === 'finish' && !isWhole()) lie('a finish');
      if (typeof value === 'object' && 'type' in value && this.#recovery === 'fail')
        if (value.type === 'retract' || value.type === 'resume') lie(`a ${value.type} mark`);
      if (!Object.values(ANSWERS).some((answer) => answer.startsWith(shown)))
        lie('no beginning of an answer');
      if (++values === leavesAt) leave();
    };
    const leave = (): void => {
      over ??= 'leaving';
      subscriber.unsubscribe();
    };
    const subscriber = new Subscriber<ChatChunk | string | { readonly text: string }>({
      next: show,
      complete: () => {
        end('completion');
        if (!isWhole()) lie('completed');
        this.whole++;
      },
      error: (error: unknown) => {
        end('error');
        if (sees === 'chunks' && isStreamInterruptedError(error) && error.text !== shown)
          lie(`the error carries "${error.text}"`);
        if (sees === 'chunks' && shown !== '' && !isStreamInterruptedError(error) && !leaving.signal.aborted)
          lie(`ended with ${String(error)}`);
      },
    });
    this.#subscribers.push(subscriber);
    (views[sees] as Observable<ChatChunk | string | { readonly text: string }>).subscribe(subscriber);
    if (leaves !== undefined)
      this.scheduler.schedule(() => {
        if (leaves.by === 'unsubscribe') leave();
        else leaving.abort();
      }, leaves.after);
  }

  #watched(signal: AbortSignal): AbortSignal {
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (type: string, listener: EventListener) => {
      this.#listeners.add(listener);
      addEventListener.call(signal, type, listener);
    };
    signal.removeEventListener = (type: string, listener: EventListener) => {
      this.#listeners.delete(listener);
      removeEventListener.call(signal, type, listener);
    };
    return signal;
  }

  /** What is still there when all have gone. */
  left() {
    for (const subscriber of this.#subscribers) subscriber.unsubscribe();
    const { stats, circuitBreaker } = this.#assistant;
    return {
      lies: this.lies,
      attempts: this.#open,
      calls: stats.active + circuitBreaker.stats.activeCount,
      places: this.#places.activeCount,
      waiting: this.#places.queueSize + this.#limiter.queueSize,
      listeners: this.#listeners.size,
      timers: this.scheduler.pending,
    };
  }
}

test('random interleavings of providers and readers show nobody a wrong answer, and leave nothing behind', () => {
  let whole = 0;
  fc.assert(
    fc.property(policies, scripts, scripts, readers, (config, main, spare, crowd) => {
      const world = new World(config, main, spare);
      for (const reader of crowd) world.scheduler.schedule(() => world.attend(reader), reader.at);
      world.scheduler.advanceTo(1_000);
      expect(world.left()).toStrictEqual({
        lies: [],
        attempts: 0,
        calls: 0,
        places: 0,
        waiting: 0,
        listeners: 0,
        timers: 0,
      });
      whole += world.whole;
    }),
    { numRuns: times(100) },
  );
  // They had something to see.
  expect(whole).toBeGreaterThan(10);
});
