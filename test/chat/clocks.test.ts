import { EMPTY, interval, map, merge, NEVER, Observable, of, Subject, take, takeUntil, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, test } from 'vitest';
import type { CallOptions, ChatChunk, ChatContext, ChatTimeout } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import { FINISH, HELLO, resilient, scripted, words } from './scripted.ts';

type Provider = (context: ChatContext) => Observable<ChatChunk>;

/** What became of a call in virtual time: the clock that ran out, and when. */
function ending(timeout: ChatTimeout | undefined, provider: Provider, options?: CallOptions): unknown {
  let end: unknown;
  const scheduler = new TestScheduler(() => {});
  scheduler.run(() => {
    let open = 0;
    const main = scripted('main', [
      (_, context) =>
        new Observable((subscriber) => {
          open++;
          provider(context).subscribe(subscriber);
          return () => open--;
        }),
    ]);
    resilient({ provider: main, timeout })
      .stream(HELLO, options)
      // Whatever has not ended by then is not going to.
      .pipe(takeUntil(timer(10_000)))
      .subscribe({
        error(error: { kind: string; cause?: { kind?: string } }) {
          end = [error.cause?.kind ?? error.kind, scheduler.now()];
          // The provider is left before anybody hears of it.
          expect(open).toBe(0);
        },
        complete() {
          end = ['complete', scheduler.now()];
        },
      });
  });
  return end;
}

const text = (length: number): ChatChunk => ({ type: 'text', text: 'a'.repeat(length) });
const every = (period: number, chunk: ChatChunk, times = Infinity): Observable<ChatChunk> =>
  interval(period).pipe(
    take(times),
    map(() => chunk),
  );
const accepting =
  (after: number, then: Observable<ChatChunk>): Provider =>
  ({ headersReceived }) =>
    merge(
      then,
      new Observable<never>((subscriber) =>
        timer(after).subscribe(() => headersReceived?.() ?? subscriber.complete()),
      ),
    );
const pinging =
  (period: number, chunks: Observable<ChatChunk> = NEVER): Provider =>
  ({ keepAliveReceived }) =>
    merge(chunks, new Observable<never>(() => interval(period).subscribe(() => keepAliveReceived?.())));

describe('headers', () => {
  test('bounds the wait until the request is accepted, and no more', () => {
    expect(ending({ headers: 5 }, () => NEVER)).toStrictEqual(['headers', 5]);
    expect(ending({ headers: 5 }, accepting(6, NEVER))).toStrictEqual(['headers', 5]);
    expect(ending({ headers: 5, first: 9 }, accepting(5, NEVER))).toStrictEqual(['first', 9]);
  });

  test('a chunk shows as well that it was accepted', () => {
    expect(ending({ headers: 5, each: 7 }, () => merge(of(...words('a')), NEVER))).toStrictEqual(['each', 7]);
  });

  test('and so does a ping, whatever else it counts for', () => {
    expect(ending({ headers: 5, first: 9 }, pinging(4))).toStrictEqual(['first', 9]);
    expect(ending({ headers: 5, first: 9, liveness: 'any' }, pinging(4))).toStrictEqual(['first', 9]);
  });
});

describe('first', () => {
  test('runs from the beginning of the attempt, and neither headers, pings nor empty pieces end it', () => {
    expect(ending({ first: 20 }, accepting(5, every(3, text(0))))).toStrictEqual(['first', 20]);
    expect(ending({ first: 20, liveness: 'any' }, pinging(3))).toStrictEqual(['first', 20]);
    expect(ending({ first: 20 }, () => merge(every(10, text(1), 1), EMPTY))).not.toStrictEqual(['first', 20]);
  });

  test('leaves a slow beginning alone: silence between chunks is not measured before there is one', () => {
    expect(ending({ first: 20, each: 5 }, accepting(2, NEVER))).toStrictEqual(['first', 20]);
  });
});

describe('each', () => {
  const stalled = merge(every(2, text(1), 3), NEVER);

  test('pings are no sign of work, unless liveness says so', () => {
    expect(ending({ each: 10 }, pinging(3, stalled))).toStrictEqual(['each', 16]);
    expect(ending({ each: 10, liveness: 'any', total: 900 }, pinging(3, stalled))).toStrictEqual([
      'total',
      900,
    ]);
    expect(ending({ each: 10, liveness: 'any' }, pinging(20, stalled))).toStrictEqual(['each', 16]);
  });

  test('nor are empty pieces', () => {
    expect(ending({ each: 10 }, () => merge(stalled, every(3, text(0))))).toStrictEqual(['each', 16]);
  });

  test('with a limit on the first content, its silence begins with what is a sign of work', () => {
    expect(ending({ first: 30, each: 10 }, pinging(3))).toStrictEqual(['first', 30]);
    expect(ending({ first: 30, each: 10, liveness: 'any' }, pinging(12))).toStrictEqual(['each', 22]);
    expect(ending({ first: 30, each: 10 }, () => merge(every(4, text(0)), NEVER))).toStrictEqual([
      'first',
      30,
    ]);
  });
});

