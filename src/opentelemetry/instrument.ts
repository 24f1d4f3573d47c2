import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import { Subscription } from 'rxjs';
import * as z from 'zod/mini';
import { commonOptions, count, functionOption, parseConfig } from '../core/config.ts';
import { getEventBus } from '../core/event-bus.ts';
import { conventionsOf } from './conventions.ts';
import { gaugesOf, isObserved, type Observed } from './gauges.ts';
import { instrumentsOf } from './instruments.ts';
import { metricsOf } from './metrics.ts';
import { OpenCalls } from './open-calls.ts';
import { react } from './reactions.ts';
import { Names } from './vocabulary.ts';

/** What the spans and metrics are filed under. */
const SCOPE = 'rxjs-resilience';

const OBSERVED = 'must be policies that have a state, or a function that returns them';

/** The options of {@link instrument}, with their defaults. */
export const InstrumentConfigSchema = z.strictObject({
  /** The bus that is listened to. @default getEventBus() */
  events: commonOptions.events,
  /** Who makes the spans. @default the global one, whenever it is registered */
  tracerProvider: z.optional(
    z.custom<TracerProvider>(
      (value) => typeof (value as TracerProvider | null)?.getTracer === 'function',
      'must be a TracerProvider',
    ),
  ),
  /** Who keeps the metrics. @default the global one, which has to be registered by now */
  meterProvider: z.optional(
    z.custom<MeterProvider>(
      (value) => typeof (value as MeterProvider | null)?.getMeter === 'function',
      'must be a MeterProvider',
    ),
  ),
  /** What is asked for its state whenever metrics are collected. @default nothing */
  observe: z.optional(
    z.union([
      z.readonly(z.array(z.custom<Observed>(isObserved, OBSERVED), OBSERVED)),
      functionOption<() => Iterable<Observed>>(),
    ]),
  ),
  /**
   * Which names of the conventions for generative AI are used: `current` is version 1.36, `next` is
   * `gen_ai_latest_experimental`. @default 'current'
   */
  semanticConventions: z._default(z.enum(['current', 'next']), 'current'),
  /** How many policies, providers and models have labels of their own; the rest are `other`. @default 100 */
  maxNames: z._default(count(1), 100),
  /** How many calls may have an open span; one more ends the oldest. @default 10_000 */
  maxOpenCalls: z._default(count(1), 10_000),
});
export type InstrumentConfig = z.input<typeof InstrumentConfigSchema>;

/**
 * Makes spans and metrics of what the bus tells. The streams know nothing of it: events come per call and per attempt, so a
 * token costs what it cost before.
 *
 * ```
 * chat gpt-4o-mini     [---------------------------------------]
 *   attempt openai     [--x
 *   attempt openai           [-----x       retry_attempted, retry_exhausted
 *   attempt ollama                 [---------------------------]  fallback_used
 * ```
 *
 * **Spans.** One for each call of a `ResilientProvider` and of `resilience()`, below it one for each attempt, and on it the
 * decisions of the policies as span events, all at the time at which they happened. A call stands in the context in which it
 * was subscribed. One that failed has an `error.type`; one that was cancelled has not failed. Operators without
 * `resilience()` around them have no span: nobody says where such a call begins.
 *
 * **Metrics.** Durations, tokens, time to the first token, retries, rejections, timeouts and more, and gauges for circuits.
 * The state of bulkheads, limiters and throttles is that of the objects in `observe`.
 *
 * **What is not told.** No prompt, no answer, no key, no message of an error. The values of labels are closed vocabularies,
 * or names of yours, `maxNames` of each sort.
 *
 * The names are those of OpenTelemetry's semantic conventions for generative AI where there are any; docs/opentelemetry.md
 * lists all of them.
 *
 * @returns stops everything, and ends the spans that are open.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const places = new Bulkhead({ name: 'openai', maxConcurrent: 20 });
 * const bridge = instrument({ observe: [places] }); // after the SDK has been started
 * // the traces show "chat gpt-4o-mini", the metrics rxjs_resilience.bulkhead.active{source="openai"}
 * bridge.unsubscribe();
 * ```
 */
export function instrument(config: InstrumentConfig = {}): Subscription {
  const options = parseConfig('instrument', InstrumentConfigSchema, config);
  const { events = getEventBus(), observe = [], semanticConventions, maxNames, maxOpenCalls } = options;
  const tracer = (options.tracerProvider ?? trace).getTracer(SCOPE);
  const meter = (options.meterProvider ?? metrics).getMeter(SCOPE);
  const conventions = conventionsOf(semanticConventions);
  const names = new Names(maxNames);
  const metric = instrumentsOf(meter, conventions);
  const calls = new OpenCalls(tracer, conventions, maxOpenCalls, metric.evictedCalls);
  const counts = metricsOf(metric, conventions, names);
  const gauges = gaugesOf({
    meter,
    metric,
    names,
    observed: typeof observe === 'function' ? observe : () => observe,
    openCalls: () => calls.size,
  });
  const listening = events.subscribe((event) => {
    const repeated = calls.hear(event);
    react(counts, event, repeated);
    react(gauges.reactions, event);
  });
  return new Subscription(() => {
    listening.unsubscribe();
    gauges.stop();
    calls.abandon();
  });
}
