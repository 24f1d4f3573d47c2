import type { Observable, OperatorFunction } from 'rxjs';

/**
 * One executable marble diagram: a rule of a pattern as prose, as a test in virtual time, and as a picture.
 *
 * Marbles are RxJS' own (`-` one millisecond, `a` a value, `|` complete, `#` error, `(ab)` together, `^` subscribe, `!`
 * unsubscribe, `9ms` time, spaces align). The n-th subscription to the source, over all consumers, is the n-th attempt.
 */
export interface Diagram<T = string, R = T> {
  /** The rule, as a sentence. */
  readonly title: string;
  /** Why it is so, and what a reader should look at. */
  readonly prose: string;
  /** The operator as a user writes it, made afresh for every run, and what there is to watch beside the stream. */
  readonly setup: () => OperatorFunction<T, R> | Watched<T, R>;
  /** What each attempt does; the last one repeats. */
  readonly source: string | readonly string[];
  /** When each consumer subscribes and unsubscribes. @default one that subscribes at 0: `['^']` */
  readonly consumers?: readonly string[];
  /** What each consumer receives. An error `#` is compared by its name, or by its value if it is no Error. */
  readonly expected: string | readonly string[];
  /** When each attempt was subscribed and unsubscribed. */
  readonly subscriptions: readonly string[];
  /** What the letters of source and expected mean. @default the letters themselves */
  readonly values?: Readonly<Record<string, unknown>>;
  /** What `#` means in the n-th attempt. @default 'error' for all */
  readonly sourceErrors?: readonly unknown[];
  /** What `#` means for the n-th consumer: the name of an Error, or a value. @default 'error' for all */
  readonly errors?: readonly unknown[];
  /** What the watched lanes show, and what their letters mean. */
  readonly lanes?: Readonly<Record<string, Lane>>;
}

/**
 * Drawn beneath the stream: a state, if it has a value from the start; a level, if its values are numbers as well, of which
 * the last one of a millisecond counts; else events.
 */
export interface Lane {
  readonly expected: string;
  /** @default the letters themselves; in a level the digits are numbers */
  readonly values?: Readonly<Record<string, unknown>>;
}

export interface Watched<T, R> {
  readonly operator: OperatorFunction<T, R>;
  readonly lanes: Readonly<Record<string, Observable<unknown>>>;
}

/** All that is to be said about one operator, the beginner's case first. */
export interface Chapter {
  readonly operator: string;
  readonly introduction: string;
  /** What a user writes where the chapter uses a shorthand of its own. @default the code as it stands */
  readonly written?: (code: string) => string;
  // biome-ignore lint/suspicious/noExplicitAny: diagrams of one chapter may have different value types
  readonly diagrams: readonly Diagram<any, any>[];
}
