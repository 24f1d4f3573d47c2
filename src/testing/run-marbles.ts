import { MarbleError } from './marble-error.ts';
import type { MarbleHelpers } from './marble-helpers.ts';
import { MarbleRun, type RunOptions } from './marble-run.ts';

/**
 * A marble test in virtual time: hours of back-off pass in a millisecond, and a difference is shown as marbles.
 *
 * ```
 * answer
 *   expected  --a--b--|
 *   actual    --a-----#
 *                  ^ frame 5: expected b, but the next is # ("overloaded") in frame 8
 * ```
 *
 * It is `TestScheduler.run` of RxJS with its helpers and marbles, `expectChat`, `expectEvents` and `expectNoLeaks` beside
 * them, and an error for everything that would pass silently there: an `async` callback, an expectation without its
 * `toBe`, letters without a value, a stream that never ends, a test that expects nothing.
 *
 * Promises are invisible to virtual time. For code with an `await` take the fake timers of your test runner: `flaky` and
 * `scriptedProvider` run in those as well, `recordEvents`, `expectEvents` and `expectNoLeaks` need no run.
 *
 * @param callback makes the pipeline and says what is expected of it.
 * @returns what the callback returns.
 * @throws {MarbleError} with every difference, and for every wrong use.
 *
 * @example
 * ```ts
 * test('the second attempt answers', () => {
 *   runMarbles(({ expectObservable, expectSubscriptions }) => {
 *     const source = flaky('--#', '--a|');
 *     const answer = source.pipe(retryWithBackoff({ maxRetries: 1, backoff: fixedBackoff(1_000) }));
 *     expectObservable(answer).toBe('    -- 1s --a|');
 *     expectSubscriptions(source).toBe(['^-!', '-- 1s ^--!']);
 *   });
 * });
 * ```
 */
export function runMarbles<T>(callback: (helpers: MarbleHelpers) => T, options?: RunOptions): T {
  const run = new MarbleRun(options);
  const result = run.run(callback);
  if (!run.hasPurpose)
    throw new MarbleError('The marble run expects nothing: without an expectation it cannot fail.');
  run.check();
  return result;
}
