import { type Observable, Subscriber } from 'rxjs';
import * as z from 'zod/mini';
import { count, parseConfig } from '../core/config.ts';
import { ResilienceError } from '../core/errors.ts';

export const AsyncIterableConfigSchema = z.strictObject({
  /** How many values may wait for the consumer; `Infinity` for no bound. @default 10_000 */
  buffer: z._default(z.union([count(0), z.literal(Number.POSITIVE_INFINITY)]), 10_000),
});
export type AsyncIterableConfig = z.input<typeof AsyncIterableConfigSchema>;

/**
 * An async iterable of an Observable, for `for await` and everything built on it.
 *
 * ```
 * source   ^--a--b--c--d--|
 * loop     ---a--b-!            break
 * source   --------!            unsubscribed
 * ```
 *
 * The Observable is subscribed when the first value is asked for, once per iteration. Values that the consumer has not
 * asked for yet wait in a bounded buffer; an error is thrown after them. Leaving the loop unsubscribes at once, also when
 * a value is being waited for: that wait ends as done.
 *
 * @param config `{ buffer }`: a consumer that falls further behind than this gets an error instead of filling the memory.
 * @throws {ConfigurationError} at once, naming the option and the value.
 * @throws {ResilienceError} (from the iteration) when the buffer overflows; the source is unsubscribed then.
 *
 * @example
 * ```ts
 * for await (const second of toAsyncIterable(interval(1_000))) {
 *   console.log(second);
 *   if (second === 1) break;
 * }
 * // 0
 * // 1
 * ```
 * @see {@link fromAsyncIterable} for the way back.
 */
export function toAsyncIterable<T>(
  observable: Observable<T>,
  config: AsyncIterableConfig = {},
): AsyncIterable<T, undefined> {
  const { buffer } = parseConfig('toAsyncIterable', AsyncIterableConfigSchema, config);
  return { [Symbol.asyncIterator]: () => new ObservableIterator(observable, buffer) };
}

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

const DONE = { done: true, value: undefined } as const;

class ObservableIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #observable: Observable<T>;
  readonly #capacity: number;
  readonly #waiters: Waiter<T>[] = [];
  /** By order of arrival: an array would be moved with every value that leaves it. */
  readonly #buffer = new Map<number, T>();
  #arrived = 0;
  #taken = 0;
  #subscriber: Subscriber<T> | undefined;
  #end: 'completed' | { readonly error: unknown } | undefined;

  constructor(observable: Observable<T>, capacity: number) {
    this.#observable = observable;
    this.#capacity = capacity;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (this.#subscriber === undefined) this.#subscribe();
      else this.#serve();
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#buffer.clear();
    this.#end = 'completed';
    this.#subscriber ??= new Subscriber();
    try {
      this.#subscriber.unsubscribe();
      return Promise.resolve(DONE);
    } catch (thrown) {
      return Promise.reject(thrown);
    } finally {
      this.#serve();
    }
  }

  /** What is thrown into a generator arrives here through its `yield*`. */
  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  #subscribe(): void {
    // Known before the source speaks: one that never pauses can be stopped only from here.
    this.#subscriber = new Subscriber<T>({
      next: (value: T) => this.#receive(value),
      error: (error: unknown) => this.#finish({ error }),
      complete: () => this.#finish('completed'),
    });
    this.#observable.subscribe(this.#subscriber);
  }

  #receive(value: T): void {
    if (this.#waiters.length === 0 && this.#buffer.size >= this.#capacity) {
      this.#finish({ error: new ResilienceError(overflow(this.#capacity)) });
      this.#subscriber?.unsubscribe();
      return;
    }
    this.#buffer.set(this.#arrived++, value);
    this.#serve();
  }

  #finish(end: 'completed' | { readonly error: unknown }): void {
    this.#end = end;
    this.#serve();
  }

  /** Gives those who wait what there is: values first, then the error, once, then the end. */
  #serve(): void {
    while (this.#waiters.length > 0 && (this.#buffer.size > 0 || this.#end !== undefined)) {
      const waiter = this.#waiters.shift() as Waiter<T>;
      if (this.#buffer.size > 0) waiter.resolve({ done: false, value: this.#take() });
      else if (this.#end === 'completed') waiter.resolve(DONE);
      else {
        const { error } = this.#end as { readonly error: unknown };
        this.#end = 'completed';
        waiter.reject(error);
      }
    }
  }

  #take(): T {
    const value = this.#buffer.get(this.#taken) as T;
    this.#buffer.delete(this.#taken++);
    return value;
  }
}

const overflow = (buffer: number): string =>
  `toAsyncIterable: the consumer is more than ${buffer} values behind (buffer). Read faster, thin the stream out, or allow a larger buffer.`;
