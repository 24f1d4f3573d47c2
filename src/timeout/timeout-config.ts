import type { ObservableInput } from 'rxjs';
import * as z from 'zod/mini';
import { commonOptions, functionOption, limit } from '../core/config.ts';
import type { TimeoutKind } from '../core/errors.ts';

/** Which clock ran out. */
export interface Expiry {
  readonly kind: TimeoutKind;
  /** Its limit, in milliseconds. */
  readonly after: number;
}

const withinTotal = (option: 'first' | 'each') =>
  z.refine<Partial<Record<TimeoutKind, number | undefined>>>(
    (limits) => (limits[option] ?? 0) <= (limits.total ?? Number.POSITIVE_INFINITY),
    { path: [option], message: 'must not be longer than "total": it could never run out' },
  );

/** The options of `timeout()`. */
export const TimeoutConfigSchema = z
  .strictObject({
    ...commonOptions,
    /** To the first committing value, in milliseconds; `Infinity` means none. @default Infinity */
    first: z.optional(limit()),
    /**
     * Between two values, in milliseconds, whether they commit or not; `Infinity` means none. Without `first` it bounds
     * the wait for the first value too. @default Infinity
     */
    each: z.optional(limit()),
    /** To the end of the stream, in milliseconds; `Infinity` means none. @default Infinity */
    total: z.optional(limit()),
    /** Says which values end the wait for the `first`: not a ping, for instance. @default all */
    commitOn: z.optional(functionOption<(value: never) => boolean>()),
    /** Answers a timeout with a stream, which itself is not timed. @default none: the error goes downstream */
    with: z.optional(functionOption<(expiry: Expiry) => ObservableInput<unknown>>()),
  })
  .check(
    z.refine(({ first, each, total }) => (first ?? each ?? total) !== undefined, {
      message: 'must set at least one of "first", "each" and "total"',
    }),
    withinTotal('first'),
    withinTotal('each'),
  );

/** @typeParam T values of the source. @typeParam R values of `with`. */
export interface TimeoutConfig<T = unknown, R = T>
  extends Omit<z.input<typeof TimeoutConfigSchema>, 'commitOn' | 'with'> {
  /** Says which values end the wait for the `first`: not a ping, for instance. @default all */
  commitOn?: ((value: T) => boolean) | undefined;
  /** Answers a timeout with a stream, which itself is not timed. @default none: the error goes downstream */
  with?: ((expiry: Expiry) => ObservableInput<R>) | undefined;
}
