import { filter, type Observable } from 'rxjs';
import { timestamp } from './clock.ts';
import { messageOf } from './errors.ts';
import {
  type ErrorSummary,
  EVENT_CATEGORIES,
  type EventCategory,
  type EventData,
  type EventType,
  type ResilienceEvent,
  type ResilienceEventOf,
} from './events.ts';
import { OrderedSubject } from './ordered-subject.ts';
import { type CallScope, currentScope } from './scope.ts';

type EventsOf<Topic extends EventType | EventCategory> = {
  [Type in EventType]: Topic extends Type | (typeof EVENT_CATEGORIES)[Type] ? ResilienceEventOf<Type> : never;
}[EventType];

/**
 * The Subject on which every policy announces its decisions. It never errors or completes, all listeners see one order,
 * and a listener that throws harms nobody. With no listener, an announcement costs a look at a field.
 *
 * ```ts
 * getEventBus().on('circuit_opened').subscribe(({ source, data }) => console.log(source, data.retryAfter));
 * // payments 60000
 * ```
 */
export class EventBus extends OrderedSubject<ResilienceEvent> {
  /**
   * The events of one type or of one category, typed accordingly.
   *
   * @param topic a type such as `'retry_attempted'`, or a category: `'state'`, `'rejection'`, `'recovery'`, `'error'`,
   * `'metric'`, `'lifecycle'`.
   */
  on<Topic extends EventType | EventCategory>(topic: Topic): Observable<EventsOf<Topic>> {
    return this.pipe(
      filter(
        (event): event is EventsOf<Topic> & ResilienceEvent =>
          event.type === topic || event.category === topic,
      ),
    );
  }

  /** Announces a decision; the bus adds category, time, and the call and the attempt to which it happened. */
  publish<Type extends EventType>(
    type: Type,
    source: string,
    data: EventData<Type>,
    scope?: CallScope,
  ): void {
    if (!this.observed) return;
    const happenedTo = scope ?? currentScope();
    this.next({
      type,
      category: EVENT_CATEGORIES[type],
      source,
      timestamp: timestamp(),
      ...(happenedTo && { call: happenedTo.call, attempt: happenedTo.attempt }),
      data,
    } as ResilienceEvent);
  }
}

const sharedBus = new EventBus();

/** The bus that policies use unless their config names another. */
export function getEventBus(): EventBus {
  return sharedBus;
}

/** What an event may say about an error. */
export function summarize(error: unknown): ErrorSummary {
  const { name, kind } = Object(error) as { name?: unknown; kind?: unknown };
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: messageOf(error),
    ...(typeof kind === 'string' && { kind }),
  };
}
