import type { Counter, Tracer } from '@opentelemetry/api';
import { timestamp } from '../core/clock.ts';
import type { ResilienceEvent, ResilienceEventOf } from '../core/events.ts';
import { ChatFrame } from './chat-frame.ts';
import type { Conventions } from './conventions.ts';
import type { OpenSpan } from './open-span.ts';
import { PipelineFrame } from './pipeline-frame.ts';

/** What is under way in one call, from the outermost to the innermost: a chat may stand in a pipeline, or in another chat. */
type Frames = (ChatFrame | PipelineFrame)[];

/** The calls that are under way, by their ids: so many, and not more, whatever the bus leaves untold. */
export class OpenCalls {
  readonly #tracer: Tracer;
  readonly #conventions: Conventions;
  readonly #cap: number;
  readonly #evicted: Counter;
  readonly #calls = new Map<string, Frames>();

  constructor(tracer: Tracer, conventions: Conventions, cap: number, evicted: Counter) {
    this.#tracer = tracer;
    this.#conventions = conventions;
    this.#cap = cap;
    this.#evicted = evicted;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** @returns whether it repeats what is told already: by a call, of another one inside of it. */
  hear(event: ResilienceEvent): boolean {
    const { call } = event;
    if (call === undefined) return false;
    const frames = this.#calls.get(call) ?? [];
    const chats = frames.filter((frame) => frame instanceof ChatFrame);
    const chat = chats.findLast(({ source }) => source === event.source);
    const innermost = frames.at(-1);
    switch (event.type) {
      case 'call_started':
        this.#open(call, frames, new PipelineFrame(this.#tracer, event, innermost?.span));
        return false;
      case 'call_ended': {
        const pipeline = frames.find((frame) => frame instanceof PipelineFrame);
        pipeline?.ended(event);
        this.#close(call, frames, pipeline);
        return false;
      }
      case 'stream_started':
        this.#open(call, frames, this.#chat(event, chats.at(-1), innermost?.span));
        return false;
      case 'attempt_started':
        chat?.attemptBegan(event);
        return false;
      case 'attempt_ended':
        chat?.attemptEnded(event);
        return chat?.relays.has(event.data.provider) ?? false;
      case 'stream_ended':
        chat?.ended(event);
        this.#close(call, frames, chat);
        return chat?.relay ?? false;
      default:
        innermost?.decided(event);
        return false;
    }
  }

  /** Nobody will tell how they end. */
  abandon(): void {
    for (const call of this.#calls.keys()) this.#abandon(call, 'stopped');
  }

  #chat(
    event: ResilienceEventOf<'stream_started'>,
    outer: ChatFrame | undefined,
    inside: OpenSpan | undefined,
  ): ChatFrame {
    outer?.relays.add(event.source);
    return new ChatFrame(this.#tracer, this.#conventions, event, inside, outer !== undefined);
  }

  #open(call: string, frames: Frames, frame: ChatFrame | PipelineFrame): void {
    const [oldest] = this.#calls.keys();
    if (frames.length === 0 && this.#calls.size >= this.#cap && oldest !== undefined) {
      this.#abandon(oldest, 'evicted');
      this.#evicted.add(1);
    }
    frames.push(frame);
    this.#calls.set(call, frames);
  }

  #close(call: string, frames: Frames, frame: ChatFrame | PipelineFrame | undefined): void {
    const others = frames.filter((it) => it !== frame);
    if (others.length > 0) this.#calls.set(call, others);
    else this.#calls.delete(call);
  }

  #abandon(call: string, why: 'evicted' | 'stopped'): void {
    for (const { span } of this.#calls.get(call) ?? []) span.abandon(why, timestamp());
    this.#calls.delete(call);
  }
}
