import type * as z from 'zod/mini';
import { type Clock, clockOf } from '../core/clock.ts';
import { ChaosError } from '../core/errors.ts';
import { getEventBus } from '../core/event-bus.ts';
import { defaultRandom } from '../core/random.ts';
import { SteadyClock } from '../core/steady-clock.ts';
import type { ChaosConfigSchema, ChaosDelay } from './chaos-config.ts';

type Options = z.output<typeof ChaosConfigSchema>;

export type ChaosFault = 'latency' | 'gap' | 'corrupt' | 'cut' | 'truncate' | 'stall';

/** How a stream that is hit ends, and after how many values. */
export interface ChaosEnd {
  readonly fault: 'cut' | 'truncate' | 'stall';
  readonly after: number;
}

/** Who is hit, and by what. All subscriptions through one operator share it; it counts them, and knows nothing of streams. */
export class ChaosPlan {
  readonly name: string;
  readonly clock: Clock;
  readonly end: ChaosEnd | undefined;
  readonly corrupt: Options['corrupt'];
  readonly #options: Options;
  readonly #random: () => number;
  readonly #time: SteadyClock;
  readonly #made: number;
  #attempts = 0;

  constructor(options: Options) {
    const { cut = options.error === undefined ? undefined : 0, truncate, stall } = options;
    this.name = options.name ?? 'chaos';
    this.clock = clockOf(options.scheduler);
    this.corrupt = options.corrupt;
    if (cut !== undefined) this.end = { fault: 'cut', after: cut };
    if (truncate !== undefined) this.end = { fault: 'truncate', after: truncate };
    if (stall !== undefined) this.end = { fault: 'stall', after: stall };
    this.#options = options;
    this.#random = options.random ?? defaultRandom;
    this.#time = new SteadyClock(this.clock);
    this.#made = this.#time.now();
  }

  /** Whether the subscription that begins now is hit. To be asked once. */
  hits(): boolean {
    const { enabled, rate, attempts, from, until } = this.#options;
    const attempt = ++this.#attempts;
    if (!(typeof enabled === 'function' ? enabled() : enabled)) return false;
    const age = this.#time.now() - this.#made;
    if (age < from || age >= until) return false;
    if (!(typeof attempts === 'function' ? attempts(attempt) : (attempts?.includes(attempt) ?? true)))
      return false;
    return rate === 1 || this.#random() < rate;
  }

  get latency(): number {
    return this.#drawn(this.#options.latency);
  }

  get gap(): number {
    return this.#drawn(this.#options.gap);
  }

  /** What a cut ends with. */
  error(): unknown {
    const { error = new ChaosError(this.name) } = this.#options;
    return typeof error === 'function' ? (error as () => unknown)() : error;
  }

  announce(fault: ChaosFault, delay?: number): void {
    const { events = getEventBus() } = this.#options;
    events.publish('chaos_injected', this.name, { fault, delay });
  }

  #drawn(delay: ChaosDelay = 0): number {
    if (typeof delay === 'number') return delay;
    const [min, max] = delay;
    return min + this.#random() * (max - min);
  }
}
