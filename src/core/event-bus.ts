import { filter, type Observable } from 'rxjs';
import * as z from 'zod/mini';
import { timestamp } from './clock.ts';
import { parseConfig } from './config.ts';
import { summarize } from './error-summary.ts';
import { EVENT_CATEGORIES, type EventCategory } from './event-categories.ts';
import type { EventData, EventType, ResilienceEvent, ResilienceEventOf } from './events.ts';
import { labelledField, labelledStream } from './label.ts';
import { OrderedSubject } from './ordered-subject.ts';
import { type CallScope, currentScope } from './scope.ts';

export const EventBusConfigSchema = z.strictObject({
  /**
   * What events repeat of the messages of errors. `own`: where an error comes from a chat provider, only what this library
   * has written itself, for the words of others may quote the conversation. `all`: every message as it is, with whatever
   * people and providers have put into it. @default 'own'
   */
  errorMessages: z._default(z.literal(['own', 'all'], 'must be "own" or "all"'), 'own'),
});
export type EventBusConfig = z.input<typeof EventBusConfigSchema>;

type EventsOf<Topic extends EventType | EventCategory> = {
  [Type in EventType]: Topic extends Type | (typeof EVENT_CATEGORIES)[Type] ? ResilienceEventOf<Type> : never;
}[EventType];

/** What a policy says: errors as they were caught. */
type Announced<Data> = {
  [Field in keyof Data]: Field extends 'error'
    ? unknown
    : Field extends 'errors'
      ? readonly unknown[]
      : Data[Field];
};

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
  readonly #errorMessages: 'own' | 'all';

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: EventBusConfig = {}) {
    super();
    this.#errorMessages = parseConfig('EventBus', EventBusConfigSchema, config).errorMessages;
    labelledField('EventBus', undefined, this);
  }

  /**
   * The events of one type or of one category, typed accordingly.
   *
   * @param topic a type such as `'retry_attempted'`, or a category: `'state'`, `'rejection'`, `'recovery'`, `'error'`,
   * `'metric'`, `'lifecycle'`, `'chaos'`.
   */
  on<Topic extends EventType | EventCategory>(topic: Topic): Observable<EventsOf<Topic>> {
    const events = this.pipe(
      filter(
        (event): event is EventsOf<Topic> & ResilienceEvent =>
          event.type === topic || event.category === topic,
      ),
    );
    return labelledStream('EventBus.on', topic, events);
  }

  /**
   * Announces a decision. The bus adds category, time, and the call and attempt to which it happened, and writes down the
   * errors so that they may travel; all that only when somebody listens.
   *
   * @param data an `error` and the `errors` in it may be anything that was thrown.
   * @param scope the call and attempt, where it is not they whose code runs.
   */
  publish<Type extends EventType>(
    type: Type,
    source: string,
    data: Announced<EventData<Type>>,
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
      data: this.#written(data),
    } as ResilienceEvent);
  }

  #written(data: { readonly error?: unknown; readonly errors?: readonly unknown[] }): object {
    const { error, errors } = data;
    if (error === undefined && errors === undefined) return data;
    const write = (thrown: unknown) => summarize(thrown, this.#errorMessages);
    return {
      ...data,
      ...(error !== undefined && { error: write(error) }),
      ...(errors !== undefined && { errors: errors.map(write) }),
    };
  }
}

const sharedBus = new EventBus();

/** The bus that policies use unless their config names another. */
export function getEventBus(): EventBus {
  return sharedBus;
}
