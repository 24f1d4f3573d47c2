import * as z from 'zod/mini';
import { commonOptions, duration, limit } from '../core/config.ts';

export const HealthCheckerConfigSchema = z.strictObject({
  ...commonOptions,
  /** The longest wait for the answer of a check, in milliseconds; `Infinity` means none. @default 5_000 */
  timeout: z._default(limit(), 5_000),
  /** Milliseconds for which an answer is used again; 0 asks anew every time. @default 0 */
  maxAge: z._default(duration(), 0),
});
export type HealthCheckerConfig = z.input<typeof HealthCheckerConfigSchema>;

/** What the checks that are derived from circuits and providers can be told. */
export const DerivedCheckOptionsSchema = z.strictObject({
  /** Whether the whole is unhealthy when this is; else it is degraded. @default false */
  critical: z._default(z.boolean(), false),
  /** The longest wait for an answer, in milliseconds; `Infinity` means none. @default that of the checker */
  timeout: z.optional(limit()),
  /** Milliseconds for which an answer is used again; 0 asks anew every time. @default that of the checker */
  maxAge: z.optional(duration()),
});
export type DerivedCheckOptions = z.input<typeof DerivedCheckOptionsSchema>;

export const HealthCheckOptionsSchema = z.strictObject({
  ...DerivedCheckOptionsSchema.shape,
  /** Whether the whole is unhealthy when this is; else it is degraded. @default true */
  critical: z._default(z.boolean(), true),
  /**
   * Whether it says that this process must be restarted. Only for what a restart cures, such as a deadlock: if it asked
   * another service, a failure of that one would restart all who depend on it. @default false
   */
  liveness: z._default(z.boolean(), false),
});
export type HealthCheckOptions = z.input<typeof HealthCheckOptionsSchema>;
