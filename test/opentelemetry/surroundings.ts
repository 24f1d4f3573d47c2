import { SpanStatusCode } from '@opentelemetry/api';
import {
  type DataPoint,
  type Histogram,
  type IMetricReader,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { EventBus } from '../../src/core/event-bus.ts';
import { type InstrumentConfig, instrument } from '../../src/opentelemetry/index.ts';

class Collector extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** A span as a reader of traces sees it; times are milliseconds. */
export interface Seen {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
  readonly parent: string | undefined;
  readonly events: readonly (readonly [
    at: number,
    name: string,
    attributes: Readonly<Record<string, unknown>>,
  ])[];
}

const millis = ([seconds, nanos]: ReadableSpan['startTime']): number => seconds * 1_000 + nanos / 1e6;

/** A bus with the real SDKs behind it. */
export function laboratory(config: InstrumentConfig = {}, ...readers: IMetricReader[]) {
  const exporter = new InMemorySpanExporter();
  const processor = new SimpleSpanProcessor(exporter);
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [processor] });
  const reader = new Collector();
  const meterProvider = new MeterProvider({ readers: [reader, ...readers] });
  const { events = new EventBus() } = config;
  const bridge = instrument({ tracerProvider, meterProvider, ...config, events });

  return {
    events,
    bridge,
    tracerProvider,
    meterProvider,
    /** Every span that has ended, in the order of their ends. */
    spans(): Seen[] {
      const spans = exporter.getFinishedSpans();
      const nameOf = (id: string | undefined) => spans.find((span) => span.spanContext().spanId === id)?.name;
      return spans.map((span) => ({
        name: span.name,
        from: millis(span.startTime),
        to: millis(span.endTime),
        attributes: span.attributes,
        failed: span.status.code === SpanStatusCode.ERROR,
        parent: nameOf(span.parentSpanContext?.spanId),
        events: span.events.map(
          ({ time, name, attributes }) => [millis(time), name, attributes ?? {}] as const,
        ),
      }));
    },
    finished: () => exporter.getFinishedSpans(),
    /** What has been measured, as `name{label="value"} value`; of histograms the sum and the count. */
    async measured(): Promise<string[]> {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
        metrics.flatMap(({ descriptor, dataPoints }) =>
          (dataPoints as DataPoint<number | Histogram>[]).map(({ attributes, value }) => {
            const labels = Object.entries(attributes).map(([label, it]) => `${label}="${String(it)}"`);
            const shown = typeof value === 'number' ? value : `${value.sum} in ${value.count}`;
            return `${descriptor.name}{${labels.join(',')}} ${shown}`;
          }),
        ),
      );
    },
  };
}
