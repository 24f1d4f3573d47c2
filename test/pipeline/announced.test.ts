import { delay, finalize, NEVER, Observable, of, Subject, take, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { expect, test } from 'vitest';
import { EventBus } from '../../src/core/event-bus.ts';
import type { ResilienceEvent } from '../../src/core/events.ts';
import { resilience } from '../../src/pipeline/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';

const virtually = (body: () => void): void => {
  new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected)).run(body);
};

function listening() {
  const events = new EventBus();
  const heard: ResilienceEvent[] = [];
  events.subscribe((event) => heard.push(event));
  return { events, heard, types: () => heard.map(({ type }) => type) };
}
const down = new Error('down');

test('a call is announced when it begins and when it has ended, and all that happens to it between', () => {
  const { events, heard } = listening();
  const guarded = resilience({ name: 'prices', events, retry: { maxRetries: 1, backoff: fixedBackoff(5) } });
  virtually(() => {
    let attempts = 0;
    const source = new Observable<string>((subscriber) => {
      const answer = ++attempts === 1 ? throwError(() => down) : of('a').pipe(delay(3));
      return answer.subscribe(subscriber);
    });
    source.pipe(guarded).subscribe();
  });
  const { call } = heard[0] ?? {};
  expect(call).toEqual(expect.any(String));
  const same = { source: 'prices', call };
  expect(heard).toMatchObject([
    { ...same, type: 'call_started', attempt: 1, data: {} },
    { ...same, type: 'retry_attempted', attempt: 1 },
    { ...same, type: 'call_ended', attempt: 2, data: { outcome: 'completed', duration: 8 } },
  ]);
});

test('a call that fails is announced with its error, before the consumer hears of it', () => {
  const { events, heard, types } = listening();
  const guarded = resilience({ name: 'prices', events, timeout: 50 });
  let known: string[] = [];
  throwError(() => down)
    .pipe(guarded)
    .subscribe({ error: () => (known = types()) });
  expect(known).toStrictEqual(['call_started', 'call_ended']);
  expect(heard[1]?.data).toStrictEqual({
    outcome: 'failed',
    duration: expect.any(Number),
    error: { name: 'Error', message: 'down' },
  });
});

test('a call that is cancelled has ended once its source has stopped', () => {
  const { events, heard, types } = listening();
  let known: string[] = [];
  NEVER.pipe(
    finalize(() => (known = types())),
    resilience({ events, retry: 1 }),
  )
    .subscribe()
    .unsubscribe();
  expect(known).toStrictEqual(['call_started']);
  expect(heard[1]).toMatchObject({ type: 'call_ended', data: { outcome: 'cancelled' } });
});

test('who cancels while the call is being announced has not called', () => {
  const events = new EventBus();
  const types: string[] = [];
  let made = 0;
  const source = new Observable(() => void made++).pipe(resilience({ events, retry: 1 }));
  const call = new Observable((subscriber) => {
    events.on('call_started').subscribe(() => subscriber.complete());
    return source.subscribe(subscriber);
  });
  events.subscribe(({ type }) => types.push(type));
  call.subscribe();
  expect(made).toBe(0);
  expect(types).toStrictEqual(['call_started', 'call_ended']);
});

test.each([
  ['failed', (source: Subject<string>) => source.error(down)],
  ['completed', (source: Subject<string>) => source.complete()],
])('who cancels while it is being announced that the call has %s hears nothing more', (outcome, end) => {
  const { events, heard } = listening();
  const told: string[] = [];
  const source = new Subject<string>();
  const call = source
    .pipe(resilience({ events, timeout: 50 }))
    .subscribe({ error: () => told.push('error'), complete: () => told.push('complete') });
  events.on('call_ended').subscribe(() => call.unsubscribe());
  end(source);
  expect(told).toStrictEqual([]);
  expect(heard.at(-1)).toMatchObject({ type: 'call_ended', data: { outcome } });
});

test('a part of a call is no call of its own; what its consumer begins is', () => {
  const { events, heard } = listening();
  const inner = of(1).pipe(resilience({ name: 'inner', events, retry: 1 }));
  const outer = inner.pipe(resilience({ name: 'outer', events, retry: 1 }));
  outer.subscribe({ next: () => inner.subscribe() });
  expect(heard.map(({ type, source }) => `${type} ${source}`)).toStrictEqual([
    'call_started outer',
    'call_started inner',
    'call_ended inner',
    'call_ended outer',
  ]);
  expect(new Set(heard.map(({ call }) => call)).size).toBe(2);
});

test('three of a hundred thousand synchronous values are three', () => {
  const { events, heard } = listening();
  let made = 0;
  const source = new Observable<number>((subscriber) => {
    while (made < 100_000 && !subscriber.closed) subscriber.next(++made);
  });
  const values: number[] = [];
  source.pipe(resilience({ events, timeout: 1_000 }), take(3)).subscribe((value) => values.push(value));
  expect([values, made]).toStrictEqual([[1, 2, 3], 3]);
  expect(heard.at(-1)).toMatchObject({ type: 'call_ended', data: { outcome: 'cancelled' } });
});
