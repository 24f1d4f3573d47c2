import type { Observable } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import type { ChatChunk } from '../chat/index.ts';
import type { ResilienceEvent } from '../core/events.ts';
import type { ChatLetters } from './chat-letters.ts';
import type { ExpectedEvent } from './events.ts';
import type { SubscriptionFrames } from './lane.ts';
import type { Leakable } from './leaks.ts';
import type { Values } from './marbles.ts';

/** What a test is given: the helpers of RxJS' `TestScheduler.run`, and what can be expected. */
export interface MarbleHelpers
  extends Omit<RunHelpers, 'expectObservable' | 'expectSubscriptions'>,
    ExpectationHelpers {}

/** How a test says what it expects of a run. */
export interface ExpectationHelpers {
  /** What a stream shows, subscribed at 0 or as marbles say: `expectObservable(stream, '^---!').toBe('--a')`. */
  readonly expectObservable: <T>(stream: Observable<T>, subscription?: string) => StreamExpectation<T>;
  /** What a chat shows: letters are pieces of text, `F` the finish, `R` a retract mark. */
  readonly expectChat: (stream: Observable<ChatChunk>, subscription?: string) => ChatExpectation;
  /** When a scripted or cold source was subscribed and unsubscribed. */
  readonly expectSubscriptions: (source: Subscribable) => SubscriptionExpectation;
  /** What a bus, or a part of it such as `bus.on('state')`, announces: these events, in this order, and no others. */
  readonly expectEvents: (bus: Observable<ResilienceEvent>, expected: readonly ExpectedEvent[]) => void;
  /** At the end no lease, no place in a line, no subscription and no listener is left, and no timer goes on. */
  readonly expectNoLeaks: (...subjects: readonly Leakable[]) => void;
}

export interface StreamExpectation<T> {
  /**
   * @param values what the letters stand for. @default each for itself
   * @param error what `#` stands for: the name of an error's class, or a value. @default 'error'
   */
  toBe(marbles: string, values?: Values, error?: unknown): void;
  /** The same messages at the same times as another stream. */
  toEqual(other: Observable<T>): void;
}

export interface ChatExpectation {
  /**
   * @param values what the letters stand for, texts or chunks.
   * @param error what `#` stands for: the name of an error's class, or a value. @default 'error'
   */
  toBe(marbles: string, values?: ChatLetters, error?: unknown): void;
}

export interface SubscriptionExpectation {
  /** One a subscription, such as `['^--!', '-----^--!']`. An empty list: never subscribed. */
  toBe(marbles: string | readonly string[]): void;
}

/** A scripted source, a scripted provider, a cold or hot observable of RxJS, or its log. */
export type Subscribable =
  | readonly SubscriptionFrames[]
  | { readonly subscriptions: readonly SubscriptionFrames[] };
