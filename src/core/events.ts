import * as z from 'zod/mini';
import { EVENT_CATEGORIES } from './event-categories.ts';
import { CircuitStateSchema, ErrorSummarySchema, HealthStatusSchema } from './event-parts.ts';

/**
 * The vocabulary of the bus: what every pattern can announce, one schema a type. Types are inferred from here; the
 * schemas themselves are for process borders, where an event arrives as JSON.
 */

const transition = { from: CircuitStateSchema, to: CircuitStateSchema };

const occupancy = {
  /** Leases that are out. */
  activeCount: z.number(),
  /** Attempts that wait for one. */
  queueSize: z.number(),
};

/** What every type tells. All times are milliseconds. */
const eventData = {
  /** A circuit lets no call pass any more: too much has failed, a probe has, or a person wants it. */
  circuit_opened: z.object({
    ...transition,
    /** Until it lets a probe pass; absent when only a person closes it. */
    retryAfter: z.optional(z.number()),
    /** The last failure. */
    error: z.optional(ErrorSummarySchema),
  }),
  /** A circuit lets all calls pass: the probes were well, or a person has reset or disabled it, or only measures. */
  circuit_closed: z.object(transition),
  /** A circuit lets a few probes pass: its recovery time is over. */
  circuit_half_open: z.object(transition),
  /** An attempt was not made, because the circuit is open or all its places for probes are taken. */
  circuit_rejected: z.object({
    /** Until the circuit lets a probe pass, where that is known. */
    retryAfter: z.optional(z.number()),
  }),
  /** An attempt failed, and another one follows after a wait. */
  retry_attempted: z.object({
    /** Number of the retry, from 1; the attempt that failed is the event's own. */
    attempt: z.number(),
    /** The wait. */
    delay: z.number(),
    error: ErrorSummarySchema,
  }),
  /** Retries have run, the last attempt failed too, and no other follows; or a budget has refused the first retry. */
  retry_exhausted: z.object({
    /** Those that were made. */
    attempts: z.number(),
    /** `delay`: the wait would be too long, or there is none; `time`: it does not fit into what is left of `timeout`. */
    reason: z.enum(['not-retryable', 'attempts', 'budget', 'delay', 'time']),
    error: ErrorSummarySchema,
  }),
  /** A stream that broke after its first value goes on as its author says (`resume`). */
  stream_resumed: z.object({
    /** Values that have been delivered. */
    emitted: z.number(),
    error: ErrorSummarySchema,
  }),
  /** An attempt waits for a place. */
  bulkhead_queued: z.object(occupancy),
  /** An attempt was not made: nobody may wait any more, or it has waited too long. */
  bulkhead_rejected: z.object({ reason: z.enum(['queue-full', 'queue-timeout']), ...occupancy }),
  /** An attempt has no permit yet. */
  rate_limited: z.object({
    /** Until there is one. */
    retryAfter: z.number(),
    /** `queued`: the attempt waits for its permit; `rejected`: it was refused. */
    outcome: z.enum(['queued', 'rejected']),
  }),
  /** A clock ran out, and the source was given up. */
  timed_out: z.object({
    kind: z.enum(['first', 'each', 'total', 'headers', 'throughput']),
    /** The limit that was passed. */
    after: z.number(),
  }),
  /** A limiter hands out no permits for a while, because a server asked for it. */
  limiter_paused: z.object({
    /** Milliseconds until it hands out permits again. */
    resumesAfter: z.number(),
    reason: z.string(),
  }),
  /** A limiter hands out permits again. */
  limiter_resumed: z.object({}),
  /** A limiter has changed its rate. */
  limiter_adjusted: z.object({
    dimension: z.enum(['requests', 'tokens', 'input-tokens', 'output-tokens']),
    /** Permits per minute. */
    from: z.number(),
    to: z.number(),
    reason: z.string(),
  }),
  /** There was more in a bucket of a limiter than the service says is left. */
  limiter_lowered: z.object({
    dimension: z.enum(['requests', 'tokens', 'input-tokens', 'output-tokens']),
    /** What was in the bucket, and what is since; negative is a debt. */
    from: z.number(),
    to: z.number(),
  }),
  /** Another attempt races with one that is late, or follows one that has failed. */
  hedge_started: z.object({
    /** Of the race, from 2. */
    attempt: z.number(),
    /** How long the attempt before it was waited for; 0 when it has failed. */
    delay: z.number(),
  }),
  /** A hedge has won the race. */
  hedge_won: z.object({
    /** Of the race, from 2. */
    attempt: z.number(),
    /** Since the beginning of the race. */
    after: z.number(),
  }),
  /** An attempt is late or has failed, and no other may follow. */
  hedge_refused: z.object({ reason: z.enum(['budget']) }),
  /** An adaptive limit lets more or fewer attempts run at a time. */
  concurrency_limit_changed: z.object({ from: z.number(), to: z.number(), reason: z.string() }),
  /** An attempt was not made, because so many have been refused by the other side. */
  throttled: z.object({ probability: z.number() }),
  /** An attempt was not made, because others are more urgent or it could not be served in time. */
  load_shed: z.object({ reason: z.string(), priority: z.number(), retryAfter: z.optional(z.number()) }),
  /** A fault was made on purpose. */
  chaos_injected: z.object({ fault: z.string(), delay: z.optional(z.number()) }),
  /** The health of the whole, or of one check, is another than before. */
  health_changed: z.object({
    /** Name of the check; absent when it is the whole. */
    check: z.optional(z.string()),
    from: z.optional(HealthStatusSchema),
    to: HealthStatusSchema,
    error: z.optional(ErrorSummarySchema),
  }),
  /** A circuit has come to a registry, was removed, or had to make room. */
  registry_changed: z.object({
    change: z.enum(['added', 'removed', 'evicted']),
    /** Name of the circuit. */
    name: z.string(),
  }),
  /** What came before has finally failed, and an alternative is asked. */
  fallback_used: z.object({
    /** Its number, from 1. */
    alternative: z.number(),
    error: ErrorSummarySchema,
  }),
  /** The source and every alternative have failed. */
  fallback_exhausted: z.object({
    /** In order, the one of the source first. */
    errors: z.array(ErrorSummarySchema),
  }),
  /** A call through `resilience()` begins. */
  call_started: z.object({}),
  /** A call through `resilience()` has ended. */
  call_ended: z.object({
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    /** Since it started, waits included. */
    duration: z.number(),
    error: z.optional(ErrorSummarySchema),
  }),
  /** A chat call begins. */
  stream_started: z.object({
    provider: z.string(),
    /** The model that is asked first: the request's, else the provider's own. */
    model: z.optional(z.string()),
  }),
  /** An attempt of a chat call begins: its provider is asked. */
  attempt_started: z.object({
    provider: z.string(),
    /** The model that is asked. */
    requestedModel: z.optional(z.string()),
    /** What passed since the call began or the attempt before it ended. */
    delay: z.number(),
  }),
  /** The first content of an answer, or of one that begins anew, has been delivered. */
  first_token: z.object({
    provider: z.string(),
    /** Since the call began. */
    after: z.number(),
  }),
  /** What was shown of an answer is void. */
  stream_retracted: z.object({
    /** Whose words they were. */
    provider: z.string(),
    error: ErrorSummarySchema,
  }),
  /** Another provider speaks from here on. */
  provider_switched: z.object({
    from: z.string(),
    to: z.string(),
    /** What the first one failed with; absent where it was only slower. */
    error: z.optional(ErrorSummarySchema),
  }),
  /** An answer that broke off goes on. */
  stream_continued: z.object({
    provider: z.string(),
    /** `resume`: the provider's own stream goes on; `prefill` and `ask`: the model does. */
    by: z.enum(['resume', 'prefill', 'ask']),
    /** Characters of text that stand. */
    characters: z.number(),
    error: ErrorSummarySchema,
  }),
  /** An attempt of a chat call has ended: a line of the ledger. */
  attempt_ended: z.object({
    provider: z.string(),
    /** The model that answered; known of a whole answer. */
    model: z.optional(z.string()),
    /** The model that was asked. */
    requestedModel: z.optional(z.string()),
    /** From 1, over all attempts of the call. */
    attempt: z.number(),
    /** How far it came. */
    phase: z.enum(['connecting', 'preamble', 'content', 'ended']),
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    error: z.optional(ErrorSummarySchema),
    /** The attempt that was faster, if it has lost a race. */
    lostTo: z.optional(z.number()),
    /** Why the model stopped; known of a whole answer. */
    finishReason: z.optional(z.enum(['stop', 'length', 'tool-calls', 'content-filter', 'other'])),
    /** What passed since the call began or the attempt before it ended. */
    delay: z.number(),
    duration: z.number(),
    /** Tokens, as far as they are known; `estimated` where the provider did not count. */
    usage: z.optional(
      z.object({
        inputTokens: z.optional(z.number()),
        outputTokens: z.optional(z.number()),
        totalTokens: z.optional(z.number()),
        cachedTokens: z.optional(z.number()),
        reasoningTokens: z.optional(z.number()),
        estimated: z.optional(z.literal(true)),
      }),
    ),
    /** Since the attempt began. */
    timeToFirstToken: z.optional(z.number()),
    /** From the first content to the end. */
    tokensPerSecond: z.optional(z.number()),
  }),
  /** A frame that cannot be read was skipped, as the provider is configured to. */
  frame_skipped: z.object({ error: ErrorSummarySchema }),
  /** A sink could not keep up, or could not write. */
  events_dropped: z.object({
    /** Events that are missing in what it has written. */
    count: z.number(),
  }),
  /** A chat call has ended. */
  stream_ended: z.object({
    /** Who spoke last. */
    provider: z.string(),
    /** The model that answered; known of a whole answer. */
    model: z.optional(z.string()),
    /** The model that was asked. */
    requestedModel: z.optional(z.string()),
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    /** Milliseconds since it started, waits included. */
    duration: z.number(),
    error: z.optional(ErrorSummarySchema),
  }),
};

