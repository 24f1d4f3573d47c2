import type { Observable } from 'rxjs';
import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import { limit } from '../core/config.ts';
import { type Limits, type Signs, withDeadlines } from '../core/deadlines.ts';
import { StreamTimeoutError, type StreamTimeoutKind } from '../core/errors.ts';
import type { EventBus } from '../core/event-bus.ts';
import { type ChatChunk, isContent } from './chunk.ts';
import { tokensIn } from './ledger.ts';
import type { ChatContext } from './provider.ts';

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

  function heard(signs: Signs): ChatContext {
    return {
      ...context,
      headersReceived() {
        context.headersReceived?.();
        signs.accepted();
      },
      keepAliveReceived() {
        context.keepAliveReceived?.();
        if (liveness === 'any') signs.alive();
        else signs.accepted();
      },
    };
  }

  const timed: Limits<ChatChunk> = {
    headers,
    first,
    each,
    total: Infinity,
    pace: floor === 0 ? undefined : { window, least: (floor * window) / 1_000, sizeOf: tokensIn },
    commitOn: isContent,
    breaksSilence: liveness === 'any' ? undefined : belongsToAnswer,
  };
  return withDeadlines((signs) => ask(heard(signs)), clock, timed, expired);
}

/** An empty piece of text does not. */
const belongsToAnswer = (chunk: ChatChunk): boolean =>
  !((chunk.type === 'text' || chunk.type === 'reasoning') && chunk.text === '');
