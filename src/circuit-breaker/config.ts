import * as z from 'zod/mini';
import { commonOptions, count, duration, functionOption, period, rate } from '../core/config.ts';

/** What an error says about the other side. `neutral`: nothing, as if the call had not been made. */
export type Classification = 'failure' | 'success' | 'neutral';

/** Two options that contradict each other are a mistake, not a question of precedence. */
const refuse = <T>(option: string, when: (value: T) => boolean, message: string): z.core.$ZodCheck<T> =>
  z.refine<T>((value) => !when(value), { path: [option], message });

/** Windows are allocated when the breaker is made: a slip of the keyboard must not take a gigabyte. */
const cells = (): z.ZodMiniNumber<number> =>
  count(1).check(z.refine((value) => value <= 1_000_000, 'must be at most 1000000'));

const CountWindowSchema = z
  .strictObject({
    type: z.literal('count'),
    /** How many of the last calls are judged. */
    size: cells(),
    /** Share of failures, in (0, 1], at which the circuit opens. @default 0.5 */
    failureRate: z._default(rate(), 0.5),
    /** Calls below which there is no rate. @default size */
    minimumCalls: z.optional(count(1)),
  })
  .check(
    refuse(
      'minimumCalls',
      ({ minimumCalls = 1, size }) => minimumCalls > size,
      'must not exceed "size": the window would never hold that many',
    ),
  );

const TimeWindowSchema = z.strictObject({
  type: z.literal('time'),
  /** How far back calls are judged, in milliseconds. */
  duration: period(),
  /** In how many steps old calls fall out: memory and precision. @default 10 */
  buckets: z._default(cells(), 10),
  /** Share of failures, in (0, 1], at which the circuit opens. @default 0.5 */
  failureRate: z._default(rate(), 0.5),
  /** Calls below which there is no rate. @default 10 */
  minimumCalls: z._default(count(1), 10),
});

const SlowCallSchema = z.strictObject({
  /** A call that takes longer is slow, in milliseconds. Waits for a limiter or a bulkhead do not count. */
  threshold: duration(),
  /** Share of slow calls, in (0, 1], at which the circuit opens. @default 1 */
  rate: z._default(rate(), 1),
  /** Whether a call lasts until its first value or until its end. @default 'total' */
  measure: z._default(z.literal(['first', 'total']), 'total'),
});

const HalfOpenSampleSchema = z.strictObject({
  /** How many probes decide. */
  calls: count(1),
  /** Share of failed probes, in (0, 1], that opens the circuit again. */
  failureRate: rate(),
});

/** The options of a `CircuitBreaker`, with their defaults. */
export const CircuitBreakerConfigSchema = z
  .strictObject({
    ...commonOptions,
    /** Failures in a row that open the circuit. Not together with `window`. @default 5 */
    failureThreshold: z.optional(count(1)),
    /** Opens by a rate over the last calls, or over the last milliseconds, instead of by failures in a row. */
    window: z.optional(z.discriminatedUnion('type', [CountWindowSchema, TimeWindowSchema])),
    /** Opens when too many calls of the `window` are slow, however they end. @default not watched */
    slowCall: z.optional(SlowCallSchema),
    /**
     * How long the circuit stays open before it lets probes through, in milliseconds; or a function of how often it has
     * opened again since it was last closed (0, 1, 2, ...). With 0 the next call is a probe. @default 60_000
     */
    recoveryTimeout: z._default(
      z.union([duration(), functionOption<(reopenings: number) => number>()]),
      60_000,
    ),
    /** Probes that must succeed to close the circuit; one failure opens it again. @default 2 */
    successThreshold: z.optional(count(1)),
    /** Judges the probes by a rate over so many of them, instead of by `successThreshold`. */
    halfOpenSample: z.optional(HalfOpenSampleSchema),
    /** Probes that may run at a time; further calls are refused. @default 3 */
    halfOpenMaxCalls: z._default(count(1), 3),
    /**
     * How long probes may run without a verdict before the circuit opens again, in milliseconds: a probe that never ends
     * must not keep its place for ever. The default is what the clients of model providers grant one call.
     * @default 600_000
     */
    halfOpenTimeout: z._default(period(), 600_000),
    /**
     * What an error says about the other side. Refusals of this library's own policies are neutral without being asked
     * about. If it throws, the call counts as failed and what it threw is the stream's error.
     * @default caller errors (400, 401, 403, 404, 413, 422, an abort, ...) are neutral, all else is a failure
     */
    classify: z.optional(functionOption<(error: unknown) => Classification>()),
    /** Which errors are neutral; the others go on to `record`. Not together with `classify`. */
    ignore: z.optional(functionOption<(error: unknown) => boolean>()),
    /** Which errors are failures; the others count as successes. Not together with `classify`. @default as `classify` */
    record: z.optional(functionOption<(error: unknown) => boolean>()),
  })
  .check(
    refuse(
      'failureThreshold',
      ({ failureThreshold, window }) => failureThreshold !== undefined && window !== undefined,
      'has no effect beside "window", which opens by its failureRate',
    ),
    refuse(
      'slowCall',
      ({ slowCall, window }) => slowCall !== undefined && window === undefined,
      'needs a "window" over which its rate is taken',
    ),
    refuse(
      'successThreshold',
      ({ successThreshold, halfOpenSample }) =>
        successThreshold !== undefined && halfOpenSample !== undefined,
      'has no effect beside "halfOpenSample", which decides by its failureRate',
    ),
    refuse(
      'classify',
      ({ classify, ignore, record }) =>
        classify !== undefined && (ignore !== undefined || record !== undefined),
      'answers for all errors: "ignore" and "record" have no effect beside it',
    ),
  );
export type CircuitBreakerConfig = z.input<typeof CircuitBreakerConfigSchema>;
export type CircuitBreakerOptions = z.output<typeof CircuitBreakerConfigSchema>;
