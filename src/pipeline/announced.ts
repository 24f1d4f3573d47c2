import { type MonoTypeOperatorFunction, Observable, Subscriber } from 'rxjs';
import type { Clock } from '../core/clock.ts';
import type { EventBus } from '../core/event-bus.ts';
import type { EventData } from '../core/events.ts';
import { currentScope, enterCall, within } from '../core/scope.ts';

/**
 * Announces every call: that it begins, and how it has ended. Part of another call is none of its own. While nobody listens,
 * no value passes through it.
 */
export function announced<T>(name: string, events: EventBus, clock: Clock): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      if (!events.observed || currentScope() !== undefined) source.subscribe(subscriber);
      else if (!subscriber.closed) new AnnouncedSubscriber(subscriber, name, events, clock).call(source);
    });
}

class AnnouncedSubscriber<T> extends Subscriber<T> {
  private readonly scope = enterCall();
  private readonly begun: number;
  private ended = false;

  constructor(
    downstream: Subscriber<T>,
    private readonly name: string,
    private readonly events: EventBus,
    private readonly clock: Clock,
  ) {
    super(downstream);
    this.begun = clock.now();
  }

  call(source: Observable<T>): void {
    this.events.publish('call_started', this.name, {}, this.scope);
    // Whoever hears of it may have cancelled it.
    if (!this.closed) within(this.scope, () => source.subscribe(this));
  }

  override next(value: T): void {
    if (!this.isStopped) this.destination.next(value);
  }

  protected override _error(error: unknown): void {
    this.end('failed', error);
    // Whoever hears of the end may have cancelled there and then.
    if (!this.closed) super._error(error);
  }

  protected override _complete(): void {
    this.end('completed');
    if (!this.closed) super._complete();
  }

  // The source stops before anybody hears of the cancel.
  override unsubscribe(): void {
    try {
      super.unsubscribe();
    } finally {
      this.end('cancelled');
    }
  }

  private end(outcome: EventData<'call_ended'>['outcome'], error?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    const duration = this.clock.now() - this.begun;
    this.events.publish('call_ended', this.name, { outcome, duration, error }, this.scope.latest);
  }
}
