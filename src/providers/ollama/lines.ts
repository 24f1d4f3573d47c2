import { type EventListener, MAX_EVENT_LENGTH } from '../server-sent-events.ts';

/** Lines of JSON from text that is cut anywhere, told to a listener as events without a name. */
export class LineStream {
  readonly #listener: EventListener;
  #pending = '';
  /** Whether the body began as something else: then no line of it is an event. */
  #strays: boolean | undefined;

  constructor(listener: EventListener) {
    this.#listener = listener;
  }

  feed(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.#line(this.#pending + text.slice(start, end));
      this.#pending = '';
      start = end + 1;
    }
    this.#pending += text.slice(start);
    if (this.#pending.length > MAX_EVENT_LENGTH) this.#listener.endless();
  }

  /** The body is over; its last line may lack the line end. */
  end(): void {
    this.#line(this.#pending);
    this.#pending = '';
  }

  #line(text: string): void {
    const line = text.trim();
    if (line === '') return;
    this.#strays ??= !line.startsWith('{');
    if (this.#strays) this.#listener.stray(line);
    else this.#listener.event({ data: line });
  }
}
