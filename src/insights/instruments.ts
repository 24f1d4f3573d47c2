import { Observable, Subject, Subscriber } from 'rxjs';
import { ENVIRONMENT, type InsightsCore, type InsightsRecorder } from './core-types.ts';
import type { Kept } from './kept.ts';
import { AmbientTracer } from './tracer.ts';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Instruments the RxJS that this package uses, without the ways in which the bare instruments change what a program does:
 * they give every observer a handler for errors, which hides those that nobody handles; they let a consumer that throws break
 * its producer; they forget on which subject `next` was called when that has been unsubscribed; and they fail on a stream that
 * another recorder has seen.
 *
 * @returns takes them out again.
 */
export function instrument(core: InsightsCore, redacted: InsightsRecorder, kept: Kept): () => void {
  const recorder = kept.noting(redacted);
  const observable = new Prototype(Observable.prototype, ['subscribe']);
  const subject = new Prototype(Subject.prototype, ['next', 'error', 'complete']);
  const tracer = new AmbientTracer();
  core.install({ Observable, Subject, Subscriber, recorder, tracer, locator: { locate: () => ({}) } });
  observable.mend(
    (instrumented, bare) =>
      function (...args) {
        kept.clear(this);
        if (args[0] instanceof Subject) kept.clear(args[0]);
        const known = args[0] instanceof Subscriber || args[0] instanceof Subject;
        return instrumented.apply(this, known ? args : [subscriberOf(bare, args)]);
      },
  );
  subject.mend(
    (instrumented, bare) =>
      function (...args) {
        kept.clear(this);
        return ((this as Subject<unknown>).closed ? bare : instrumented).apply(this, args);
      },
  );
  const unfollow = tracer.follow(recorder);
  return () => {
    Reflect.deleteProperty(globalThis, ENVIRONMENT);
    unfollow();
    observable.restore();
    subject.restore();
  };
}

/** The subscriber that RxJS itself makes of what a consumer has given. */
function subscriberOf(subscribe: Method, args: unknown[]): Subscriber<unknown> {
  let made: Subscriber<unknown> | undefined;
  subscribe.apply(
    new Observable((subscriber) => {
      made = subscriber;
    }),
    args,
  );
  return made as unknown as Subscriber<unknown>;
}

/** Methods of a class of RxJS, as they were. */
class Prototype {
  readonly #prototype: Record<string, Method>;
  readonly #bare: ReadonlyMap<string, Method>;
  readonly #mended = new Map<string, Method>();
  #active = true;

  constructor(prototype: object, methods: readonly string[]) {
    this.#prototype = prototype as Record<string, Method>;
    this.#bare = new Map(methods.map((name) => [name, this.#prototype[name] as Method]));
  }

  mend(mended: (instrumented: Method, bare: Method) => Method): void {
    for (const [name, bare] of this.#bare) {
      const method = mended(this.#prototype[name] as Method, bare);
      const isActive = (): boolean => this.#active;
      const put: Method = function (...args) {
        return (isActive() ? method : bare).apply(this, args);
      };
      this.#mended.set(name, put);
      this.#prototype[name] = put;
    }
  }

  restore(): void {
    // Where somebody else has put theirs around it since, it stays and does nothing.
    this.#active = false;
    for (const [name, put] of this.#mended)
      if (this.#prototype[name] === put) this.#prototype[name] = this.#bare.get(name) as Method;
  }
}
