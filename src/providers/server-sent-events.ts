import { createParser, type EventSourceParser, type ParseError } from 'eventsource-parser';

/** One server-sent event; its name is `undefined` where the server gave none. */
export interface ServerSentEvent {
  readonly event?: string | undefined;
  readonly data: string;
}

/** What a body turns out to be, piece by piece. What a method throws is thrown by `feed` or `end`. */
export interface EventListener {
  event(event: ServerSentEvent): void;
  /** A line that is no part of an event stream: of a page, a document, a bare error. */
  stray(line: string): void;
  /** A line or an event has become longer than {@link MAX_EVENT_LENGTH}. */
  endless(): void;
}

/** Characters of one event that may wait for their end: a server that never ends a line must not fill the memory. */
export const MAX_EVENT_LENGTH = 1_048_576;

/** Server-sent events from text that is cut anywhere. Comments are dropped: they are a sign of life, never data. */
export class EventStream {
  readonly #parser: EventSourceParser;

  constructor(listener: EventListener) {
    this.#parser = createParser({
      onEvent: (event) => listener.event(event),
      onError: ({ type, line }: ParseError) => {
        if (type === 'max-buffer-size-exceeded') listener.endless();
        else if (type === 'unknown-field') listener.stray(line ?? '');
      },
      maxBufferSize: MAX_EVENT_LENGTH,
    });
  }

  feed(text: string): void {
    this.#parser.feed(text);
  }

  /** The body is over; its last event may lack the blank line, and its last line the line end. */
  end(): void {
    this.#parser.feed('\n\n');
  }
}
