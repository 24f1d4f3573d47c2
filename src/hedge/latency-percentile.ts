import * as z from 'zod/mini';
import { count, delay, duration, limit, numberThat, parseConfig } from '../core/config.ts';
import { LatencySketch } from './latency-sketch.ts';

/** The options of a {@link LatencyPercentile}, with their defaults. */
export const LatencyPercentileConfigSchema = z
  .strictObject({
    /** Which part of the times is not longer, in (0, 1): at 0.95 one of twenty attempts is hedged. @default 0.95 */
    percentile: z._default(
      numberThat((part) => part > 0 && part < 1, 'must be greater than 0 and less than 1'),
      0.95,
    ),
    /** How many of the latest times it looks at. @default 1_000 */
    samples: z._default(count(1), 1_000),
    /** How many times it must know before it says anything. @default 20 */
    minimumSamples: z._default(count(1), 20),
    /** What it says until then, in milliseconds; `Infinity` hedges nobody. @default Infinity */
    initialDelay: z._default(delay(), Number.POSITIVE_INFINITY),
    /** It never says less, in milliseconds. @default 1 */
    minDelay: z._default(duration(), 1),
    /** It never says more, in milliseconds. @default Infinity */
    maxDelay: z._default(limit(), Number.POSITIVE_INFINITY),
  })
  .check(
    z.refine(({ minimumSamples, samples }) => minimumSamples <= samples, {
      path: ['minimumSamples'],
      message:
        'must not be more than samples: it would never say anything (defaults: samples 1000, minimumSamples 20)',
    }),
    z.refine(({ minDelay, maxDelay }) => minDelay <= maxDelay, {
      path: ['minDelay'],
      message: 'must not be longer than maxDelay',
    }),
  );
export type LatencyPercentileConfig = z.input<typeof LatencyPercentileConfigSchema>;

/**
 * How long an attempt usually takes to commit: a percentile of the latest times, within 1 % of the exact one, in fixed
 * memory. `hedge()` makes one of its own, unless several share this object because they ask the same service.
 *
 * The 95th percentile hedges one attempt of twenty, and so adds 5 % to the load: Jeffrey Dean and Luiz André Barroso, "The
 * Tail at Scale", Communications of the ACM 56(2), 2013.
 *
 * @example
 * ```ts
 * const usual = new LatencyPercentile({ percentile: 0.75, minimumSamples: 3 });
 * for (const latency of [100, 120, 110, 900]) usual.record(latency);
 * console.log(usual.count, usual.delay);
 * // 4 120
 * ```
 */
export class LatencyPercentile {
  readonly #options: z.output<typeof LatencyPercentileConfigSchema>;
  readonly #sketch: LatencySketch;
  #known = Number.NaN;
  #recordedSince = 0;

  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: LatencyPercentileConfig = {}) {
    this.#options = parseConfig('LatencyPercentile', LatencyPercentileConfigSchema, config);
    this.#sketch = new LatencySketch(this.#options.samples);
  }

  /** How many times it looks at. */
  get count(): number {
    return this.#sketch.count;
  }

  /** Whole milliseconds after which an attempt is late. */
  get delay(): number {
    const { percentile, minimumSamples, initialDelay, minDelay, maxDelay } = this.#options;
    if (this.count < minimumSamples) return initialDelay;
    // A few times more among a thousand change nothing, and a look at all of them has its price.
    if (this.#recordedSince > this.count / 50) {
      this.#known = Math.round(this.#sketch.at(percentile));
      this.#recordedSince = 0;
    }
    return Math.min(Math.max(this.#known, minDelay), maxDelay);
  }

  /**
   * An attempt took so many milliseconds to commit.
   *
   * @param cutShort whether it had not committed yet when it was given up, and so would have taken longer. @default false
   */
  record(latency: number, cutShort = false): void {
    this.#sketch.record(latency, cutShort);
    this.#recordedSince++;
  }
}
