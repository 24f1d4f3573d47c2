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

  /** The same recorder, which notes what it makes, and leaves out a source that it has not made. */
  noting(recorder: InsightsRecorder): InsightsRecorder {
    return {
      ...recorder,
      observableRef: (target, declaration, source, internal) => {
        const below = this.#has(source) ? source : undefined;
        const ref = recorder.observableRef(target, declaration, below, internal);
        if (isObject(ref)) this.#refs.add(ref);
        return ref;
      },
    };
  }

  /** Takes from a stream what another recorder has left on it. */
  clear(stream: unknown): void {
    if (!isObject(stream) || !Object.hasOwn(stream, META)) return;
    const { observableRef } = (stream as { [META]: { observableRef: Ref } })[META];
    if (!this.#has(observableRef)) Reflect.deleteProperty(stream, META);
  }

  /** A ref that is no object, such as a number, says nothing of who has made it. */
  #has(ref: Ref): boolean {
    return !isObject(ref) || this.#refs.has(ref);
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
