import { setImmediate } from 'node:timers/promises';
import { concat, defer, NEVER, Observable, of, range, Subject, throwError } from 'rxjs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { isConfigurationError, isResilienceError } from '../../src/core/errors.ts';
import { toAsyncIterable } from '../../src/interop/index.ts';

const iterate = <T>(observable: Observable<T>, config?: { buffer?: number }) =>
  toAsyncIterable(observable, config)[Symbol.asyncIterator]();

describe('toAsyncIterable', () => {
  it('gives for await the values and the end', async () => {
    const values: number[] = [];
    for await (const value of toAsyncIterable(range(0, 3))) {
      expectTypeOf(value).toBeNumber();
      values.push(value);
    }
    expect(values).toStrictEqual([0, 1, 2]);
  });

  it('subscribes when the first value is asked for, once per iteration', async () => {
    let subscribed = 0;
    const iterable = toAsyncIterable(
      defer(() => {
        subscribed++;
        return of('a');
      }),
    );
    const first = iterable[Symbol.asyncIterator]();
    expect(subscribed).toBe(0);
    await first.next();
    await first.next();
    expect(subscribed).toBe(1);
    await iterable[Symbol.asyncIterator]().next();
    expect(subscribed).toBe(2);
  });

  it('unsubscribes at once on return(), while next() is pending', async () => {
    let unsubscribed = false;
    const iterator = iterate(
      new Observable<string>(() => () => {
        unsubscribed = true;
      }),
    );
    const pending = [iterator.next(), iterator.next()];
    const returned = iterator.return?.();
    expect(unsubscribed).toBe(true);
    const done = { done: true, value: undefined };
    await expect(Promise.all([...pending, returned])).resolves.toStrictEqual([done, done, done]);
  });

  it('unsubscribes when the loop is left by break or by a throw', async () => {
    for (const leave of ['break', 'throw']) {
      let unsubscribed = false;
      const source = new Observable<string>((subscriber) => {
        subscriber.next('a');
        return () => {
          unsubscribed = true;
        };
      });
      const loop = async (): Promise<void> => {
        for await (const _ of toAsyncIterable(source)) {
          if (leave === 'break') break;
          throw new Error('consumer');
        }
      };
      await loop().catch(() => {});
      expect(unsubscribed).toBe(true);
    }
  });

  it('unsubscribes, and throws it, when something is thrown into a generator that hands it on', async () => {
    const source = new Subject<number>();
    async function* numbers() {
      yield* toAsyncIterable(source);
    }
    const reading = numbers();
    const first = reading.next();
    source.next(1);
    await first;
    const mistake = new Error('mine');
    await expect(reading.throw(mistake)).rejects.toBe(mistake);
    expect(source.observed).toBe(false);
  });

  it('never subscribes when return() comes first', async () => {
    let subscribed = false;
    const iterator = iterate(
      defer(() => {
        subscribed = true;
        return NEVER;
      }),
    );
    await iterator.return?.();
    await expect(iterator.next()).resolves.toStrictEqual({ done: true, value: undefined });
    expect(subscribed).toBe(false);
  });

  it('throws the error after the values that came before it, once', async () => {
    const failure = new Error('cut');
    const iterator = iterate(
      concat(
        of('a', 'b'),
        throwError(() => failure),
      ),
    );
    await expect(iterator.next()).resolves.toStrictEqual({ done: false, value: 'a' });
    await setImmediate();
    await expect(iterator.next()).resolves.toStrictEqual({ done: false, value: 'b' });
    await expect(iterator.next()).rejects.toBe(failure);
    await expect(iterator.next()).resolves.toStrictEqual({ done: true, value: undefined });
  });

  it('rejects the first of several that wait and ends the others', async () => {
    const subject = new Subject<string>();
    const iterator = iterate(subject);
    const pending = Promise.allSettled([iterator.next(), iterator.next()]);
    subject.error('cut');
    await expect(pending).resolves.toStrictEqual([
      { status: 'rejected', reason: 'cut' },
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ]);
  });

  it('answers several that wait in their order', async () => {
    const subject = new Subject<string>();
    const iterator = iterate(subject);
    const pending = Promise.all([iterator.next(), iterator.next()]);
    subject.next('a');
    subject.next('b');
    const values = (await pending).map(({ value }) => value);
    expect(values).toStrictEqual(['a', 'b']);
  });

  it('stops the source when the buffer overflows and says so after the values it kept', async () => {
    let emitted = 0;
    const endless = new Observable<number>((subscriber) => {
      while (!subscriber.closed) subscriber.next(emitted++);
    });
    const iterator = iterate(endless, { buffer: 2 });
    const values = [await iterator.next(), await iterator.next(), await iterator.next()].map(
      ({ value }) => value,
    );
    expect(values).toStrictEqual([0, 1, 2]);
    expect(emitted).toBe(4);
    const overflow = await iterator.next().catch((error: unknown) => error);
    expect(isResilienceError(overflow)).toBe(true);
    expect(overflow).toMatchObject({ message: expect.stringContaining('2 values behind (buffer)') });
  });

  it('keeps 10_000 values unless told otherwise, and any number with Infinity', async () => {
    await iterate(range(0, 10_001)).next();
    const overflowing = iterate(range(0, 10_002));
    for (let i = 0; i <= 10_000; i++) await overflowing.next();
    await expect(overflowing.next()).rejects.toThrow('buffer');
    const unbounded = iterate(range(0, 20_000), { buffer: Number.POSITIVE_INFINITY });
    let count = 0;
    while (!(await unbounded.next()).done) count++;
    expect(count).toBe(20_000);
  });

  it.each([-1, 1.5, Number.NaN])('refuses buffer %s by name', (buffer) => {
    expect(() => toAsyncIterable(NEVER, { buffer })).toThrow(`option "buffer"`);
    expect(() => toAsyncIterable(NEVER, { buffer })).toThrow(String(buffer));
    expect(() => toAsyncIterable(NEVER, { buffer })).toThrow(expect.toSatisfy(isConfigurationError) as Error);
  });
});
