import { config, EMPTY, finalize, merge, NEVER, Observable, of, Subject, take, throwError } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

const oneAtATime = (): Bulkhead =>
  new Bulkhead({ maxConcurrent: 1, scheduler: new ManualScheduler(), events: new EventBus() });

afterEach(() => {
  config.onUnhandledError = null;
});

describe('the place', () => {
  it('is taken at subscribe, once a subscription, and never at assembly', () => {
    const policy = new Bulkhead({ maxConcurrent: 3 });
    const stream = NEVER.pipe(bulkhead(policy));
    expect(policy.activeCount).toBe(0);
    const subscriptions = [stream.subscribe(), stream.subscribe()];
    expect(policy.activeCount).toBe(2);
    for (const subscription of subscriptions) subscription.unsubscribe();
    expect(policy.activeCount).toBe(0);
  });

  it.each<[string, Observable<unknown>]>([
    ['complete', of(1)],
    ['empty', EMPTY],
    ['error', throwError(() => new Error('broken'))],
    [
      'a subscribe function that throws',
      new Observable(() => {
        throw new Error('broken');
      }),
    ],
  ])('is free before downstream hears of the end: %s', (_, source) => {
    const policy = oneAtATime();
    const seen: number[] = [];
    const look = (): void => void seen.push(policy.activeCount);
    source.pipe(bulkhead(policy)).subscribe({ complete: look, error: look });
    expect(seen).toStrictEqual([0]);
  });

  it('is given back by unsubscribing inside the first next of a synchronous source, which stops there', () => {
    const policy = oneAtATime();
    let produced = 0;
    const source = new Observable<number>((subscriber) => {
      while (!subscriber.closed && produced < 100_000) subscriber.next(produced++);
    });
    source.pipe(bulkhead(policy), take(3)).subscribe();
    expect([produced, policy.activeCount]).toStrictEqual([3, 0]);
  });

  it('is given back although the teardown of the source throws', () => {
    const policy = oneAtATime();
    const source = new Observable(() => () => {
      throw new Error('teardown');
    });
    const subscription = source.pipe(bulkhead(policy)).subscribe();
    expect(() => subscription.unsubscribe()).toThrow('teardown');
    expect(policy.activeCount).toBe(0);
  });

  it('is given to nobody who is subscribed by a consumer that has already gone', () => {
    const policy = oneAtATime();
    const stream = NEVER.pipe(bulkhead(policy));
    new Observable((subscriber) => {
      subscriber.complete();
      stream.subscribe(subscriber);
    }).subscribe();
    expect(policy.activeCount).toBe(0);
  });
});

describe('the line', () => {
  it('is drained in a loop, however many streams end while they start', () => {
    const policy = new Bulkhead({ maxConcurrent: 1, maxQueue: 20_000, scheduler: new ManualScheduler() });
    const first = new Subject<number>();
    const values: number[] = [];
    first.pipe(bulkhead(policy)).subscribe();
    for (let value = 0; value < 20_000; value++) {
      of(value)
        .pipe(bulkhead(policy))
        .subscribe((value) => values.push(value));
    }
    first.complete();
    expect(values).toStrictEqual(Array.from({ length: 20_000 }, (_, value) => value));
  });

  it('outlives a stream that throws while it starts', () => {
    const unhandled: unknown[] = [];
    config.onUnhandledError = (error) => unhandled.push(error.message);
    const policy = oneAtATime();
    const first = new Subject<number>();
    const ends: string[] = [];
    const throwing = new Observable<number>((subscriber) => {
      subscriber.complete();
      return () => {
        throw new Error('teardown');
      };
    });
    first.pipe(bulkhead(policy)).subscribe();
    throwing.pipe(bulkhead(policy)).subscribe({ complete: () => ends.push('throwing') });
    of(1)
      .pipe(bulkhead(policy))
      .subscribe({ complete: () => ends.push('last') });
    first.complete();
    expect(ends).toStrictEqual(['throwing', 'last']);
    expect(unhandled).toStrictEqual(['teardown']);
  });

  it('outlives a consumer that throws when it is sent away', () => {
    config.onUnhandledError = () => {};
    const scheduler = new ManualScheduler();
    const policy = new Bulkhead({ maxConcurrent: 1, queueTimeout: 5, scheduler, events: new EventBus() });
    NEVER.pipe(bulkhead(policy)).subscribe();
    const sentAway: string[] = [];
    const throwing = finalize(() => {
      throw new Error('finalizer');
    });
    of(1)
      .pipe(bulkhead(policy), throwing)
      .subscribe({ error: () => sentAway.push('throwing') });
    of(1)
      .pipe(bulkhead(policy))
      .subscribe({ error: () => sentAway.push('last') });
    scheduler.advanceTo(5);
    expect([sentAway, scheduler.pending]).toStrictEqual([['throwing', 'last'], 0]);
  });

  it('whoever gets the place may cancel the stream that made room', () => {
    const policy = oneAtATime();
    const first = new Subject<string>();
    const heard: string[] = [];
    merge(first.pipe(bulkhead(policy)), of('second').pipe(bulkhead(policy)))
      .pipe(take(1))
      .subscribe({ next: (value) => heard.push(value), complete: () => heard.push('complete') });
    expect(() => first.complete()).not.toThrow();
    expect([heard, policy.activeCount]).toStrictEqual([['second', 'complete'], 0]);
  });

  it.each(['taken', 'waiting', 'granted'])(
    'a listener that cancels the stream loses no place: %s',
    (moment) => {
      const policy = oneAtATime();
      const subscribed = vi.fn();
      const source = new Observable(subscribed);
      const blocker = moment === 'taken' ? undefined : NEVER.pipe(bulkhead(policy)).subscribe();
      const stopper = new Subject<void>();
      let armed = moment !== 'granted';
      policy.state$.subscribe(({ activeCount, queueSize }) => {
        const now = moment === 'waiting' ? queueSize === 1 : activeCount === 1 && queueSize === 0;
        if (armed && now && !(moment === 'taken' && blocker)) stopper.next();
      });
      let cancelled = false;
      new Observable((subscriber) => {
        stopper.subscribe(() => {
          cancelled = true;
          subscriber.unsubscribe();
        });
        source.pipe(bulkhead(policy)).subscribe(subscriber);
      }).subscribe();
      armed = true;
      blocker?.unsubscribe();
      expect(cancelled).toBe(true);
      expect(subscribed).not.toHaveBeenCalled();
      expect([policy.activeCount, policy.queueSize]).toStrictEqual([0, 0]);
    },
  );

  it('whoever cancels while waiting is never subscribed', () => {
    const policy = oneAtATime();
    const subscribed = vi.fn();
    const blocker = NEVER.pipe(bulkhead(policy)).subscribe();
    new Observable(subscribed).pipe(bulkhead(policy)).subscribe().unsubscribe();
    blocker.unsubscribe();
    expect(subscribed).not.toHaveBeenCalled();
    expect([policy.activeCount, policy.queueSize]).toStrictEqual([0, 0]);
  });
});

it('an operator from a config has one bulkhead of its own, made when the operator is made', () => {
  const operator = bulkhead({ maxConcurrent: 1, maxQueue: 0 });
  const errors: unknown[] = [];
  NEVER.pipe(operator).subscribe();
  of(1)
    .pipe(operator)
    .subscribe({ error: (error) => errors.push(error.name) });
  expect(errors).toStrictEqual(['BulkheadRejectedError']);
  expect(() => bulkhead({ maxConcurrent: -1 })).toThrow(/"maxConcurrent".*got -1/);
});
