import { setImmediate } from 'node:timers/promises';
import { firstValueFrom, lastValueFrom, retry, take, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isResilienceError } from '../../src/core/errors.ts';
import { fromAsyncIterable, toObservable } from '../../src/interop/index.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await setImmediate();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toStrictEqual([]);
});

/** An iterator whose `next()` the test answers by hand. */
class ManualIterator implements AsyncIterableIterator<string> {
  readonly log: string[] = [];
  readonly pending: {
    resolve(result: IteratorResult<string>): void;
    reject(error: unknown): void;
  }[] = [];

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<string>> {
    this.log.push('next');
    return new Promise((resolve, reject) => this.pending.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<string>> {
    this.log.push('return');
    return Promise.resolve({ done: true, value: undefined });
  }
}

describe('fromAsyncIterable', () => {
  it('delivers the values in order and completes', async () => {
    async function* letters() {
      yield 'a';
      await setImmediate();
      yield 'b';
    }
    await expect(lastValueFrom(fromAsyncIterable(letters()).pipe(toArray()))).resolves.toStrictEqual([
      'a',
      'b',
    ]);
  });

  it('delivers the error of the source after its values', async () => {
    const log: unknown[] = [];
    const failure = new Error('cut');
    fromAsyncIterable(async function* () {
      yield 'a';
      throw failure;
    }).subscribe({ next: (value) => log.push(value), error: (error: unknown) => log.push(error) });
    await setImmediate();
    expect(log).toStrictEqual(['a', failure]);
  });

  it('delivers what the factory throws, and what its promise rejects with, as the error', async () => {
    await expect(
      lastValueFrom(
        fromAsyncIterable((): AsyncIterable<string> => {
          throw new Error('no socket');
        }),
      ),
    ).rejects.toThrow('no socket');
    await expect(
      lastValueFrom(fromAsyncIterable(() => Promise.reject<AsyncIterable<string>>(new Error('no route')))),
    ).rejects.toThrow('no route');
  });

  it('delivers what next() throws as the error and does not call return()', async () => {
    const iterator = new ManualIterator();
    iterator.next = () => {
      throw new Error('broken iterator');
    };
    await expect(lastValueFrom(fromAsyncIterable(iterator))).rejects.toThrow('broken iterator');
    expect(iterator.log).toStrictEqual([]);
  });

  it('calls return() in the same tick as the unsubscribe, while next() is pending', async () => {
    const iterator = new ManualIterator();
    const subscription = fromAsyncIterable(iterator).subscribe();
    await setImmediate();
    expect(iterator.log).toStrictEqual(['next']);
    subscription.unsubscribe();
    expect(iterator.log).toStrictEqual(['next', 'return']);
    iterator.pending[0]?.reject(new Error('too late'));
  });

  it('calls return() once for take(1), and not at all after the end', async () => {
    const taken = new ManualIterator();
    fromAsyncIterable(taken).pipe(take(1)).subscribe();
    await setImmediate();
    taken.pending[0]?.resolve({ done: false, value: 'a' });
    await setImmediate();
    expect(taken.log).toStrictEqual(['next', 'return']);

    const ended = new ManualIterator();
    fromAsyncIterable(ended)
      .subscribe()
      .add(() => ended.log.push('torn down'));
    await setImmediate();
    ended.pending[0]?.resolve({ done: true, value: undefined });
    await setImmediate();
    expect(ended.log).toStrictEqual(['next', 'torn down']);
  });

  it('asks for one value at a time', async () => {
    const iterator = new ManualIterator();
    const subscription = fromAsyncIterable(iterator).subscribe();
    await setImmediate();
    expect(iterator.pending).toHaveLength(1);
    iterator.pending[0]?.resolve({ done: false, value: 'a' });
    await setImmediate();
    expect(iterator.pending).toHaveLength(2);
    subscription.unsubscribe();
  });

  it('swallows whatever return() does', async () => {
    for (const misbehave of [() => Promise.reject(new Error('async')), () => expect.unreachable()]) {
      const iterator = new ManualIterator();
      iterator.return = misbehave;
      const subscription = fromAsyncIterable(iterator).subscribe();
      await setImmediate();
      expect(() => subscription.unsubscribe()).not.toThrow();
    }
  });

  it('aborts the signal before it calls return(), with an AbortError', async () => {
    const log: unknown[] = [];
    const iterator = new ManualIterator();
    const subscription = fromAsyncIterable((signal) => {
      signal.addEventListener('abort', () => iterator.log.push((signal.reason as Error).name));
      return iterator;
    }).subscribe({ error: (error) => log.push(error) });
    await setImmediate();
    subscription.unsubscribe();
    expect(iterator.log).toStrictEqual(['next', 'AbortError', 'return']);
    expect(log).toStrictEqual([]);
  });

  it('closes an async generator that waits on its signal within a tick', async () => {
    let closed = false;
    const subscription = fromAsyncIterable(async function* (signal) {
      try {
        yield 'a';
        await new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      } finally {
        closed = true;
      }
    }).subscribe();
    await setImmediate();
    expect(closed).toBe(false);
    subscription.unsubscribe();
    await setImmediate();
    expect(closed).toBe(true);
  });

  it('does not abort the signal after the end', async () => {
    const signals: AbortSignal[] = [];
    await lastValueFrom(
      fromAsyncIterable(async function* (signal) {
        signals.push(signal);
        yield 'a';
      }),
    );
    expect(signals.map((signal) => signal.aborted)).toStrictEqual([false]);
  });

  it('closes a source that opens after the unsubscribe', async () => {
    let open!: (stream: ReadableStream<string>) => void;
    const opening = new Promise<ReadableStream<string>>((resolve) => (open = resolve));
    let cancelled = false;
    fromAsyncIterable(() => opening)
      .subscribe()
      .unsubscribe();
    open(
      new ReadableStream({
        cancel: () => {
          cancelled = true;
        },
      }),
    );
    await setImmediate();
    expect(cancelled).toBe(true);
  });

  it('swallows the rejection of a source that fails to open after the unsubscribe', async () => {
    fromAsyncIterable((signal) => {
      return new Promise<AsyncIterable<string>>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      );
    })
      .subscribe()
      .unsubscribe();
    await setImmediate();
  });

  it('opens the source anew for every subscription', async () => {
    let attempts = 0;
    const stream = fromAsyncIterable(async function* () {
      attempts++;
      if (attempts < 3) throw new Error('not yet');
      yield 'at last';
    });
    await expect(firstValueFrom(stream.pipe(retry(2)))).resolves.toBe('at last');
  });

  it('refuses to read an iterator twice, which would look like an empty answer', async () => {
    async function* letters() {
      yield 'a';
    }
    const stream = fromAsyncIterable(letters());
    await lastValueFrom(stream);
    await expect(lastValueFrom(stream)).rejects.toSatisfy(isResilienceError);
    await expect(lastValueFrom(stream)).rejects.toThrow('has been read before');
  });

  it('reads an iterable that makes its iterators itself as often as one likes', async () => {
    const iterable = {
      async *[Symbol.asyncIterator]() {
        yield 'a';
      },
    };
    const stream = fromAsyncIterable(iterable);
    await lastValueFrom(stream);
    await expect(lastValueFrom(stream)).resolves.toBe('a');
  });

  it('lets promises run between the values of a source that never waits', async () => {
    let endless = 0;
    const subscription = fromAsyncIterable(async function* () {
      for (;;) yield endless++;
    }).subscribe();
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    subscription.unsubscribe();
    expect(endless).toBeGreaterThan(0);
    expect(endless).toBeLessThanOrEqual(100);
  });
});

describe('fromAsyncIterable of a ReadableStream', () => {
  it('delivers its chunks', async () => {
    const stream = new ReadableStream<string>({
      start(controller) {
        controller.enqueue('a');
        controller.enqueue('b');
        controller.close();
      },
    });
    await expect(lastValueFrom(fromAsyncIterable(stream).pipe(toArray()))).resolves.toStrictEqual(['a', 'b']);
  });

  it('cancels it in the same tick as the unsubscribe, while a read is pending', async () => {
    let cancelled = false;
    const stream = new ReadableStream<string>({
      cancel: () => {
        cancelled = true;
      },
    });
    const subscription = fromAsyncIterable(stream).subscribe();
    await setImmediate();
    expect(cancelled).toBe(false);
    subscription.unsubscribe();
    expect(cancelled).toBe(true);
  });

  it('errors for a second reader instead of completing empty', async () => {
    const stream = new ReadableStream<string>({ start: (controller) => controller.close() });
    await lastValueFrom(fromAsyncIterable(stream), { defaultValue: undefined });
    const again = lastValueFrom(fromAsyncIterable(stream));
    await expect(again).rejects.toThrow('has been read before');
    await expect(again).rejects.toSatisfy(isResilienceError);
  });

  it('that somebody else reads is refused as the stream refuses it, however often', async () => {
    const stream = new ReadableStream<string>();
    stream.getReader();
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(lastValueFrom(fromAsyncIterable(stream))).rejects.toThrow(TypeError);
  });
});

describe('toObservable', () => {
  it('closes async sources at once', async () => {
    const iterator = new ManualIterator();
    const subscription = toObservable(iterator).subscribe();
    await setImmediate();
    subscription.unsubscribe();
    expect(iterator.log).toStrictEqual(['next', 'return']);
  });

  it('takes everything else that from() takes, a promise that is also iterable as a promise', async () => {
    await expect(lastValueFrom(toObservable(['a', 'b']))).resolves.toBe('b');
    await expect(lastValueFrom(toObservable(Promise.resolve('a')))).resolves.toBe('a');
    const page = Object.assign(Promise.resolve('page'), { async *[Symbol.asyncIterator]() {} });
    await expect(lastValueFrom(toObservable(page))).resolves.toBe('page');
  });
});
