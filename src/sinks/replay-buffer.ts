import type { Observer, Operator, Subscriber, Subscription } from 'rxjs';
import * as z from 'zod/mini';
import { count, parseConfig } from '../core/config.ts';
import type { ResilienceEvent } from '../core/events.ts';
import { OrderedSubject, ProtectedObservable } from '../core/ordered-subject.ts';

export const ReplayBufferConfigSchema = z.strictObject({
  /** How many of the last events are kept. @default 1_000 */
  size: z._default(count(1), 1_000),
});
export type ReplayBufferConfig = z.input<typeof ReplayBufferConfigSchema>;

/**
 * Keeps the last events for whoever comes late, such as a dashboard. It is a Subject: subscribe it to a bus, and others to
 * it. They receive what is kept, and then what comes, each event once and in the order of the bus, also when they announce
 * something themselves meanwhile. A listener that throws harms nobody.
 *
 * ```ts
 * const recent = new ReplayBuffer({ size: 500 });
 * getEventBus().subscribe(recent);
 * // Much later:
 * recent.subscribe((event) => dashboard.show(event));
 * ```
 */
export class ReplayBuffer extends ProtectedObservable<ResilienceEvent> implements Observer<ResilienceEvent> {
  readonly #kept: Kept;
  readonly #arrivals$: OrderedSubject<void>;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: ReplayBufferConfig = {}) {
    const { size } = parseConfig('ReplayBuffer', ReplayBufferConfigSchema, config);
    const kept = new Kept(size);
    const arrivals$ = new OrderedSubject<void>();
    super(arrivals$, new Replay(kept));
    this.#kept = kept;
    this.#arrivals$ = arrivals$;
  }

  /** The events that are kept, the oldest first. */
  get events(): ResilienceEvent[] {
    const events: ResilienceEvent[] = [];
    for (let number = this.#kept.first; number < this.#kept.end; number++) events.push(this.#kept.at(number));
    return events;
  }

  next(event: ResilienceEvent): void {
    this.#kept.add(event);
    this.#arrivals$.next();
  }

  /** Does nothing: a bus never fails. */
  error(): void {}

  /** Does nothing: a bus never ends. */
  complete(): void {}

  /** Forgets what is kept. */
  clear(): void {
    this.#kept.clear();
  }
}

/** A ring. Events are numbered from 0, so every listener knows how far it has come. */
class Kept {
  readonly #size: number;
  #ring: ResilienceEvent[] = [];
  #end = 0;
  #first = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get first(): number {
    return this.#first;
  }

  get end(): number {
    return this.#end;
  }

  add(event: ResilienceEvent): void {
    this.#ring[this.#end++ % this.#size] = event;
    this.#first = Math.max(this.#first, this.#end - this.#size);
  }

  at(number: number): ResilienceEvent {
    return this.#ring[number % this.#size] as ResilienceEvent;
  }

  clear(): void {
    this.#ring = [];
    this.#first = this.#end;
  }
}

class Replay implements Operator<void, ResilienceEvent> {
  constructor(private readonly kept: Kept) {}

  call(
    listener: Subscriber<ResilienceEvent>,
    arrivals$: { subscribe(next: () => void): Subscription },
  ): Subscription {
    const { kept } = this;
    let next = kept.first;
    let telling = false;
    // A loop, not a call an event: what arrives while the listener is being told comes after that.
    const tell = (): void => {
      if (telling) return;
      telling = true;
      while (!listener.closed) {
        // A listener that announces more than is kept misses what lies between.
        next = Math.max(next, kept.first);
        if (next === kept.end) break;
        listener.next(kept.at(next++));
      }
      telling = false;
    };
    const subscription = arrivals$.subscribe(tell);
    tell();
    return subscription;
  }
}
