import { type InsightsRecorder, META, type Ref } from './core-types.ts';

/**
 * What a recorder has made. Streams that are shared, such as `EMPTY`, outlive it, and still carry what another one has made of
 * them, which this one cannot read: to it they are new.
 */
export class Kept {
  static readonly #of = new WeakMap<InsightsRecorder, Kept>();
  readonly #refs = new WeakSet<object>();

  /** The same each time: what a recorder has made it still knows when it is installed again. */
  static by(recorder: InsightsRecorder): Kept {
    const kept = Kept.#of.get(recorder) ?? new Kept();
    Kept.#of.set(recorder, kept);
    return kept;
  }

  add(ref: Ref): Ref {
    if (isObject(ref)) this.#refs.add(ref);
    return ref;
  }

  /** The same where it is known here, or nothing. */
  known(ref: Ref): Ref {
    return isObject(ref) && !this.#refs.has(ref) ? undefined : ref;
  }

  /** Takes from a stream what another recorder has left on it. */
  clear(stream: unknown): void {
    if (!isObject(stream) || !Object.hasOwn(stream, META)) return;
    const { observableRef } = (stream as { [META]: { observableRef: Ref } })[META];
    if (this.known(observableRef) === undefined) Reflect.deleteProperty(stream, META);
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
