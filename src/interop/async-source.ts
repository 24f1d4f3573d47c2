import { Observable, type Subscriber } from 'rxjs';
import { ResilienceError } from '../core/errors.ts';

/** What is read piece by piece. */
export type AsyncSource<T> = AsyncIterable<T> | ReadableStream<T>;

/** Whether this is an async iterable or a stream of the web. */
export function isAsyncSource(value: unknown): value is AsyncSource<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || isWebStream(value));
}

const isWebStream = (value: object): value is ReadableStream => 'getReader' in value;

/** Reads the source for every subscription, and closes it when that is unsubscribed. */
export function readingFrom<T>(source: AsyncSource<T> | PromiseLike<AsyncSource<T>>): Observable<T> {
  return new Observable((subscriber) => {
    const reader = new Reader(subscriber);
    subscriber.add(() => reader.close());
    void reader.read(source);
  });
}

/** One subscription to one source. */
class Reader<T> {
  private iterator: AsyncIterator<T> | undefined;
  private ended = false;

  constructor(private readonly subscriber: Subscriber<T>) {}

  async read(source: AsyncSource<T> | PromiseLike<AsyncSource<T>>): Promise<void> {
    const { subscriber } = this;
    try {
      this.iterator = open(await source);
      // It was opened for nobody: the consumer left meanwhile.
      if (subscriber.closed) this.close();
      while (!subscriber.closed) {
        const result = await this.iterator.next();
        if (subscriber.closed) return;
        if (result.done !== true) subscriber.next(result.value);
        else {
          this.ended = true;
          subscriber.complete();
        }
      }
    } catch (error) {
      this.ended = true;
      subscriber.error(error);
    }
  }

  close(): void {
    if (this.ended || this.iterator === undefined) return;
    this.ended = true;
    void returnQuietly(this.iterator);
  }
}

/** Calls `return()` before it returns itself. Nobody is left to hear what goes wrong with it. */
async function returnQuietly(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {}
}

const readOnce = new WeakSet<object>();

function open<T>(source: AsyncSource<T>): AsyncIterator<T> {
  if (readOnce.has(source)) throw new ResilienceError(ONLY_ONCE);
  const iterator = isWebStream(source) ? readerOf<T>(source) : source[Symbol.asyncIterator]();
  if (isWebStream(source) || Object.is(iterator, source)) readOnce.add(source);
  return iterator;
}

/** The stream's own iterator would wait for the pending read before it cancels. */
function readerOf<T>(stream: ReadableStream<T>): AsyncIterator<T> {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<T>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

const ONLY_ONCE =
  'fromAsyncIterable: this source has been read before and has nothing left. Give a function that opens a new one for every subscription.';
