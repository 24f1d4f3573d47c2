import { Observable, type Subscriber } from 'rxjs';
import type { ChatChunk } from '../chat/chunk.ts';
import type { ChatContext } from '../chat/provider.ts';
import { clockOf, type Timer } from '../core/clock.ts';
import { currentScope, within } from '../core/scope.ts';
import { untilAborted } from '../interop/index.ts';
import { rateLimitReports } from '../rate-limit/index.ts';
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

/** Sends one request, with `fetch` or a client of the service that ends in one; refusals are replies too. */
export type Send = (signal: AbortSignal) => Promise<Response>;

export interface Exchange {
  readonly endpoint: Endpoint;
  readonly context: ChatContext;
  /** Makes the request of one subscription. */
  request(): Send;
  /** What the request asks for, for error messages. */
  readonly model: string;
  decoder(response: Response, emit: (chunk: ChatChunk) => void): Decoder;
}

/**
 * How long a finished answer waits for its accounts, a reply that is over for the end of its connection, and a refusal for
 * its reason.
 */
export const PATIENCE = 1_000;

/** Characters of an error's body that are worth reading. */
const MAX_BODY_LENGTH = 65_536;

/** One request and its streamed reply. Unsubscribing closes the socket, and so does the caller's signal. */
export function httpStream(exchange: Exchange): Observable<ChatChunk> {
  const { signal } = exchange.context;
  const stream = new Observable<ChatChunk>((subscriber) => {
    const reply = new StreamedReply(exchange, subscriber);
    subscriber.add(() => reply.close());
    void reply.run();
  });
  return signal ? stream.pipe(untilAborted(signal)) : stream;
}

class StreamedReply {
  readonly #exchange: Exchange;
  readonly #subscriber: Subscriber<ChatChunk>;
  readonly #abort = new AbortController();
  readonly #scope = currentScope();
  #timer: Timer | undefined;
  #answered = false;
  #chunks = 0;

  constructor(exchange: Exchange, subscriber: Subscriber<ChatChunk>) {
    this.#exchange = exchange;
    this.#subscriber = subscriber;
  }

  async run(): Promise<void> {
    try {
      const response = await this.#send();
      this.#exchange.context.limitsReported?.(rateLimitReports(response.headers));
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
    const { endpoint } = this.#exchange;
    const send = this.#exchange.request();
    try {
      return await send(this.#abort.signal);
    } catch (cause) {
      throw endpoint.lost(cause);
    }
  }

  async #refusal(response: Response): Promise<Error> {
    const { endpoint, model } = this.#exchange;
    this.#wait(() => this.#abort.abort());
    // The status has said enough where the body is missing, breaks off or does not end.
    const body = response.body === null ? '' : await beginningOf(response.body).catch(() => '');
    return endpoint.refused(response, body, model);
  }

  async #read(response: Response): Promise<void> {
    const { context } = this.#exchange;
    const decoder = this.#exchange.decoder(response, (chunk) => {
      this.#chunks++;
      this.#subscriber.next(chunk);
    });
    context.headersReceived?.();
    const text = new TextDecoder();
    const reader = response.body?.getReader();
    for (;;) {
      const bytes = reader && (await this.#next(reader, response, decoder));
      if (this.#subscriber.closed && !this.#answered) return;
      if (bytes === undefined) break;
      if (this.#answered) continue;
      const before = this.#chunks;
      this.#feed(decoder, text.decode(bytes, { stream: true }));
      if (this.#chunks === before) context.keepAliveReceived?.();
      if (decoder.over) this.#complete(decoder);
      else if (decoder.finished) {
        this.#wait(() => {
          this.#complete(decoder);
          this.#abort.abort();
        });
      }
    }
    if (this.#answered) return;
    this.#feed(decoder, text.decode());
    this.#complete(decoder);
  }

  /** What the decoder announces belongs to the call, though it comes long after the subscription. */
  #feed(decoder: Decoder, text: string): void {
    within(this.#scope, () => decoder.feed(text));
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
