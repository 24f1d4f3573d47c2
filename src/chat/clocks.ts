import { filter, Observable, Subscriber } from 'rxjs';
import * as z from 'zod/mini';
import type { Clock, Timer } from '../core/clock.ts';
import { limit } from '../core/config.ts';
import { withDeadlines } from '../core/deadlines.ts';
import { StreamTimeoutError, type StreamTimeoutKind } from '../core/errors.ts';
import type { EventBus } from '../core/event-bus.ts';
import { currentScope, within } from '../core/scope.ts';
import { type ChatChunk, isContent } from './chunk.ts';
import { lengthOf } from './ledger.ts';
import type { ChatContext } from './provider.ts';
import { estimateTokens } from './tokens.ts';

const notLonger = (shorter: 'headers' | 'first' | 'each', longer: 'first' | 'total') =>
  z.refine<{ [Limit in 'headers' | 'first' | 'each' | 'total']?: number | undefined }>(
    (limits) => (limits[shorter] ?? 0) <= (limits[longer] ?? Number.POSITIVE_INFINITY),
    { path: [shorter], message: `must not be longer than "${longer}": it could never run out` },
  );

/** Limits in milliseconds; `Infinity` means none. */
export const ChatTimeoutSchema = z
  .strictObject({
    /** From the beginning of an attempt until the provider has accepted the request. @default Infinity */
    headers: z.optional(limit()),
    /** From the beginning of an attempt to its first content. @default Infinity */
    first: z.optional(limit()),
    /** Between two chunks; without `first`, also before the first one. @default Infinity */
    each: z.optional(limit()),
    /** Of one provider's attempts and waits together; of a whole call where it is given to a call. @default Infinity */
    total: z.optional(limit()),
    /**
     * What ends the silence that `each` measures: `content` is what belongs to the answer, `any` is also a ping, a comment
     * or an empty piece. They show that the connection lives, not that somebody is at work behind it. @default 'content'
     */
    liveness: z.optional(z.enum(['content', 'any'])),
    /** An attempt that writes fewer tokens (four characters each) in a `throughputWindow` has failed. @default 0 */
    minTokensPerSecond: z.optional(
      z
        .number('must be a number of tokens')
        .check(
          z.refine((tokens) => tokens >= 0 && Number.isFinite(tokens), 'must be finite, and not negative'),
        ),
    ),
    /** How long the pace is measured before it is judged, again and again from the first content. @default 10_000 */
    throughputWindow: z.optional(limit()),
  })
  .check(
    notLonger('headers', 'first'),
    notLonger('first', 'total'),
    notLonger('each', 'total'),
    notLonger('headers', 'total'),
  );
export type ChatTimeout = z.input<typeof ChatTimeoutSchema>;

const HEADERS = 'headers';
const KEEP_ALIVE = 'keep-alive';
type Sign = ChatChunk | typeof HEADERS | typeof KEEP_ALIVE;

export interface ClockDetails {
  /** Name of the provider. */
  readonly name: string;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly limits: ChatTimeout;
}

/**
 * One attempt under its clocks. All begin when it is subscribed, whatever the provider's client waits for before it shows
 * anything; they measure what the provider sends, before any of it is held back.
 */
export function underClocks(
  ask: (context: ChatContext) => Observable<ChatChunk>,
  context: ChatContext,
  { name, clock, events, limits }: ClockDetails,
): Observable<ChatChunk> {
  const { headers = Infinity, first = Infinity, each = Infinity, liveness = 'content' } = limits;
  const { minTokensPerSecond: floor = 0, throughputWindow: window = 10_000 } = limits;

  if (Math.min(headers, first, each) === Infinity && floor === 0) return ask(context);

  function expired(kind: StreamTimeoutKind, after: number): never {
    events.publish('timed_out', name, { kind, after });
    throw new StreamTimeoutError(name, kind, after);
  }

  let signs: Observable<Sign> = new Observable<Sign>((subscriber) =>
    ask({
      ...context,
      headersReceived() {
        context.headersReceived?.();
        subscriber.next(HEADERS);
      },
      keepAliveReceived() {
        context.keepAliveReceived?.();
        subscriber.next(KEEP_ALIVE);
      },
    }).subscribe(subscriber),
  );
  if (headers !== Infinity) {
    const limits = { first: headers, each: Infinity, total: Infinity };
    signs = withDeadlines(signs, clock, limits, () => expired('headers', headers));
  }
  signs = signs.pipe(filter((sign) => (liveness === 'any' ? sign !== HEADERS : isAnswer(sign))));
  if (Math.min(first, each) !== Infinity) {
    const commitOn = (sign: Sign): boolean => isChunk(sign) && isContent(sign);
    signs = withDeadlines(signs, clock, { first, each, total: Infinity, commitOn }, expired);
  }
  const chunks = signs.pipe(filter(isChunk));
  return floor === 0 ? chunks : abovePace(chunks, clock, floor, window, () => expired('throughput', window));
}

const isChunk = (sign: Sign): sign is ChatChunk => typeof sign !== 'string';

/** Whether it belongs to the answer; an empty piece of text does not. */
const isAnswer = (sign: Sign): boolean =>
  isChunk(sign) && !((sign.type === 'text' || sign.type === 'reasoning') && sign.text === '');

/** Fails a stream that has begun to write, and then trickles. */
function abovePace(
  source: Observable<ChatChunk>,
  clock: Clock,
  floor: number,
  window: number,
  tooSlow: () => never,
): Observable<ChatChunk> {
  return new Observable((subscriber) => {
    source.subscribe(new PacedSubscriber(subscriber, clock, (floor * window) / 1_000, window, tooSlow));
  });
}

class PacedSubscriber extends Subscriber<ChatChunk> {
  private readonly scope = currentScope();
  private timer: Timer | undefined;
  private characters = 0;

  constructor(
    private readonly downstream: Subscriber<ChatChunk>,
    private readonly clock: Clock,
    private readonly tokens: number,
    private readonly window: number,
    private readonly tooSlow: () => never,
  ) {
    super(downstream);
  }

  override next(chunk: ChatChunk): void {
    if (this.isStopped) return;
    this.characters += lengthOf(chunk);
    if (this.timer === undefined && this.characters > 0) this.arm();
    this.downstream.next(chunk);
  }

  protected override _error(error: unknown): void {
    this.timer?.cancel();
    super._error(error);
  }

  protected override _complete(): void {
    this.timer?.cancel();
    super._complete();
  }

  override unsubscribe(): void {
    this.timer?.cancel();
    super.unsubscribe();
  }

  private arm(): void {
    this.timer = this.clock.schedule(this.window, () => this.judge());
  }

  private judge(): void {
    if (estimateTokens(this.characters) >= this.tokens) {
      this.characters = 0;
      return this.arm();
    }
    const { downstream } = this;
    // The source stops before downstream hears why.
    try {
      this.unsubscribe();
      if (!downstream.closed) within(this.scope, this.tooSlow);
    } catch (verdict) {
      downstream.error(verdict);
    }
  }
}
