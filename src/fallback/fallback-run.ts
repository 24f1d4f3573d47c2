import type { Observable } from 'rxjs';
import { FallbackExhaustedError } from '../core/errors.ts';
import type { EventBus } from '../core/event-bus.ts';
import type { Failure, Recovery } from '../core/recovery.ts';
import { type Alternative, answerOf } from './alternative.ts';

/** What all subscriptions through one operator have in common. */
export interface FallbackPolicy<T> {
  readonly name: string;
  readonly events: EventBus;
  readonly alternatives: readonly Alternative[];
  readonly handle: (error: unknown) => boolean;
  readonly midStream: boolean;
  readonly commitOn: ((value: T) => boolean) | undefined;
}

/** One subscription: what has failed in it, and so which alternative comes next. */
export class FallbackRun<T> implements Recovery<T> {
  readonly #policy: FallbackPolicy<T>;
  #errors: unknown[] | undefined;

  constructor(policy: FallbackPolicy<T>) {
    this.#policy = policy;
  }

  get commitOn(): Recovery<T>['commitOn'] {
    return this.#policy.commitOn;
  }

  get resume(): Recovery<T>['resume'] {
    return this.#policy.midStream ? (failure) => this.recover(failure) : undefined;
  }

  recover({ error, emitted }: Failure): Observable<T> {
    const { name, events, alternatives, handle } = this.#policy;
    if (!handle(error)) throw error;
    this.#errors ??= [];
    const alternative = this.#errors.push(error);
    // Theirs to change: it says nothing about who comes next.
    const errors = [...this.#errors];
    if (alternative > alternatives.length) {
      events.publish('fallback_exhausted', name, { errors });
      throw new FallbackExhaustedError(name, errors);
    }
    events.publish('fallback_used', name, { alternative, error });
    return answerOf(alternatives[alternative - 1], { error, errors, emitted });
  }
}
