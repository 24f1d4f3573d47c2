/** What the first content of one attempt tells. */
export interface LimitSample {
  /** Milliseconds from the start of the attempt. */
  readonly latency: number;
  /** Attempts that were in flight when it started, itself included. */
  readonly inFlight: number;
}

export interface LimitBounds {
  readonly initialLimit: number;
  readonly minLimit: number;
  readonly maxLimit: number;
}

/** Follows one service. It hears only of attempts that started after its last decision: others speak of another limit. */
export interface LimitControl {
  /** How many may run, within the bounds. Fractions are for the algorithm alone. */
  readonly limit: number;
  /** @returns why there is a new decision, if there is one. */
  sampled(sample: LimitSample): string | undefined;
  /** The other side has refused an attempt because it has too much to do. @returns why there is a new decision, if there is one. */
  dropped(): string | undefined;
}

/** How a limit is found. It keeps no state itself, so one value serves any number of limiters. */
export interface LimitAlgorithm {
  begin(bounds: LimitBounds): LimitControl;
}

export const within = (limit: number, { minLimit, maxLimit }: LimitBounds): number =>
  Math.min(maxLimit, Math.max(minLimit, limit));
