import * as z from 'zod/mini';

/**
 * The vocabulary of the bus: what every pattern can announce, one schema a type. Types are inferred from here; the
 * schemas themselves are for process borders, where an event arrives as JSON.
 */

const errorFields = {
  name: z.string(),
  message: z.string(),
  /** What sort of failure it was, where the error says so: a `ProviderErrorKind`, a timeout's clock. */
  kind: z.optional(z.string()),
  /** The HTTP status. */
  status: z.optional(z.number()),
  /** What the system calls it, such as `ECONNRESET`. */
  code: z.optional(z.string()),
};

/** An error as far as it may travel: JSON-safe, of bounded size, without a stack. */
export const ErrorSummarySchema = z.object({
  ...errorFields,
  /** What led to it: its `cause`, the cause of that, and so on. */
  causes: z.optional(z.array(z.object(errorFields))),
});
export type ErrorSummary = z.infer<typeof ErrorSummarySchema>;

export const CircuitStateSchema = z.enum([
  'closed',
  'open',
  'half-open',
  'forced-open',
  'disabled',
  'metrics-only',
]);
export const HealthStatusSchema = z.enum(['healthy', 'degraded', 'unhealthy']);
export type HealthStatus = z.infer<typeof HealthStatusSchema>;

const transition = { from: CircuitStateSchema, to: CircuitStateSchema };