describe('minTokensPerSecond', () => {
  test('ends a stream that trickles, a window after its first content', () => {
    const pace = { minTokensPerSecond: 10, throughputWindow: 1_000 };
    // 4 characters are a token: 8 a second are too few, 12 are enough.
    expect(ending(pace, () => every(125, text(4)))).toStrictEqual(['throughput', 1_125]);
    expect(ending({ ...pace, total: 9_000 }, () => every(80, text(4)))).toStrictEqual(['total', 9_000]);
  });

  test('judges every window anew', () => {
    const pace = { minTokensPerSecond: 10, throughputWindow: 1_000 };
    const good = every(50, text(4), 40);
    expect(ending(pace, () => merge(good, NEVER))).toStrictEqual(['throughput', 3_050]);
  });

  test('leaves the wait for the first content alone, and an answer that has ended', () => {
    const pace = { minTokensPerSecond: 10, throughputWindow: 1_000 };
    expect(ending({ ...pace, first: 5_000 }, () => NEVER)).toStrictEqual(['first', 5_000]);
    expect(ending(pace, () => of(text(1), FINISH))).toStrictEqual(['complete', 0]);
  });
});

test('the clocks of an outer ResilientProvider hear of what the inner one hears', () => {
  const silent = accepting(3, NEVER);
  const within = (provider: Provider): Provider => {
    const inner = resilient({ name: 'inner', provider: scripted('a', [(_, context) => provider(context)]) });
    return (context) => inner.stream({ messages: HELLO }, context);
  };
  expect(ending({ headers: 5, first: 9 }, within(silent))).toStrictEqual(['first', 9]);
  const alive = { each: 10, liveness: 'any', total: 100 } as const;
  expect(ending(alive, within(pinging(4)))).toStrictEqual(['total', 100]);
  expect(ending({ ...alive, liveness: 'content' }, within(pinging(4)))).toStrictEqual(['each', 10]);
  // What is held back until the first word shows life as well.
  const named: ChatChunk = { type: 'tool-call', index: 0, name: 'f', arguments: '' };
  expect(
    ending(
      alive,
      within(() => every(4, named)),
    ),
  ).toStrictEqual(['total', 100]);
});

test('one timer serves all clocks of an attempt, and none is left behind', () => {
  const scheduler = new ManualScheduler();
  const chunks = new Subject<ChatChunk>();
  const limits = { headers: 10, first: 20, each: 5, minTokensPerSecond: 1, throughputWindow: 50 };
  const main = scripted('main', [chunks]);
  const subscription = resilient({ provider: main, timeout: limits, scheduler }).stream(HELLO).subscribe();
  expect(scheduler.pending).toBe(1);
  for (let time = 1; time <= 100; time++) {
    chunks.next(text(1));
    scheduler.advanceTo(time);
    expect(scheduler.pending).toBe(1);
  }
  subscription.unsubscribe();
  expect(scheduler.pending).toBe(0);
});

test("a call's own limits replace those of the providers, and its total is the caller's patience", () => {
  expect(ending({ first: 5 }, () => NEVER, { timeout: { first: 8 } })).toStrictEqual(['first', 8]);
  expect(ending({ first: 5 }, () => NEVER, { timeout: { total: 3 } })).toStrictEqual(['total', 3]);
  expect(ending({ first: 5 }, () => NEVER, { timeout: { total: 8, first: undefined } })).toStrictEqual([
    'first',
    5,
  ]);
  expect(ending(undefined, () => NEVER, { timeout: 3 })).toStrictEqual(['total', 3]);
});

test("when the caller's patience ends after content, the error has the partial answer and the ledger", () => {
  let error: unknown;
  new TestScheduler(() => {}).run(() => {
    resilient({ provider: scripted('main', [merge(of(...words('half')), NEVER)]) })
      .stream(HELLO, { timeout: 5 })
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
  });
  expect(error).toMatchObject({
    name: 'StreamInterruptedError',
    text: 'half',
    kind: 'timeout',
    cause: { name: 'StreamTimeoutError', kind: 'total', after: 5 },
    ledger: [{ outcome: 'cancelled', duration: 5 }],
  });
});

test('a clock that runs out is announced', () => {
  const events = new EventBus();
  const heard: unknown[] = [];
  events.on('timed_out').subscribe(({ source, data }) => heard.push([source, data]));
  new TestScheduler(() => {}).run(() => {
    resilient({ provider: scripted('main', [NEVER]), timeout: { headers: 5 }, events })
      .stream(HELLO)
      .subscribe({ error: () => {} });
  });
  expect(heard).toStrictEqual([['main', { kind: 'headers', after: 5 }]]);
});
