import { failureOf, retryAfterOf } from '../core/errors.ts';
import type { Feedback } from './rate-limiter-config.ts';
import type { RateLimitReport } from './report.ts';
import { DIMENSIONS, type RateLimitDimension } from './tokens.ts';
import type { Departure, Traffic } from './traffic.ts';

/** What a service can bring about by what it says. */
export interface Regulated {
  pause(duration: number, reason: string): void;
  /** There is no more than so much. */
  lower(dimension: RateLimitDimension, level: number): void;
  /** @param perMinute the pace that the service allows. */
  follow(dimension: RateLimitDimension, perMinute: number, bounds: NonNullable<Feedback['adjust']>): void;
}

/** Turns what a service says, in its refusals and beside its answers, into what is to be done about it. */
export class ServerFeedback {
  readonly #options: Feedback;
  readonly #traffic: Traffic;
  readonly #limiter: Regulated;
  readonly #random: () => number;

  constructor(options: Feedback, traffic: Traffic, limiter: Regulated, random: () => number) {
    this.#options = options;
    this.#traffic = traffic;
    this.#limiter = limiter;
    this.#random = random;
  }

  /** Who was told to wait stops all. By chance they wait a little longer: others were told the same. */
  failed(error: unknown): void {
    const { pause, maxPause } = this.#options;
    const reason = refusalIn(error);
    if (!pause || reason === undefined) return;
    const told = retryAfterOf(error);
    if (told) this.#limiter.pause(Math.min(told * (1 + this.#random() / 10), maxPause), reason);
    // It does not say for how long, but that there is nothing left.
    else if (reason === 'rate-limit') for (const dimension of DIMENSIONS) this.#limiter.lower(dimension, 0);
  }

  heard(reports: readonly RateLimitReport[], departure: Departure): void {
    if (!this.#traffic.isNews(departure)) return;
    const { adjust } = this.#options;
    for (const { dimension, limit, remaining } of reports) {
      if (remaining !== undefined && this.#options.remaining)
        this.#limiter.lower(dimension, remaining - this.#traffic.unseenBy(departure, dimension));
      if (limit !== undefined && adjust !== undefined) this.#limiter.follow(dimension, limit, adjust);
    }
  }
}

/** Why a service has refused, if it was because it is asked too much. */
function refusalIn(error: unknown): 'rate-limit' | 'overloaded' | undefined {
  const { kind, status } = Object(failureOf(error)) as { kind?: unknown; status?: unknown };
  if (kind === 'rate-limit' || kind === 'overloaded') return kind;
  if (kind !== undefined) return undefined;
  if (status === 429) return 'rate-limit';
  return status === 503 || status === 529 ? 'overloaded' : undefined;
}