const eventData = {
  circuit_opened: z.object({
    ...transition,
    retryAfter: z.optional(z.number()),
    error: z.optional(ErrorSummarySchema),
  }),
  circuit_closed: z.object(transition),
  circuit_half_open: z.object(transition),
  circuit_rejected: z.object({ retryAfter: z.optional(z.number()) }),
  retry_attempted: z.object({ attempt: z.number(), delay: z.number(), error: ErrorSummarySchema }),
  retry_exhausted: z.object({ attempts: z.number(), reason: z.string(), error: ErrorSummarySchema }),
  stream_resumed: z.object({ emitted: z.number(), error: ErrorSummarySchema }),
  bulkhead_rejected: z.object({
    reason: z.enum(['queue-full', 'queue-timeout']),
    activeCount: z.number(),
    queueSize: z.number(),
  }),
  rate_limited: z.object({
    retryAfter: z.number(),
    /** `queued`: the attempt waits for its permit; `rejected`: it was refused. */
    outcome: z.enum(['queued', 'rejected']),
  }),
  timed_out: z.object({
    kind: z.enum(['first', 'each', 'total', 'headers', 'throughput']),
    after: z.number(),
  }),
  limiter_paused: z.object({
    /** Milliseconds until it hands out permits again. */
    resumesAfter: z.number(),
    reason: z.string(),
  }),
  limiter_resumed: z.object({}),
  limiter_adjusted: z.object({
    dimension: z.enum(['requests', 'tokens', 'input-tokens', 'output-tokens']),
    /** Permits per minute. */
    from: z.number(),
    to: z.number(),
    reason: z.string(),
  }),
  hedge_started: z.object({ attempt: z.number(), delay: z.number() }),
  hedge_won: z.object({ attempt: z.number(), after: z.number() }),
  hedge_refused: z.object({ reason: z.string() }),
  concurrency_limit_changed: z.object({ from: z.number(), to: z.number(), reason: z.string() }),
  throttled: z.object({ probability: z.number() }),
  load_shed: z.object({ reason: z.string(), priority: z.number(), retryAfter: z.optional(z.number()) }),
  chaos_injected: z.object({ fault: z.string(), delay: z.optional(z.number()) }),
  health_changed: z.object({
    check: z.optional(z.string()),
    from: z.optional(HealthStatusSchema),
    to: HealthStatusSchema,
    error: z.optional(ErrorSummarySchema),
  }),
  registry_changed: z.object({ change: z.enum(['added', 'removed', 'evicted']), name: z.string() }),
  fallback_used: z.object({ alternative: z.number(), error: ErrorSummarySchema }),
  fallback_exhausted: z.object({ errors: z.array(ErrorSummarySchema) }),
  call_started: z.object({}),
  call_ended: z.object({
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    /** Milliseconds since it started, waits included. */
    duration: z.number(),
    error: z.optional(ErrorSummarySchema),
  }),
  stream_started: z.object({
    provider: z.string(),
    /** The model that is asked first: the request's, else the provider's own. */
    model: z.optional(z.string()),
  }),
  first_token: z.object({ provider: z.string(), after: z.number() }),
  stream_retracted: z.object({ provider: z.string(), error: ErrorSummarySchema }),
  provider_switched: z.object({ from: z.string(), to: z.string(), error: ErrorSummarySchema }),
  stream_continued: z.object({
    provider: z.string(),
    /** `resume`: the provider's own stream goes on; `prefill` and `ask`: the model does. */
    by: z.enum(['resume', 'prefill', 'ask']),
    /** Characters of text that stand. */
    characters: z.number(),
    error: ErrorSummarySchema,
  }),
  attempt_ended: z.object({
    provider: z.string(),
    /** The model that answered; known of a whole answer. */
    model: z.optional(z.string()),
    /** The model that was asked. */
    requestedModel: z.optional(z.string()),
    /** From 1, over all attempts of the call. */
    attempt: z.number(),
    phase: z.enum(['connecting', 'preamble', 'content', 'ended']),
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    error: z.optional(ErrorSummarySchema),
    /** Why the model stopped; known of a whole answer. */
    finishReason: z.optional(z.enum(['stop', 'length', 'tool-calls', 'content-filter', 'other'])),
    delay: z.number(),
    duration: z.number(),
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
    timeToFirstToken: z.optional(z.number()),
    tokensPerSecond: z.optional(z.number()),
  }),
  frame_skipped: z.object({ error: ErrorSummarySchema }),
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

/** Every type belongs to one category, so a listener can ask for a whole class of events. */
export const EVENT_CATEGORIES = {
  circuit_opened: 'state',
  circuit_closed: 'state',
  circuit_half_open: 'state',
  circuit_rejected: 'rejection',
  retry_attempted: 'recovery',
  retry_exhausted: 'error',
  stream_resumed: 'recovery',
  bulkhead_rejected: 'rejection',
  rate_limited: 'rejection',
  timed_out: 'error',
  limiter_paused: 'state',
  limiter_resumed: 'state',
  limiter_adjusted: 'state',
  hedge_started: 'recovery',
  hedge_won: 'recovery',
  hedge_refused: 'rejection',
  concurrency_limit_changed: 'state',
  throttled: 'rejection',
  load_shed: 'rejection',
  chaos_injected: 'chaos',
  health_changed: 'state',
  registry_changed: 'lifecycle',
  fallback_used: 'recovery',
  fallback_exhausted: 'error',
  call_started: 'lifecycle',
  call_ended: 'lifecycle',
  stream_started: 'lifecycle',
  first_token: 'metric',
  stream_retracted: 'recovery',
  provider_switched: 'recovery',
  stream_continued: 'recovery',
  attempt_ended: 'metric',
  frame_skipped: 'error',
  stream_ended: 'lifecycle',
} as const satisfies Record<keyof typeof eventData, string>;

export type EventType = keyof typeof eventData;
export type EventCategory = (typeof EVENT_CATEGORIES)[EventType];
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

/** Validates an event that arrives from another process. */
export const ResilienceEventSchema: z.ZodMiniType<ResilienceEvent> = z.union(
  Object.entries(eventData).map(([type, data]) =>
    z.object({
      type: z.literal(type),
      category: z.literal(EVENT_CATEGORIES[type as EventType]),
      source: z.string(),
      timestamp: z.number(),
      call: z.optional(z.string()),
      attempt: z.optional(z.number()),
      data,
    }),
  ),
) as unknown as z.ZodMiniType<ResilienceEvent>;
