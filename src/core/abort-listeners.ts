import { reportUnhandled } from './unhandled.ts';

/** Who wants to hear that a signal has aborted. */
export interface AbortListener {
  aborted(reason: unknown): void;
}

/**
 * Tells `listener` when `signal` aborts. All listeners of one signal share a single event listener: adding and removing
 * one among many costs the signal time in proportion to their number, a Set does not.
 */
export function listen(signal: AbortSignal, listener: AbortListener): void {
  let audience = audiences.get(signal);
  if (audience === undefined) {
    audience = new Audience(signal);
    audiences.set(signal, audience);
  }
  audience.add(listener);
}

/** Forgets the listener. Doing so twice, or after the abort, does nothing. */
export function unlisten(signal: AbortSignal, listener: AbortListener): void {
  audiences.get(signal)?.delete(listener);
}

const audiences = new WeakMap<AbortSignal, Audience>();

/** All who listen to one signal. While there is nobody, the signal does not know of us. */
class Audience {
  readonly #signal: AbortSignal;
  readonly #listeners = new Set<AbortListener>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(listener: AbortListener): void {
    if (this.#listeners.size === 0) this.#signal.addEventListener('abort', this.#tell);
    this.#listeners.add(listener);
  }

  delete(listener: AbortListener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#signal.removeEventListener('abort', this.#tell);
  }

  readonly #tell = (): void => {
    for (const listener of this.#listeners) {
      this.delete(listener);
      try {
        listener.aborted(this.#signal.reason);
      } catch (thrown) {
        // One that throws while it cleans up must not keep the abort from the others.
        reportUnhandled(thrown);
      }
    }
  };
}
