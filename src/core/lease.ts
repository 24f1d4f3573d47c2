/// <reference lib="esnext.disposable" preserve="true" />
import type * as z from 'zod/mini';
import { listen, unlisten } from './abort-listeners.ts';
import { AcquireSchema, acquireOptions } from './demand.ts';
import { enterCall, within } from './scope.ts';

export type Outcome = 'success' | 'failure' | 'neutral';

/**
 * The right to run one attempt: taken at subscribe, settled exactly once. What came after the first settlement is
 * ignored, so every exit may settle without asking who was there before.
 *
 * In code without a stream, `using` gives the lease back on every path that does not settle it:
 *
 * ```ts
 * using lease = breaker.acquire();
 * const reply = await send(message);
 * lease.success();
 * ```
 */
export abstract class Lease implements Disposable {
  #settled = false;

  /** Whether the attempt is over. */
  protected get settled(): boolean {
    return this.#settled;
  }

  /**
   * The waits are over, the attempt begins.
   *
   * @returns why it must not, when the policy has changed its mind since it gave the lease.
   */
  start(): Error | undefined {
    return undefined;
  }

  /** The attempt has delivered its first value. */
  firstValue(): void {}

  /** Hears every value before downstream does. Only a lease that has it costs anything; what it throws ends the attempt. */
  declare readonly value?: (value: unknown) => void;

  /** The attempt did what it should. */
  success(): void {
    this.settle('success');
  }

  /** The attempt failed; the policy decides what that means to it. */
  failure(error: unknown): void {
    this.settle('failure', error);
  }

  /** The attempt says nothing about the other side: it was cancelled, or never made. */
  neutral(): void {
    this.settle('neutral');
  }

  [Symbol.dispose](): void {
    this.neutral();
  }

  /** Runs once, for the first settlement. */
  protected abstract onSettled(outcome: Outcome, error?: unknown): void;

  private settle(outcome: Outcome, error?: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.onSettled(outcome, error);
  }
}

/** Who asks for a lease and may have to wait for the answer. */
export interface Applicant {
  granted(lease: Lease): void;
  /** @param why is called within the applicant's own scope, so what the policy announces there belongs to its call. */
  refused(why: () => Error): void;
}

/** A place in a waiting line, left by whoever no longer wants the lease. */
export interface Place {
  leave(): void;
}

/** What an attempt asks for beside a lease. A policy looks at what it knows of. */
export interface Demand {
  /** Who goes first where several wait: the higher number. @default 0 */
  readonly priority?: number | undefined;
  /** Milliseconds within which the lease is of use to it. @default Infinity */
  readonly patience?: number | undefined;
}

/** A policy that decides whether an attempt may run. */
export interface AdmissionPolicy {
  /**
   * The lease, at once where there is one; a place, if the applicant has to wait, and then it hears once from
   * `granted` or `refused`; or the error that refuses.
   */
  admit(applicant: Applicant, demand?: Demand): Lease | Place | Error;
}

/** What code without a stream says when it asks for a lease. */
export interface AcquireOptions extends Demand {
  /** An abort leaves the waiting line. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A started lease as a promise, for code without a stream.
 *
 * @param options a signal, or all that is asked.
 * @param schema what may be asked of this policy.
 */
export function acquire(
  policy: AdmissionPolicy,
  options: AbortSignal | AcquireOptions = {},
  schema: z.ZodMiniType<AcquireOptions, AcquireOptions> = AcquireSchema,
): Promise<Lease> {
  return new Promise((resolve, reject) => {
    const { signal, ...demand } = acquireOptions(options, schema);
    signal?.throwIfAborted();
    const scope = enterCall();
    let place: Place | undefined;
    const waiting = {
      aborted(reason: unknown): void {
        within(scope, () => place?.leave());
        reject(reason);
      },
    };
    const stopListening = (): void => {
      if (signal) unlisten(signal, waiting);
    };
    const granted = (lease: Lease): void => {
      stopListening();
      // Whoever hears of a policy's decision may abort there and then, and nobody would settle the lease.
      const refusal: unknown = signal?.aborted ? signal.reason : within(scope, () => lease.start());
      if (refusal === undefined) return resolve(lease);
      within(scope, () => lease.neutral());
      reject(refusal);
    };
    const refused = (why: () => Error): void => {
      stopListening();
      reject(within(scope, why));
    };
    // First: the place may be granted, or the wait aborted, while the policy still announces that somebody waits.
    if (signal) listen(signal, waiting);
    const answer = within(scope, () => policy.admit({ granted, refused }, demand));
    if (answer instanceof Lease) return granted(answer);
    if (answer instanceof Error) return refused(() => answer);
    place = answer;
    if (signal?.aborted) waiting.aborted(signal.reason);
  });
}
