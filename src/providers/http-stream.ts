import { Observable, type Subscriber } from 'rxjs';
import type { ChatChunk } from '../chat/chunk.ts';
import { clockOf, type Timer } from '../core/clock.ts';
import type { Endpoint } from './endpoint.ts';

/** Turns the body of one reply into chunks. What its methods throw is the stream's error. */
export interface Decoder {
  /** The text of the body as it arrives, cut anywhere. */
  feed(text: string): void;
  /** No more text will come. Emits what was held back; throws when the answer is not proven whole. */
  end(): void;
  /** The answer is proven whole; only its accounts may be missing. */
  readonly finished: boolean;
  /** The protocol's last word has been said. */
  readonly over: boolean;
}

export interface Exchange {
  readonly endpoint: Endpoint;
  readonly fetch: typeof globalThis.fetch;
  /** Made for every subscription. */
  request(): RequestInit;
  /** What the request asks for, for error messages. */
  readonly model: string;
  decoder(response: Response, emit: (chunk: ChatChunk) => void): Decoder;
}

/** How long a finished answer waits for its accounts, and a reply that is over for the end of its connection. */
const PATIENCE = 1_000;

/** Characters of an error's body that are worth reading. */
const MAX_BODY_LENGTH = 65_536;

/** One request and its streamed reply. Unsubscribing closes the socket. */
export function httpStream(exchange: Exchange): Observable<ChatChunk> {
  return new Observable((subscriber) => {
    const reply = new StreamedReply(exchange, subscriber);
    subscriber.add(() => reply.close());
    void reply.run();
  });
}

class StreamedReply {
  readonly #exchange: Exchange;
  readonly #subscriber: Subscriber<ChatChunk>;
  readonly #abort = new AbortController();
  #timer: Timer | undefined;
  #answered = false;

  constructor(exchange: Exchange, subscriber: Subscriber<ChatChunk>) {
    this.#exchange = exchange;
    this.#subscriber = subscriber;
  }

  async run(): Promise<void> {
    try {
      const response = await this.#send();
      if (!response.ok) throw await this.#refusal(response);
      await this.#read(response);
    } catch (error) {
      if (!this.#subscriber.closed) this.#subscriber.error(error);
    } finally {
      this.#timer?.cancel();
    }
  }

  close(): void {
    // A reply that has said its last word is read to its end, so that the connection can serve the next request.
    if (this.#answered) return;
    this.#timer?.cancel();
    this.#abort.abort();
  }

  async #send(): Promise<Response> {
    const { endpoint, fetch } = this.#exchange;
    const init = this.#exchange.request();
    try {
      return await fetch(endpoint.url, { ...init, signal: this.#abort.signal });
    } catch (cause) {
      throw endpoint.lost(cause);
    }
  }

  async #refusal(response: Response): Promise<Error> {
    const { endpoint, model } = this.#exchange;
    // The status has said enough where the body is missing or breaks off.
    const body = response.body === null ? '' : await beginningOf(response.body).catch(() => '');
    return endpoint.refused(response, body, model);
  }

  async #read(response: Response): Promise<void> {
    const decoder = this.#exchange.decoder(response, (chunk) => this.#subscriber.next(chunk));
    const text = new TextDecoder();
    const reader = response.body?.getReader();
    for (;;) {
      const bytes = reader && (await this.#next(reader, response, decoder));
      if (this.#subscriber.closed && !this.#answered) return;
      if (bytes === undefined) break;
      if (this.#answered) continue;
      decoder.feed(text.decode(bytes, { stream: true }));
      if (decoder.over) this.#complete(decoder);
      else if (decoder.finished) {
        this.#wait(() => {
          this.#complete(decoder);
          this.#abort.abort();
        });
      }
    }
    if (this.#answered) return;
    decoder.feed(text.decode());
    this.#complete(decoder);
  }

  /** `undefined` at the end of the body. Once the answer is proven whole, every end is a good one. */
  async #next(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    response: Response,
    decoder: Decoder,
  ): Promise<Uint8Array | undefined> {
    try {
      return (await reader.read()).value;
    } catch (cause) {
      if (decoder.finished) return undefined;
      throw this.#exchange.endpoint.lost(cause, response);
    }
  }

  #complete(decoder: Decoder): void {
    this.#answered = decoder.finished;
    decoder.end();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wait(() => this.#abort.abort());
    this.#subscriber.complete();
  }

  #wait(then: () => void): void {
    this.#timer ??= clockOf(undefined).schedule(PATIENCE, then, { background: true });
  }
}

async function beginningOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (text.length < MAX_BODY_LENGTH) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}
