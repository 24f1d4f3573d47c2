import { isLocalRejection, isRetryExhaustedError } from '../core/errors.ts';
import { type Demand, Lease, type Outcome } from '../core/lease.ts';
import type { Load } from '../core/waiting-line.ts';
import type { RateLimitReport } from './report.ts';
import { atLeast, corrected, knownOf, loadOf, NO_TOKENS, NOTHING, type TokenUsage } from './tokens.ts';
import type { Departure } from './traffic.ts';

/** What a subscription asks of a limiter, and how its values tell what it uses. */
export interface TokenDemand extends Demand {
  /** What it is expected to use; a number is the total. @default 0 */
  readonly tokens?: TokenUsage | number | undefined;
  /** Tokens that a value is made of, of those that are written in answer. */
  readonly tokensOf?: ((value: never) => number) | undefined;
  /** What the service has counted so far, if a value says so. */
  readonly usageOf?: ((value: never) => TokenUsage | number | null | undefined) | undefined;
  /** What the service says about its limits, if a value says so. */
  readonly reportsOf?: ((value: never) => readonly RateLimitReport[] | undefined) | undefined;
}

/** The limiter, as its leases see it. */
export interface Desk {
  /** The request is about to be sent. */
  sent(load: Load): Departure;
  /** What the answer to it says about the limits. */
  heard(reports: readonly RateLimitReport[], departure: Departure): void;
  /** The request will not be sent. */
  withdrawn(load: Load): void;
  /** Takes the difference, or gives it back. */
  book(from: Load, to: Load): void;
  failed(error: unknown): void;
}

/** What a limiter has granted to one request: a permit, and tokens on account. */
export class RateLimitLease extends Lease {
  declare readonly value?: (value: unknown) => void;
  readonly #desk: Desk;
  readonly #expected: TokenUsage;
  readonly #reserved: Load;
  #charged: Load;
  /** What the service has counted. */
  #used = NO_TOKENS;
  /** Written tokens that were counted here. */
  #counted = 0;
  #departure: Departure | undefined;
  #answered = false;

  /** @internal */
  constructor(desk: Desk, expected: TokenUsage, reserved: Load, demand: TokenDemand) {
    super();
    this.#desk = desk;
    this.#expected = expected;
    this.#reserved = reserved;
    this.#charged = reserved;
    const { tokensOf, usageOf, reportsOf } = demand;
    if ((tokensOf ?? usageOf ?? reportsOf) === undefined) return;
    this.value = (value) => {
      this.report(reportsOf?.(value as never) ?? []);
      this.hear(usageOf?.(value as never));
      this.count(tokensOf?.(value as never) ?? 0);
    };
  }

  override start(): undefined {
    this.#departure = this.#desk.sent(this.#reserved);
  }

  override firstValue(): void {
    this.#answered = true;
  }

  /**
   * What the request has used in all, as the service has counted it: what was reserved beyond it goes back, what it lacks is
   * taken. What is not known stays reserved. Does nothing once the lease is settled.
   *
   * @param usage a number is the total; `undefined` says nothing.
   */
  charge(usage: TokenUsage | number | null | undefined): void {
    if (this.settled || usage === undefined || usage === null) return;
    this.#used = corrected(this.#used, knownOf(usage));
    this.book(loadOf(corrected(this.#expected, this.#used)));
  }

  /** What the answer said about the limits of the service: see `rateLimitReports()`. */
  report(reports: readonly RateLimitReport[]): void {
    if (reports.length > 0 && this.#departure !== undefined) this.#desk.heard(reports, this.#departure);
  }

  protected override onSettled(outcome: Outcome, error?: unknown): void {
    // First of all: what goes back must not let anybody through whom a refusal is about to stop.
    if (outcome === 'failure') this.#desk.failed(error);
    const sent = this.#departure !== undefined;
    if (!sent) this.#desk.withdrawn(this.#reserved);
    if (!sent || (outcome === 'failure' && !this.#answered && nothingWasSent(error))) this.book(NOTHING);
    // Most streams of a limiter of requests have nothing to settle.
    else if (this.#used === NO_TOKENS && (this.#counted === 0 || outcome !== 'success')) return;
    else this.book(loadOf(outcome === 'success' ? this.whole() : this.part()));
  }

  /** While the answer grows, what is charged only rises: the last word about it has not been said. */
  private hear(usage: TokenUsage | number | null | undefined): void {
    if (usage === undefined || usage === null) return;
    this.#used = corrected(this.#used, knownOf(usage));
    this.raise(corrected(this.#expected, this.#used));
  }

  private count(tokens: number): void {
    if (!(tokens > 0)) return;
    this.#counted += tokens;
    const { outputTokens, totalTokens } = this.#expected;
    if (this.#counted > (outputTokens ?? totalTokens ?? 0)) this.raise(this.part());
  }

  /** What a whole answer has used: where the service did not count, what was counted here. */
  private whole(): TokenUsage {
    const outputTokens = this.#counted === 0 ? undefined : Math.ceil(this.#counted);
    return corrected(corrected(this.#expected, { outputTokens }), this.#used);
  }

  /** What an answer has used at least that is not whole: how much of the rest nobody knows. */
  private part(): TokenUsage {
    const known = corrected(this.#expected, this.#used);
    const outputTokens = Math.max(Math.ceil(this.#counted), known.outputTokens ?? 0);
    return this.#counted === 0 ? known : corrected(known, { outputTokens });
  }

  private raise(usage: TokenUsage): void {
    this.book(atLeast(this.#charged, loadOf(usage)));
  }

  private book(load: Load): void {
    const charged = this.#charged;
    if (load.every((amount, dimension) => amount === charged[dimension])) return;
    this.#charged = load;
    this.#desk.book(charged, load);
  }
}

/** A retry below may have sent something before the last of its attempts was refused. */
const nothingWasSent = (error: unknown): boolean => isLocalRejection(error) && !isRetryExhaustedError(error);
