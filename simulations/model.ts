import { Observable, type Subscriber } from 'rxjs';
import {
  type ChatChunk,
  type ChatProvider,
  type ChatRequest,
  ProviderError,
  type ProviderErrorKind,
} from '../src/chat/index.ts';
import type { Duration } from './distribution.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface ModelConfig {
  readonly time: VirtualTime;
  /** @default 'model' */
  readonly name?: string;
  /** Milliseconds to the first token of a request that need not queue. */
  readonly firstToken: Duration;
  /** Milliseconds from there to the last one. @default none at all */
  readonly writing?: Duration;
  /** Tokens of an answer. @default 200 for all */
  readonly tokens?: Duration;
  /** Answers that are written at the same time; the rest queue, first come, first served. @default any number */
  readonly places?: number;
  /** What it accepts in each minute of its own clock; who asks for more is refused (429) until the next one begins. */
  readonly quota?: Quota;
}

export interface Quota {
  readonly requests?: number;
  /** Of request and answer together. */
  readonly tokens?: number;
}

/** What became of one request. */
export interface Visit {
  readonly at: number;
  readonly outcome: 'accepted' | ProviderErrorKind;
}

const MINUTE = 60_000;
/** How long a refusal takes. */
const REFUSAL = 30;

/** A provider as one sees it from outside: quotas, a knee beyond which requests queue, outages, and a book of its visitors. */
export class SimulatedModel implements ChatProvider {
  readonly name: string;
  /** Every request, in order. */
  readonly visits: Visit[] = [];
  /** What each minute has used up, by its number. */
  readonly minutes: { requests: number; tokens: number }[] = [];
  readonly #config: ModelConfig;
  readonly #queue: (() => void)[] = [];
  readonly #inside = new Set<Subscriber<ChatChunk>>();
  #places: number;
  #busy = 0;
  #down: ProviderErrorKind | undefined;

  constructor(config: ModelConfig) {
    this.name = config.name ?? 'model';
    this.#config = config;
    this.#places = config.places ?? Number.POSITIVE_INFINITY;
  }

  /** Requests that it works at, and those that queue. */
  get inside(): number {
    return this.#busy + this.#queue.length;
  }

  /** From now on it has so many places. */
  resize(places: number): void {
    this.#places = places;
    this.#serve();
  }

  /** From now on every request fails like this, and what is under way breaks off; with `undefined` it is well again. */
  fail(kind: ProviderErrorKind | undefined): void {
    this.#down = kind;
    if (kind !== undefined) for (const subscriber of this.#inside) subscriber.error(this.#error(kind));
  }

  /** How many requests were accepted, or came to grief, in a span of time. */
  count(outcome: (outcome: Visit['outcome']) => boolean, from = 0, until = Number.POSITIVE_INFINITY): number {
    return this.visits.filter((visit) => visit.at >= from && visit.at < until && outcome(visit.outcome))
      .length;
  }

  stream(request: ChatRequest): Observable<ChatChunk> {
    return new Observable((subscriber) => {
      const { time, tokens = () => 200 } = this.#config;
      const inputTokens = request.messages.reduce(
        (sum, { content }) => sum + Math.ceil(content.length / 4),
        0,
      );
      const outputTokens = Math.round(tokens());
      const error = this.#refusal(inputTokens + outputTokens);
      this.visits.push({ at: time.now(), outcome: error?.kind ?? 'accepted' });
      if (error === undefined) this.#admit(subscriber, { inputTokens, outputTokens });
      else subscriber.add(time.after(REFUSAL, () => subscriber.error(error)));
    });
  }

  #admit(subscriber: Subscriber<ChatChunk>, usage: { inputTokens: number; outputTokens: number }): void {
    const { time, firstToken, writing = () => 0 } = this.#config;
    let working = false;
    this.#inside.add(subscriber);
    const begin = (): void => {
      working = true;
      this.#busy++;
      subscriber.add(
        time.after(firstToken(), () => {
          subscriber.next({ type: 'text', text: 'so ' });
          subscriber.add(
            time.after(writing(), () => {
              subscriber.next({ type: 'usage', usage });
              subscriber.next({ type: 'finish', reason: 'stop' });
              subscriber.complete();
            }),
          );
        }),
      );
    };
    subscriber.add(() => {
      this.#inside.delete(subscriber);
      if (working) this.#busy--;
      else this.#queue.splice(this.#queue.indexOf(begin), 1);
      this.#serve();
    });
    this.#queue.push(begin);
    this.#serve();
  }

  #serve(): void {
    while (this.#busy < this.#places && this.#queue.length > 0) (this.#queue.shift() as () => void)();
  }

  #refusal(tokens: number): ProviderError | undefined {
    if (this.#down !== undefined) return this.#error(this.#down);
    const { quota, time } = this.#config;
    const minute = Math.floor(time.now() / MINUTE);
    this.minutes[minute] ??= { requests: 0, tokens: 0 };
    const used = this.minutes[minute];
    if (
      used.requests + 1 > (quota?.requests ?? Number.POSITIVE_INFINITY) ||
      used.tokens + tokens > (quota?.tokens ?? Number.POSITIVE_INFINITY)
    )
      return this.#error('rate-limit', (minute + 1) * MINUTE - time.now());
    used.requests++;
    used.tokens += tokens;
    return undefined;
  }

  #error(kind: ProviderErrorKind, retryAfter?: number): ProviderError {
    return new ProviderError(`The simulated provider says: ${kind}.`, {
      kind,
      provider: this.name,
      retryAfter,
    });
  }
}
