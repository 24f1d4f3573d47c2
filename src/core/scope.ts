import { Observable, Subscriber, Subscription, type TeardownLogic } from 'rxjs';
import { reportUnhandled } from './unhandled.ts';

/**
 * Which call, and which attempt of it, the code that runs belongs to. RxJS subscribes synchronously, so a variable that is
 * set while a policy subscribes, settles or decides reaches every policy further in: an `AsyncLocalStorage` made by hand,
 * for all runtimes.
 *
 * The scope goes upstream only. What downstream receives leaves it: whoever subscribes to something inside a handler begins
 * a call of their own, whether the value came synchronously or not.
 */

let current: CallScope | undefined;
let calls = 0;

/** What all attempts of one call have in common. */
class Call {
  attempts = 0;
  #done: object[] | undefined;
  #id: string | undefined;

  constructor(id: string | undefined) {
    this.#id = id;
  }

  /** Made when somebody first asks, which is when somebody listens: unique in this process, without chance. */
  get id(): string {
    this.#id ??= `call-${++calls}`;
    return this.#id;
  }

  once(what: object): boolean {
    if (this.#done?.includes(what)) return false;
    this.#done ??= [];
    this.#done.push(what);
    return true;
  }
}

/** One attempt of one call. */
export class CallScope {
  /** From 1, over all attempts of the call. */
  readonly attempt: number;
  readonly #call: Call;
  /** The attempt that has begun last inside of this one, where another layer tries again. */
  #inner: CallScope | undefined;
  /** Whether it waits in a line, and has not begun. */
  waiting = false;
  /** Hears once when it waits no longer. */
  onBegin: (() => void) | undefined;

  private constructor(call: Call, attempt = ++call.attempts) {
    this.#call = call;
    this.attempt = attempt;
  }

  /** The first attempt of a new call. @param id what the caller calls it. */
  static open(id?: string): CallScope {
    return new CallScope(new Call(id));
  }

  /** What the call is called in events. */
  get call(): string {
    return this.#call.id;
  }

  /** The attempt that is under way, or was the last to fail: this one, or one that has begun inside of it. */
  get latest(): CallScope {
    return this.#inner?.latest ?? this;
  }

  /** Another attempt of the same call, begun by a layer that stands in this scope. */
  next(): CallScope {
    this.#inner = new CallScope(this.#call);
    return this.#inner;
  }

  /** The same attempt, when others are going to run beside it: what they come to is none of its business. */
  apart(): CallScope {
    this.#inner = new CallScope(this.#call, this.attempt);
    return this.#inner;
  }

  /** Of several attempts inside of this one, only this is left. */
  settle(winner: CallScope): void {
    this.#inner = winner;
  }

  begin(): void {
    if (this.waiting) return;
    const { onBegin } = this;
    this.onBegin = undefined;
    onBegin?.();
  }

  /** Whether it is the first time that this is asked about `what` in this call: for what its layers do only once. */
  once(what: object): boolean {
    return this.#call.once(what);
  }
}

/** Whose code runs; `undefined` when it belongs to no call. */
export function currentScope(): CallScope | undefined {
  return current;
}

/**
 * The scope for whatever is being subscribed: the one that it stands in, or, for who stands in none, a call of its own.
 *
 * @param id what the caller calls it: another name is another call.
 */
export function enterCall(id?: string): CallScope {
  return current === undefined || (id !== undefined && id !== current.call) ? CallScope.open(id) : current;
}

/** Runs something as part of what a scope has come to, or, with `undefined`, as part of no call. */
export function within<R>(scope: CallScope | undefined, run: () => R): R {
  const outer = enter(scope);
  try {
    return run();
  } finally {
    returnTo(outer);
  }
}

/** `within` for the steps that every call takes, without its function: `returnTo` what it answers, whatever happens. */
export function enter(scope: CallScope | undefined): CallScope | undefined {
  const outer = current;
  current = scope?.latest;
  return outer;
}

/**
 * Leaves the scope for what downstream receives; `returnTo` what it answers. For values it stands without a `finally`, for
 * they must cost nothing: should downstream throw in between, the scope is lost until the next step within one ends, and
 * with it no more than the number of a call.
 */
export function leave(): CallScope | undefined {
  const left = current;
  current = undefined;
  return left;
}

export function returnTo(left: CallScope | undefined): void {
  current = left;
}

/** A stream that is subscribed in a scope, and whose subscriber is not in it. */
export function scoped<T>(source: Observable<T>, scope: CallScope): Observable<T> {
  return new Observable((subscriber) => {
    within(scope, () => source.subscribe(new LeavingSubscriber(subscriber)));
  });
}

/** What it hands on leaves the scope that it is handed on in. */
export class LeavingSubscriber<T> extends Subscriber<T> {
  /**
   * What it was given to stop last, if that is one of these: nearly always the subscriber further up, and nothing else. The
   * list that RxJS would begin for it has room for seventeen.
   */
  private upstream: LeavingSubscriber<unknown> | undefined;

  override add(teardown: TeardownLogic): void {
    if (!teardown || this.closed) return super.add(teardown);
    // What came first stops first.
    super.add(this.upstream);
    this.upstream = undefined;
    if (teardown instanceof LeavingSubscriber) this.upstream = teardown;
    else super.add(teardown);
  }

  override unsubscribe(): void {
    const { upstream, destination } = this;
    this.upstream = undefined;
    // A list of RxJS forgets whoever has stopped, too: an attempt that has lost must not last as long as the winner.
    if (destination instanceof LeavingSubscriber && destination.upstream === this)
      destination.upstream = undefined;
    try {
      super.unsubscribe();
    } catch (thrown) {
      // RxJS knows how to say that several have thrown.
      const both = new Subscription(() => {
        throw thrown;
      });
      both.add(upstream);
      both.unsubscribe();
    }
    upstream?.unsubscribe();
  }

  /** `unsubscribe` where something follows, whatever throws on the way. */
  tearDown(): void {
    try {
      this.unsubscribe();
    } catch (thrown) {
      reportUnhandled(thrown);
    }
  }

  override next(value: T): void {
    const scope = leave();
    super.next(value);
    returnTo(scope);
  }

  protected override _error(error: unknown): void {
    const scope = leave();
    try {
      super._error(error);
    } finally {
      returnTo(scope);
    }
  }

  protected override _complete(): void {
    const scope = leave();
    try {
      super._complete();
    } finally {
      returnTo(scope);
    }
  }
}
