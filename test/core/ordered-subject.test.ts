import {
  config,
  filter,
  firstValueFrom,
  from,
  map,
  merge,
  type Observable,
  type OperatorFunction,
  pipe,
  range,
  Subject,
  Subscriber,
  shareReplay,
  take,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { OrderedSubject } from '../../src/core/ordered-subject.ts';

const uncaught = vi.fn();

beforeEach(() => {
  uncaught.mockClear();
  // The test runner has listeners of its own, which would end the run.
  runners = process.rawListeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', uncaught);
});

afterEach(() => {
  config.onUnhandledError = null;
  process.removeAllListeners('uncaughtException');
  for (const listener of runners)
    process.on('uncaughtException', listener as NodeJS.UncaughtExceptionListener);
});

let runners: ReturnType<typeof process.rawListeners> = [];

/** RxJS throws what it cannot deliver from a timer. */
const rxjsToThrow = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

const boom = new Error('boom');
const explode = (): never => {
  throw boom;
};

describe('the order of announcements', () => {
  test('a listener that publishes while it is told changes the order for nobody', () => {
    const subject = new OrderedSubject<number>();
    const heard: string[] = [];
    subject.subscribe((value) => {
      heard.push(`first ${value}`);
      if (value < 3) subject.next(value + 1);
    });
    subject.subscribe((value) => heard.push(`second ${value}`));
    subject.next(1);
    expect(heard).toStrictEqual(['first 1', 'second 1', 'first 2', 'second 2', 'first 3', 'second 3']);
  });

  test('100 000 announcements from inside one cost no stack and no more than their number', () => {
    const subject = new OrderedSubject<number>();
    const heard: number[] = [];
    subject.subscribe((value) => {
      if (value === 0) for (let next = 1; next <= 100_000; next++) subject.next(next);
    });
    subject.subscribe((value) => heard.push(value));
    subject.next(0);
    expect(heard).toHaveLength(100_001);
    expect(heard.every((value, index) => value === index)).toBe(true);
  });

  test('what is being told is known while it is being told, whatever waits behind it', () => {
    const subject = new OrderedSubject<number>();
    const heard: unknown[] = [];
    subject.subscribe((value) => {
      if (value === 1) subject.next(2);
      heard.push(subject.current);
    });
    subject.next(1);
    expect([heard, subject.current]).toStrictEqual([[1, 2], undefined]);
  });

  test('nothing that was announced is kept', () => {
    const subject = new OrderedSubject<number>();
    subject.next(1);
    subject.subscribe((value) => {
      if (value === 2) subject.next(3);
    });
    subject.next(2);
    const late: number[] = [];
    subject.subscribe((value) => late.push(value));
    expect(late).toStrictEqual([]);
    subject.next(4);
    expect(late).toStrictEqual([4]);
  });
});

describe('it never ends', () => {
  test.each<[string, (subject: OrderedSubject<number>) => void]>([
    ['complete()', (subject) => subject.complete()],
    ['error()', (subject) => subject.error(boom)],
    ['unsubscribe()', (subject) => subject.unsubscribe()],
    ['a source that completes', (subject) => from([1, 2]).subscribe(subject)],
    ['a source that fails', (subject) => throwError(() => boom).subscribe(subject)],
  ])('%s does nothing', (_, end) => {
    const subject = new OrderedSubject<number>();
    const heard: unknown[] = [];
    const ended = vi.fn();
    subject.subscribe({ next: (value) => heard.push(value), error: ended, complete: ended });
    end(subject);
    subject.next(7);
    subject.subscribe((value) => heard.push(`late ${value}`));
    subject.next(8);
    expect(heard.slice(-3)).toStrictEqual([7, 8, 'late 8']);
    expect(ended).not.toHaveBeenCalled();
  });

  test('an endless stream can be piped into it', () => {
    new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected)).run(
      ({ cold, expectObservable }) => {
        const subject = new OrderedSubject<string>();
        expectObservable(subject, '^---------!').toBe('-a-b-a-b--');
        cold('-a-b-a-b').subscribe(subject);
      },
    );
    const subject = new OrderedSubject<number>();
    let sum = 0;
    subject.subscribe((value) => {
      sum += value;
    });
    range(1, 100_000).subscribe(subject);
    subject.next(1);
    expect(sum).toBe(5_000_050_001);
  });
});

