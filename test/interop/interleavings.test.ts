/** Whatever sources do and readers want: what crosses over to promises and iterables is what was said, and nothing stays behind. */
import fc from 'fast-check';
import { lastValueFrom, Observable, take, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import {
  fixedBackoff,
  fromAsyncIterable,
  protect,
  retryWithBackoff,
  toAsyncIterable,
} from '../../src/index.ts';

/** Says 0, 1, 2, …, each at once or a turn later, and ends. */
interface Script {
  readonly turns: readonly boolean[];
  readonly fails: boolean;
}
const scripts = fc.record<Script>({ turns: fc.array(fc.boolean(), { maxLength: 8 }), fails: fc.boolean() });
const failure = new Error('failed');

class Source {
  subscribed = 0;
  open = 0;
  readonly values$: Observable<number>;

  constructor({ turns, fails }: Script) {
    this.values$ = new Observable<number>((subscriber) => {
      this.subscribed++;
      this.open++;
      subscriber.add(() => this.open--);
      void (async () => {
        for (const [value, later] of turns.entries()) {
          if (later) await Promise.resolve();
          if (subscriber.closed) return;
          subscriber.next(value);
        }
        if (fails) subscriber.error(failure);
        else subscriber.complete();
      })();
    });
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test('a loop reads what a stream says, in order, until it leaves or the stream ends', async () => {
  await fc.assert(
    fc.asyncProperty(scripts, fc.integer({ min: 1, max: 9 }), async (script, wanted) => {
      const source = new Source(script);
      const read: number[] = [];
      let error: unknown;
      try {
        for await (const value of toAsyncIterable(source.values$)) {
          read.push(value);
          if (read.length === wanted) break;
        }
      } catch (thrown) {
        error = thrown;
      }
      const { length } = script.turns;
      expect(read).toStrictEqual(numbers(Math.min(length, wanted)));
      expect(error).toBe(script.fails && wanted > length ? failure : undefined);
      expect([source.subscribed, source.open]).toStrictEqual([1, 0]);
    }),
  );
});

test('there and back again: a stream is the same behind an iterable', async () => {
  await fc.assert(
    fc.asyncProperty(scripts, fc.integer({ min: 1, max: 9 }), async (script, wanted) => {
      const source = new Source(script);
      const back = fromAsyncIterable(() => toAsyncIterable(source.values$));
      const { length } = script.turns;
      const read = lastValueFrom(back.pipe(take(wanted), toArray()));
      if (script.fails && wanted > length) await expect(read).rejects.toBe(failure);
      else expect(await read).toStrictEqual(numbers(Math.min(length, wanted)));
      await Promise.resolve();
      expect(source.open).toBe(0);
    }),
  );
});

test('a protected function is called as often as it has to be, and no more', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(5), fc.nat(4), fc.boolean(), async (failures, maxRetries, throws) => {
      let calls = 0;
      const call = protect(
        (value: number): Promise<number> => {
          if (++calls > failures) return Promise.resolve(value);
          if (throws) throw failure;
          return Promise.reject(failure);
        },
        retryWithBackoff({ maxRetries, backoff: fixedBackoff(0) }),
      );
      const outcome = await call(7).catch((error: unknown) => error);
      if (failures <= maxRetries) expect(outcome).toBe(7);
      else if (maxRetries === 0) expect(outcome).toBe(failure);
      else
        expect(outcome).toMatchObject({
          name: 'RetryExhaustedError',
          cause: failure,
          attempts: maxRetries + 1,
        });
      expect(calls).toBe(Math.min(failures, maxRetries) + 1);
    }),
  );
});
