import { Observable, type Observer, type Operator, Subject, Subscriber, type Subscription } from 'rxjs';
import { leave, returnTo } from './scope.ts';
import { reportUnhandled } from './unhandled.ts';

type Listener<T> = [
  observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
  error?: ((error: unknown) => void) | null,
  complete?: (() => void) | null,
];

/**
 * A Subject for announcements. It never ends, it gives every listener the same order even when one of them publishes
 * while it is being told, and a listener that throws harms nobody: what it threw goes to RxJS'
 * `config.onUnhandledError` if the program has set one, and no further.
 */
export class OrderedSubject<T> extends Subject<T> {
  readonly #waiting: T[] = [];
  #announcing = false;
  #current: T | undefined;

  /** What the listeners are being told; what has happened since waits behind it. */
  get current(): T | undefined {
    return this.#current;
  }

  /**
   * Tells every listener. A value published from inside a listener waits until all have heard the one before.
   *
   * @param following what has happened together with it: nothing that a listener does comes in between.
   */
  override next(value: T, ...following: T[]): void {
    if (!this.observed) return;
    this.#waiting.push(value, ...following);
    if (this.#announcing) return;
    this.#announcing = true;
    // What a listener does is no part of the call that it hears of.
    const scope = leave();
    // Grows while it is being told; taking from its front would cost each time as much as it is long.
    for (const announcement of this.#waiting) {
      this.#current = announcement;
      try {
        super.next(announcement);
      } catch (thrown) {
        reportUnhandled(thrown);
      }
    }
    returnTo(scope);
    this.#waiting.length = 0;
    this.#current = undefined;
    this.#announcing = false;
  }

  /** Does nothing: announcements go on when one of their sources ends. */
  override complete(): void {}

  /** Does nothing: announcements go on when one of their sources fails. */
  override error(_error: unknown): void {}

  /** Does nothing: whoever stops listening unsubscribes a subscription of its own. */
  override unsubscribe(): void {}

  override subscribe(...listener: Listener<T>): Subscription {
    return super.subscribe(harmless(listener));
  }

  override asObservable(): Observable<T> {
    return new ProtectedObservable(this);
  }

  /** @internal RxJS operators ask their source what to build on; so the protection reaches the end of every `pipe`. */
  override lift<R>(operator: Operator<T, R>): Observable<R> {
    return new ProtectedObservable(this, operator);
  }
}

/** What `pipe` makes of an `OrderedSubject`: its listeners are protected like those of the subject itself. */
export class ProtectedObservable<T> extends Observable<T> {
  constructor(source: Observable<unknown>, operator?: Operator<never, T>) {
    super();
    this.source = source;
    this.operator = operator;
  }

  override subscribe(...listener: Listener<T>): Subscription {
    return super.subscribe(harmless(listener));
  }

  override lift<R>(operator: Operator<T, R>): Observable<R> {
    return new ProtectedObservable(this, operator);
  }
}

function harmless<T>([observerOrNext, error, complete]: Listener<T>): Partial<Observer<T>> {
  if (observerOrNext instanceof Subscriber) return observerOrNext;
  const listener =
    typeof observerOrNext === 'object' && observerOrNext !== null
      ? observerOrNext
      : { next: observerOrNext, error, complete };
  const guard =
    <A extends unknown[]>(call: ((...args: A) => void) | null | undefined) =>
    (...args: A): void => {
      try {
        call?.apply(listener, args);
      } catch (thrown) {
        reportUnhandled(thrown);
      }
    };
  return {
    next: guard(listener.next),
    error: guard(listener.error ?? reportUnhandled),
    complete: guard(listener.complete),
  };
}
