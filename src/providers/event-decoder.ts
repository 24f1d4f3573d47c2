import type { ChatChunk, ChatUsage, FinishReason } from '../chat/chunk.ts';
import type { ProviderError, ProviderErrorKind } from '../chat/errors.ts';
import { type Endpoint, type ErrorReport, reportIn, requestIdOf } from './endpoint.ts';
import type { Decoder } from './http-stream.ts';
import { Quote, type Sentence, sentence } from './sentence.ts';
import {
  type EventListener,
  EventStream,
  MAX_EVENT_LENGTH,
  type ServerSentEvent,
} from './server-sent-events.ts';

export interface DecoderOptions {
  readonly endpoint: Endpoint;
  readonly response: Response;
  readonly emit: (chunk: ChatChunk) => void;
  /** Hears of a frame that could not be read. Without it such a frame is the stream's error. */
  readonly skipped: ((error: ProviderError) => void) | undefined;
}

/** A protocol in the words of error messages: "Is this a … endpoint?", "ended the stream without …". */
export interface ProtocolWords {
  readonly name: string;
  /** What proves an answer whole. */
  readonly proof: string;
}

const MAX_STRAY_LENGTH = 65_536;

/** Cuts a body into frames: server-sent events, or lines. */
export type Framing = new (listener: EventListener) => { feed(text: string): void; end(): void };

/** JSON frames, by default as server-sent events: what every protocol that sends its answers so has in common. */
export abstract class EventDecoder implements Decoder, EventListener {
  readonly #options: DecoderOptions;
  readonly #words: ProtocolWords;
  readonly #events: InstanceType<Framing>;
  #over = false;
  #ending = false;
  /** Frames so far: what came without any was never a stream. */
  #frames = 0;
  #stray = '';

  constructor(options: DecoderOptions, words: ProtocolWords, Framing: Framing = EventStream) {
    this.#options = options;
    this.#words = words;
    this.#events = new Framing(this);
  }

  abstract get finished(): boolean;

  get over(): boolean {
    return this.#over;
  }

  /** A frame that is JSON, and the event it came as. */
  protected abstract frame(frame: unknown, event: ServerSentEvent): void;

  /** Emits what was held back: the answer is proven whole. */
  protected abstract finish(): void;

  feed(text: string): void {
    this.#events.feed(text);
  }

  end(): void {
    this.#ending = true;
    if (!this.#over) this.#events.end();
    if (!this.finished) throw this.#unproven();
    this.finish();
  }

  event(event: ServerSentEvent): void {
    if (this.#over) return;
    if (event.data === '[DONE]') {
      this.#over = true;
      return;
    }
    let frame: unknown;
    try {
      frame = JSON.parse(event.data);
    } catch {
      // Torn by the end of the body: that is a truncated answer, not a garbled frame.
      if (!this.#ending) this.garbled(event.data);
      return;
    }
    this.#frames++;
    this.frame(frame, event);
  }

  stray(line: string): void {
    // An error as a bare line: `error: {…}` (llama.cpp), or the JSON alone.
    const report = /^(error:\s*)?\{/.test(line) ? reportOf(line.replace(/^error:\s*/, '')) : undefined;
    if (report !== undefined) this.broken(report);
    else if (this.#stray.length < MAX_STRAY_LENGTH) this.#stray += `${line}\n`;
  }

  endless(): void {
    this.#over = true;
    if (this.finished) return;
    throw this.error(
      'malformed',
      `sent more than ${MAX_EVENT_LENGTH} characters without ending the event. Is this a ${this.#words.name} endpoint?`,
    );
  }

  protected emit(chunk: ChatChunk): void {
    this.#options.emit(chunk);
  }

  /** Nothing that comes after this belongs to the answer. */
  protected close(): void {
    this.#over = true;
  }

  /** The last chunk. */
  protected finishWith(reason: FinishReason, model: string | undefined): void {
    const { endpoint, response } = this.#options;
    const requestId = requestIdOf(response.headers);
    this.emit({
      type: 'finish',
      reason,
      provider: endpoint.provider,
      ...(model !== undefined && { model }),
      ...(requestId !== undefined && { requestId }),
    });
  }

  /** Text of the answer, or of the thoughts before it; an absent one says nothing. */
  protected text(type: 'text' | 'reasoning', text: unknown): void {
    if (text === undefined || text === null || text === '') return;
    if (typeof text === 'string') this.emit({ type, text });
    else this.garbled(this.json(text));
  }

  /** A part of a frame, as text again. */
  protected json(value: unknown): string {
    try {
      return JSON.stringify(value);
    } catch {
      // It can be read to any depth, but not written.
      throw this.error(
        'malformed',
        `sent a frame that is nested too deeply for the ${this.#words.name} protocol.`,
      );
    }
  }

  /** An error that the provider reports inside the stream. */
  protected broken(report: ErrorReport): void {
    const { endpoint, response } = this.#options;
    if (!this.finished) throw endpoint.broken(report, response);
    // The answer is whole: what went wrong later did not touch it.
    this.#over = true;
  }

  /** A frame that the protocol does not know. */
  protected garbled(data: string): void {
    if (this.finished) return;
    const { skipped } = this.#options;
    const error = this.error(
      'malformed',
      sentence`sent a frame that is not of the ${this.#words.name} protocol: ${new Quote(data)}`,
    );
    if (skipped === undefined) throw error;
    skipped(error);
  }

  protected error(kind: ProviderErrorKind, happened: string | Sentence): ProviderError {
    const { endpoint, response } = this.#options;
    return endpoint.error(kind, happened, { requestId: requestIdOf(response.headers) });
  }

  #unproven(): ProviderError {
    const { endpoint, response } = this.#options;
    if (this.#frames === 0 && this.#stray !== '') return endpoint.notAStream(this.#stray, response);
    return this.error(
      'truncated',
      this.#frames === 0
        ? `ended the stream before it began. Is this a ${this.#words.name} endpoint, and does the model exist?`
        : `ended the stream without ${this.#words.proof}: the answer is not whole.`,
    );
  }
}

/** The counts that were told; what is unknown stays absent. */
export function usageFrom(
  told: Readonly<Partial<Record<keyof ChatUsage, number | null | undefined>>>,
): ChatUsage {
  return Object.fromEntries(Object.entries(told).filter(([, count]) => typeof count === 'number'));
}

function reportOf(json: string): ErrorReport | undefined {
  try {
    return reportIn(JSON.parse(json));
  } catch {
    return undefined;
  }
}
