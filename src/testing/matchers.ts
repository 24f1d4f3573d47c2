import type { Observable } from 'rxjs';
import { type EventRecording, type ExpectedEvent, expectEvents } from './events.ts';
import { expectNoLeaks, type Leakable } from './leaks.ts';
import { MarbleDifference } from './marble-error.ts';
import type { Values } from './marbles.ts';
import { runMarbles } from './run-marbles.ts';

export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/**
 * The expectations of this kit as matchers of vitest or jest, in whose setup file they are registered:
 *
 * ```ts
 * import { expect } from 'vitest';
 * import { type MarbleMatchers, marbleMatchers } from 'rxjs-resilience/testing';
 *
 * expect.extend(marbleMatchers);
 * declare module 'vitest' {
 *   interface Matchers<T> extends MarbleMatchers<T> {}
 * }
 * ```
 *
 * @example
 * ```ts
 * expect(flaky('--#', '--a|').pipe(retry(1))).toShowMarbles('----a|');
 * expect(recording).toHaveEvents(['retry_attempted']);
 * expect(pool).toHaveNoLeaks();
 * ```
 */
export const marbleMatchers = {
  /** The stream shows these marbles in a virtual time of its own. */
  toShowMarbles: (
    stream: Observable<unknown>,
    marbles: string,
    values?: Values,
    error?: unknown,
  ): MatcherResult =>
    verdict('these marbles', () =>
      runMarbles(({ expectObservable }) => expectObservable(stream).toBe(marbles, values, error)),
    ),

  /** What was recorded are these events, in this order. */
  toHaveEvents: (recording: EventRecording, expected: readonly ExpectedEvent[]): MatcherResult =>
    verdict('these events', () => expectEvents(recording, expected)),

  /** The policy, provider, scripted source or Subject has nothing open. */
  toHaveNoLeaks: (subject: Leakable): MatcherResult => verdict('no leaks', () => expectNoLeaks(subject)),
};

/** The types of `marbleMatchers`, for the declarations of the test runner. */
export interface MarbleMatchers<R = unknown> {
  toShowMarbles(marbles: string, values?: Values, error?: unknown): R;
  toHaveEvents(expected: readonly ExpectedEvent[]): R;
  toHaveNoLeaks(): R;
}

function verdict(what: string, check: () => void): MatcherResult {
  try {
    check();
    return { pass: true, message: () => `expected anything but ${what}` };
  } catch (error) {
    // A mistake of the test is none of the differences that `.not` may be after.
    if (!(error instanceof MarbleDifference)) throw error;
    const { message } = error;
    return { pass: false, message: () => message };
  }
}
