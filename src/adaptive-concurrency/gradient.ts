import * as z from 'zod/mini';
import { count, numberThat, parseConfig, rate } from '../core/config.ts';
import { backoffRatio } from './aimd.ts';
import {
  type LimitAlgorithm,
  type LimitBounds,
  type LimitControl,
  type LimitSample,
  within,
} from './algorithm.ts';
import { SampleWindow } from './sample-window.ts';

export const GradientConfigSchema = z.strictObject({
  /** How many times as slow as at rest the service may be before the limit falls, at least 1. @default 1.2 */
  tolerance: z._default(
    numberThat((value) => Number.isFinite(value) && value >= 1, 'must be finite, and at least 1'),
    1.2,
  ),
  /** First contents whose median is one look at the service; at rest it takes three times as many. @default 10 */
  window: z._default(count(1), 10),
  /** How much of a new estimate becomes the limit, in (0, 1]. @default 0.5 */
  smoothing: z._default(rate(), 0.5),
  /** What is left of the limit after a drop, in [0.5, 1). @default 0.9 */
  backoffRatio: backoffRatio(),
});
export type GradientConfig = z.input<typeof GradientConfigSchema>;

/**
 * The slower the first content comes than it would at rest, the smaller the limit. So it stops where requests begin to
 * queue, long before the service refuses any.
 *
 * After each window the new estimate is `limit × gradient + √limit`, where the gradient is
 * `tolerance × latency at rest / latency`, between 0.5 and 1; the root is the room to grow. How slow the service is at
 * rest is what attempts see while no more than half of the limit is in use. If that does not happen by itself, the limit
 * dips to a half until it is known: at the start, after thirty round trips of the limit, and when the limit or the latency
 * has halved since. Should the service be twice as slow as was thought even then, the half becomes the limit, and is halved
 * again: by that a queue goes away, while a service that has become slower stays as it is, and the limit grows back.
 *
 * Sources: gradient, root and back-off are those of `GradientLimit` of Netflix' concurrency-limits; the dips and the
 * medians are those of Envoy's gradient controller (adaptive concurrency filter). Envoy dips to a small fixed number, and
 * lets the gradient rise to 2; here half of the limit is enough to see a queue go and leaves long streams their places,
 * and noise in the latency does not drive the limit up. Where that makes no difference it reproduces the examples of
 * Envoy's tests.
 *
 * @throws {ConfigurationError} naming the option and the value.
 */
export function gradient(config: GradientConfig = {}): LimitAlgorithm {
  const options = parseConfig('gradient', GradientConfigSchema, config);
  return { begin: (bounds) => new GradientControl(options, bounds) };
}

/** Round trips after which the latency at rest is looked at again. That of Netflix' `VegasLimit`. */
const ROUND_TRIPS = 30;
/** A median that differs by so much differs by no chance. */
const FAR = 2;

class GradientControl implements LimitControl {
  readonly #options: z.output<typeof GradientConfigSchema>;
  readonly #bounds: LimitBounds;
  readonly #underLoad: SampleWindow;
  readonly #atRest: SampleWindow;
  #estimate: number;
  #dipping = true;
  /** The latency at rest, unknown at first. */
  #baseline = Number.NaN;
  /** The estimate when the latency at rest was last seen, and how many samples there have been since. */
  #seenAt: number;
  #samplesSince = 0;

  constructor(options: z.output<typeof GradientConfigSchema>, bounds: LimitBounds) {
    this.#options = options;
    this.#bounds = bounds;
    this.#underLoad = new SampleWindow(options.window);
    this.#atRest = new SampleWindow(3 * options.window);
    this.#estimate = bounds.initialLimit;
    this.#seenAt = bounds.initialLimit;
  }

  get limit(): number {
    return this.#dipping ? this.#half : this.#estimate;
  }

  sampled({ latency, inFlight }: LimitSample): string | undefined {
    const atRest = inFlight <= this.#half;
    // Those that were let in before the dip are still leaving.
    if (this.#dipping && !atRest) return undefined;
    const median = (atRest ? this.#atRest : this.#underLoad).add(latency);
    if (!atRest) this.#samplesSince++;
    if (median === undefined) return undefined;
    return atRest ? this.#rested(median) : this.#loaded(median);
  }

  dropped(): string {
    this.#estimate = within(this.#estimate * this.#options.backoffRatio, this.#bounds);
    this.#underLoad.clear();
    return 'drop';
  }

  #rested(latency: number): string | undefined {
    const before = this.#baseline;
    const slower = latency > before * FAR;
    const agrees = !slower && latency * FAR >= before;
    // Two looks that agree are better than one.
    this.#baseline = agrees ? (before + latency) / 2 : latency;
    this.#seenAt = this.#estimate;
    this.#samplesSince = 0;
    // A limit that cannot be halved is never under load.
    const lowest = this.#half === Math.floor(this.#estimate);
    if (!this.#dipping) return lowest ? this.#follow(1) : undefined;
    this.#underLoad.clear();
    if (slower && !lowest) {
      this.#estimate = this.#half;
      return 'latency';
    }
    this.#dipping = false;
    return 'measured';
  }

  #loaded(latency: number): string {
    const tolerated = this.#options.tolerance * this.#baseline;
    const reason = this.#follow(latency > tolerated ? Math.max(0.5, tolerated / latency) : 1);
    const isDoubtful =
      this.#samplesSince >= ROUND_TRIPS * this.#estimate ||
      this.#estimate * FAR < this.#seenAt ||
      latency * FAR < this.#baseline;
    if (!isDoubtful) return reason;
    this.#dipping = true;
    this.#atRest.clear();
    return 'measuring';
  }

  #follow(gradient: number): string {
    const before = this.#estimate;
    const aim = before * gradient + Math.sqrt(before);
    this.#estimate = within(before + (aim - before) * this.#options.smoothing, this.#bounds);
    return aim < before ? 'latency' : 'growth';
  }

  get #half(): number {
    return Math.max(this.#bounds.minLimit, Math.floor(this.#estimate / 2));
  }
}
