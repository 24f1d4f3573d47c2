import * as z from 'zod/mini';
import { count, duration } from '../core/config.ts';
import { CircuitStateSchema, ErrorSummarySchema } from '../core/event-parts.ts';

const AgedTotalsSchema = z.object({ age: duration(), calls: count(0), failures: count(0), slow: count(0) });

/** A circuit breaker on its way to another process, safe as JSON. Its times are durations: two processes share no clock. */
export const CircuitSnapshotSchema = z.object({
  name: z.string(),
  state: CircuitStateSchema,
  /** Milliseconds that were left of the recovery time, while open. */
  retryAfter: z.optional(duration()),
  /** Milliseconds since the epoch at which the circuit opened, for people. */
  openedAt: z.optional(z.number()),
  /** How often it has opened again since it was last closed. */
  reopenings: count(0),
  rejectedCount: count(0),
  lastFailure: z.optional(z.object({ at: z.number(), error: ErrorSummarySchema })),
  /** What the closed circuit had seen, if it was closed. */
  evidence: z.optional(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('consecutive'), failures: count(0) }),
      /** One digit an outcome, oldest first: 0 well, 1 failed, 2 slow, 3 both. */
      z.object({
        type: z.literal('count'),
        outcomes: z.string().check(z.refine((outcomes) => /^[0-3]*$/.test(outcomes))),
      }),
      z.object({ type: z.literal('time'), buckets: z.array(AgedTotalsSchema) }),
    ]),
  ),
});
export type CircuitSnapshot = z.output<typeof CircuitSnapshotSchema>;
export type EvidenceSnapshot = NonNullable<CircuitSnapshot['evidence']>;