export type EventType = keyof typeof eventData;
export type EventData<Type extends EventType> = z.infer<(typeof eventData)[Type]>;

/** One decision of one policy. Discriminated by `type`. */
export type ResilienceEvent = { [Type in EventType]: ResilienceEventOf<Type> }[EventType];

export interface ResilienceEventOf<Type extends EventType> {
  readonly type: Type;
  readonly category: (typeof EVENT_CATEGORIES)[Type];
  /** Name of the policy or provider that speaks. */
  readonly source: string;
  /** Milliseconds since the epoch; frames in virtual time. */
  readonly timestamp: number;
  /** Which call it happened to; absent when it happened to none, such as a circuit that is opened by hand. */
  readonly call?: string | undefined;
  /** Which attempt of that call, from 1. */
  readonly attempt?: number | undefined;
  readonly data: EventData<Type>;
}

type Schemas = { readonly [Type in EventType]: z.ZodMiniType<ResilienceEventOf<Type>> };

/** One schema a type, for events that arrive from elsewhere. Fields that it does not know are left out. */
export const EventSchemas: Schemas = Object.fromEntries(
  Object.entries(eventData).map(([type, data]) => [
    type,
    z.object({
      type: z.literal(type),
      category: z.literal(EVENT_CATEGORIES[type as EventType]),
      source: z.string(),
      timestamp: z.number(),
      call: z.optional(z.string()),
      attempt: z.optional(z.number()),
      data,
    }),
  ]),
) as unknown as Schemas;

/** Any event that arrives from elsewhere, by its type. */
export const ResilienceEventSchema: z.ZodMiniType<ResilienceEvent> = z.discriminatedUnion(
  'type',
  Object.values(EventSchemas) as never,
);
