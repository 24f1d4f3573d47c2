import { Observable, of, type Subscriber } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { clockOf } from '../../src/core/clock.ts';
import { type Limits, type Signs, withDeadlines } from '../../src/core/deadlines.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const NONE = { first: Infinity, each: Infinity, total: Infinity };

/** A source that is told what to send and what signs to give, and what became of it under these limits. */
function timed(limits: Partial<Limits<string>>) {
  const scheduler = new ManualScheduler();
  const log: unknown[] = [];
  let subscriber!: Subscriber<string>;
  let signs!: Signs;
  const source = (shown: Signs): Observable<string> =>
    new Observable((whoever) => {
      signs = shown;
      subscriber = whoever;
    });
  const expired = (kind: string, after: number): Observable<string> =>
    of(`${kind} ${after} at ${scheduler.now()}`);
  withDeadlines(source, clockOf(scheduler), { ...NONE, ...limits }, expired).subscribe({
    next: (value) => log.push(value),
    complete: () => log.push('complete'),
  });
  return { scheduler, log, subscriber, signs };
}

describe('what is no sign of work', () => {
  const breaksSilence = (value: string): boolean => value !== '';

  test('begins no silence of its own while the first value is waited for', () => {
    const { scheduler, log, subscriber } = timed({
      first: 30,
      each: 10,
      breaksSilence,
      commitOn: breaksSilence,
    });
    scheduler.advanceTo(4);
    subscriber.next('');
    scheduler.advanceTo(30);
    expect(log).toStrictEqual(['', 'first 30 at 30', 'complete']);
  });

  test('does not end a silence that has begun', () => {
    const { scheduler, log, subscriber } = timed({
      first: 30,
      each: 10,
      breaksSilence,
      commitOn: () => false,
    });
    scheduler.advanceTo(4);
    subscriber.next('a');
    scheduler.advanceTo(8);
    subscriber.next('');
    scheduler.advanceTo(30);
    expect(log).toStrictEqual(['a', '', 'each 10 at 14', 'complete']);
  });
});

test('a sign of life begins a silence, also before the first value, and ends it', () => {
  const { scheduler, log, signs } = timed({ first: 100, each: 10 });
  scheduler.advanceTo(4);
  signs.alive();
  scheduler.advanceTo(13);
  signs.alive();
  scheduler.advanceTo(100);
  expect(log).toStrictEqual(['each 10 at 23', 'complete']);
});

describe('the pace', () => {
  const pace = { window: 100, least: 3, sizeOf: (value: string) => value.length };

  test('is measured from the first value that has a size', () => {
    const { scheduler, log, subscriber } = timed({ pace });
    subscriber.next('');
    scheduler.advanceTo(50);
    subscriber.next('a');
    scheduler.advanceTo(500);
    expect(log).toStrictEqual(['', 'a', 'throughput 100 at 150', 'complete']);
  });

  test('is kept by whoever sends just enough, and judged anew in every window', () => {
    const { scheduler, log, subscriber } = timed({ pace });
    subscriber.next('abc');
    scheduler.advanceTo(150);
    subscriber.next('de');
    scheduler.advanceTo(500);
    expect(log).toStrictEqual(['abc', 'de', 'throughput 100 at 200', 'complete']);
  });
});

describe('after the end', () => {
  test('a sign of life sets no timer', () => {
    const { scheduler, log, subscriber, signs } = timed({ first: 100, each: 5 });
    subscriber.complete();
    signs.alive();
    expect([log, scheduler.pending]).toStrictEqual([['complete'], 0]);
  });

  test('what a source still sends that cannot stop is not mixed with the answer', () => {
    const scheduler = new ManualScheduler();
    let source!: Subscriber<string>;
    let answer!: Subscriber<string>;
    const log: unknown[] = [];
    withDeadlines<string, string>(
      new Observable((subscriber) => {
        source = subscriber;
      }),
      clockOf(scheduler),
      { ...NONE, total: 10 },
      () =>
        new Observable((subscriber) => {
          answer = subscriber;
        }),
    ).subscribe((value) => log.push(value));
    source.next('early');
    scheduler.advanceTo(10);
    answer.next('instead');
    source.next('late');
    answer.next('of it');
    expect(log).toStrictEqual(['early', 'instead', 'of it']);
  });
});
