import * as z from 'zod/mini';

/** What events share with snapshots and reports. */

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

export const CircuitStateSchema = z.literal([
  'closed',
  'open',
  'half-open',
  'forced-open',
  'disabled',
  'metrics-only',
]);
export const HealthStatusSchema = z.literal(['healthy', 'degraded', 'unhealthy']);
export type HealthStatus = z.infer<typeof HealthStatusSchema>;
