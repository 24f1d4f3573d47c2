import type { Counter, Histogram, Meter, ObservableGauge } from '@opentelemetry/api';
import type { Conventions, MetricDefinition } from './conventions.ts';

interface Made {
  readonly counter: Counter;
  readonly histogram: Histogram;
  readonly gauge: ObservableGauge;
}

export type Instruments = {
  readonly [Metric in keyof Conventions['metrics']]: Made[Conventions['metrics'][Metric]['instrument']];
};

/** The instruments of all metrics. */
export function instrumentsOf(meter: Meter, { metrics }: Conventions): Instruments {
  const make = ({ instrument, name, unit, description, buckets }: MetricDefinition): Made[keyof Made] => {
    const options = { unit, description };
    switch (instrument) {
      case 'counter':
        return meter.createCounter(name, options);
      case 'gauge':
        return meter.createObservableGauge(name, options);
      case 'histogram':
        return meter.createHistogram(name, {
          ...options,
          advice: { explicitBucketBoundaries: [...(buckets ?? [])] },
        });
    }
  };
  return Object.fromEntries(
    Object.entries(metrics).map(([metric, definition]) => [metric, make(definition)]),
  ) as unknown as Instruments;
}