describe('a listener that throws harms nobody', () => {
  const throwing: [string, (subject: OrderedSubject<number>) => void][] = [
    ['a function', (subject) => subject.subscribe(explode)],
    ['an observer', (subject) => subject.subscribe({ next: explode })],
    [
      'through pipe(map, filter, take)',
      (subject) =>
        subject
          .pipe(
            map((value) => value),
            filter(() => true),
            take(9),
          )
          .subscribe(explode),
    ],
    ['in an operator', (subject) => subject.pipe(map(explode)).subscribe()],
    [
      'in an operator, and again in its error handler',
      (subject) => subject.pipe(map(explode)).subscribe({ error: explode }),
    ],
    ['in complete', (subject) => subject.pipe(take(1)).subscribe({ complete: explode })],
    ['through asObservable()', (subject) => subject.asObservable().subscribe(explode)],
    [
      'through asObservable() and pipe',
      (subject) =>
        subject
          .asObservable()
          .pipe(map((value) => value))
          .subscribe(explode),
    ],
    ['through from()', (subject) => from(subject).subscribe(explode)],
    ['behind shareReplay', (subject) => subject.pipe(shareReplay(1)).subscribe(explode)],
  ];

  test.each(throwing)('%s', async (_, listen) => {
    const subject = new OrderedSubject<number>();
    const heard: string[] = [];
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    subject.subscribe((value) => heard.push(`before ${value}`));
    listen(subject);
    subject.subscribe((value) => heard.push(`after ${value}`));
    expect(() => subject.next(1)).not.toThrow();
    subject.next(2);
    expect(heard).toStrictEqual(['before 1', 'after 1', 'before 2', 'after 2']);
    expect(reported.length).toBeGreaterThanOrEqual(1);
    expect(new Set(reported)).toStrictEqual(new Set([boom]));
    await rxjsToThrow();
    expect(uncaught).not.toHaveBeenCalled();
  });

  test.each(throwing)('%s: without onUnhandledError it goes no further', async (_, listen) => {
    const subject = new OrderedSubject<number>();
    listen(subject);
    subject.next(1);
    subject.next(2);
    await rxjsToThrow();
    expect(uncaught).not.toHaveBeenCalled();
  });

  test('onUnhandledError that throws itself does not stop the announcements', async () => {
    config.onUnhandledError = explode;
    const subject = new OrderedSubject<number>();
    const heard: number[] = [];
    subject.subscribe(explode);
    subject.subscribe((value) => heard.push(value));
    subject.next(1);
    subject.next(2);
    await rxjsToThrow();
    expect(heard).toStrictEqual([1, 2]);
    expect(uncaught).not.toHaveBeenCalled();
  });

  test('nor does a subscriber that brings a way of its own to throw', () => {
    class Broken extends Subscriber<number> {
      override next(): void {
        explode();
      }
    }
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    const subject = new OrderedSubject<number>();
    subject.subscribe(new Broken());
    subject.next(1);
    subject.next(2);
    expect(reported).toStrictEqual([boom, boom]);
  });

  test.each([[null], [undefined]])('nor does %s', (nobody) => {
    const subject = new OrderedSubject<number>();
    const heard: number[] = [];
    subject.subscribe(nobody);
    subject.subscribe((value) => heard.push(value));
    subject.next(1);
    expect(heard).toStrictEqual([1]);
  });

  test('an observer keeps its this', () => {
    class Listener {
      heard: number[] = [];
      next(value: number): void {
        this.heard.push(value);
      }
    }
    const subject = new OrderedSubject<number>();
    const listener = new Listener();
    subject.subscribe(listener);
    subject.next(1);
    expect(listener.heard).toStrictEqual([1]);
  });
});

describe('listeners come and go', () => {
  test('one that stops itself while it is told hears no more, the others do', () => {
    const subject = new OrderedSubject<number>();
    const heard: string[] = [];
    const subscription = subject.subscribe((value) => {
      heard.push(`leaver ${value}`);
      subscription.unsubscribe();
    });
    subject.subscribe((value) => heard.push(`other ${value}`));
    subject.next(1);
    subject.next(2);
    expect(heard).toStrictEqual(['leaver 1', 'other 1', 'other 2']);
  });

  test('one that is stopped by another while that one is told hears no more', () => {
    const subject = new OrderedSubject<number>();
    const heard: number[] = [];
    subject.subscribe(() => second.unsubscribe());
    const second = subject.subscribe((value) => heard.push(value));
    subject.next(1);
    expect(heard).toStrictEqual([]);
    expect(subject.observed).toBe(true);
  });

  test.each<[string, OperatorFunction<number, unknown>]>([
    ['take(1)', take(1)],
    [
      'map and take(1)',
      pipe(
        map((value: number) => value),
        take(1),
      ),
    ],
    ['shareReplay', pipe(take(1), shareReplay(1))],
  ])('%s leaves no observer behind', (_, operator) => {
    const subject = new OrderedSubject<number>();
    subject.pipe(operator).subscribe();
    expect(subject.observed).toBe(true);
    subject.next(1);
    expect(subject.observed).toBe(false);
  });

  test('1 000 listeners that come and go leave no observer behind', () => {
    const subject = new OrderedSubject<number>();
    for (let i = 0; i < 1_000; i++) {
      const plain = subject.subscribe(() => {});
      const piped = subject.pipe(map((value) => value)).subscribe();
      const view = subject.asObservable().subscribe();
      for (const subscription of [plain, piped, view]) subscription.unsubscribe();
    }
    expect(subject.observed).toBe(false);
    expect(subject.observers).toHaveLength(0);
  });

  test('nothing is done for nobody', () => {
    const subject = new OrderedSubject<number>();
    const told = vi.spyOn(Subject.prototype, 'next');
    subject.next(1);
    expect(told).not.toHaveBeenCalled();
    told.mockRestore();
  });
});

describe('it is an ordinary Observable to RxJS', () => {
  test.each<[string, (source: OrderedSubject<number>) => Observable<number>]>([
    ['from', (source) => from(source)],
    ['merge', (source) => merge(source, new Subject<number>())],
    ['shareReplay', (source) => source.pipe(shareReplay({ bufferSize: 1, refCount: true }))],
    [
      'tap and map',
      (source) =>
        source.pipe(
          tap(() => {}),
          map((value) => value),
        ),
    ],
    ['asObservable', (source) => source.asObservable()],
  ])('%s', async (_, through) => {
    const subject = new OrderedSubject<number>();
    const values = firstValueFrom(through(subject).pipe(take(2), toArray()));
    subject.next(1);
    subject.next(2);
    expect(await values).toStrictEqual([1, 2]);
    expect(subject.observed).toBe(false);
  });

  test('shareReplay gives the last announcement to who comes late', () => {
    const subject = new OrderedSubject<number>();
    const last = subject.pipe(shareReplay(1));
    last.subscribe();
    subject.next(1);
    const heard: number[] = [];
    last.subscribe((value) => heard.push(value));
    expect(heard).toStrictEqual([1]);
  });

  test('its view cannot publish', () => {
    const view: unknown = new OrderedSubject<number>().asObservable();
    expect(view).not.toHaveProperty('next');
  });
});
