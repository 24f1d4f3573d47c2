import { Subscriber } from 'rxjs';
import { type AbortListener, listen, unlisten } from '../core/abort-listeners.ts';

/** The signal in the last argument of a call: the argument itself, or its `signal`. */
export function signalOf(argument: unknown): AbortSignal | undefined {
  if (typeof argument !== 'object' || argument === null) return undefined;
  if (isSignal(argument)) return argument;
  const { signal } = argument as { signal?: unknown };
  return isSignal(signal) ? signal : undefined;
}

/** The arguments with another signal as, or in, the last of them. An instance of a class cannot be copied and stays. */
export function replaceSignal(args: readonly unknown[], signal: AbortSignal): unknown[] {
  const last = args.at(-1) as object;
  if (isSignal(last)) return args.with(args.length - 1, signal);
  return isPlain(last) ? args.with(args.length - 1, { ...last, signal }) : [...args];
}

/** Asks for the shape, not for the class: signals also come from other realms and from polyfills. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener } = value as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** One attempt of a call that has a signal: its own signal aborts when the attempt is given up, and with the caller's. */
export class SignalledAttempt extends Subscriber<unknown> {
  readonly #caller: AbortSignal;
  readonly #controller = new AbortController();
  #last: unknown;

  constructor(downstream: Subscriber<unknown>, caller: AbortSignal) {
    super(downstream);
    this.#caller = caller;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  override next(value: unknown): void {
    this.#last = value;
    super.next(value);
  }

  protected override _complete(): void {
    if (typeof this.#last === 'object' && this.#last !== null) {
      follow(this.#caller, this.#controller, this.#last);
      this.#last = undefined;
    }
    super._complete();
  }

  override unsubscribe(): void {
    if (!this.isStopped) {
      this.isStopped = true;
      this.#controller.abort(this.#caller.aborted ? this.#caller.reason : undefined);
    }
    super.unsubscribe();
  }
}

/**
 * What a call has resolved to may still use its signal, as the body of a response does. So the signal follows the
 * caller's for as long as the result lives; `AbortSignal.any` would do so too, but leaves a trace on the caller's
 * signal for ever in Node 20.
 */
function follow(caller: AbortSignal, controller: AbortController, result: object): void {
  const follower = new Follower(caller, controller);
  listen(caller, follower);
  collected.register(result, follower);
}

class Follower implements AbortListener {
  constructor(
    readonly caller: AbortSignal,
    private readonly controller: AbortController,
  ) {}

  aborted(reason: unknown): void {
    this.controller.abort(reason);
  }
}

const collected = new FinalizationRegistry<Follower>((follower) => unlisten(follower.caller, follower));
