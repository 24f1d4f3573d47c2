import { admission } from '../core/admission.ts';
import { parseConfig } from '../core/config.ts';
import { type DemandOptions, DemandSchema, demandOf } from '../core/demand.ts';
import { labelled } from '../core/label.ts';
import type { TransparentOperator } from '../core/operator-types.ts';
import { AdaptiveConcurrency } from './adaptive-concurrency.ts';
import type { AdaptiveConcurrencyConfig } from './config.ts';

/**
 * Bounds how many subscriptions are open at the same time, by a limit that follows the source: it rises while the first
 * value comes as fast as ever, and falls when it comes late or is refused.
 *
 * *adaptiveConcurrency: A refusal lowers the limit*
 * ```text
 * adaptiveConcurrency({ algorithm: aimd({ backoffRatio: 0.5 }),
 *     initialLimit: 3 })
 *
 * attempt 1   ------a|
 * attempt 2   ------b|
 * attempt 3   -#           status 429
 * attempt 4          -d|
 * consumer 1  ------a|
 * consumer 2  ------b|
 * consumer 3  -#           status 429
 * consumer 4      ----d|
 * limit       31------2-
 * in use      32-----1-0
 * ```
 *
 * A subscription over the limit waits in line (`maxQueue`, `queueTimeout`) before its source is subscribed. The place is
 * given back before downstream hears of complete or error, and when downstream unsubscribes, which says nothing about the
 * limit; unsubscribing in the queue leaves the queue. An error passes through unchanged.
 *
 * It takes the place of a bulkhead: `resilience({ bulkhead: new AdaptiveConcurrency() })`, and so does a
 * `ResilientProvider`, where the first content of an answer is what counts.
 *
 * @param limiter the shared object, or a config from which one is made for this operator.
 * @param options what a subscription asks for where it has to wait.
 * @returns an operator; every subscription through it takes one lease for as long as it is open.
 * @throws {BulkheadRejectedError} (as the stream's error) when the queue is full or the wait was too long.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const asMuchAsItBears = adaptiveConcurrency({ name: 'model', maxLimit: 100 });
 * from(prompts).pipe(mergeMap((prompt) => ask(prompt).pipe(asMuchAsItBears)));
 * ```
 * @see {@link AdaptiveConcurrency}
 */
export function adaptiveConcurrency(
  limiter: AdaptiveConcurrency | AdaptiveConcurrencyConfig = {},
  options: DemandOptions = {},
): TransparentOperator {
  const policy = limiter instanceof AdaptiveConcurrency ? limiter : new AdaptiveConcurrency(limiter);
  const demand = demandOf('adaptiveConcurrency', parseConfig('adaptiveConcurrency', DemandSchema, options));
  return labelled('adaptiveConcurrency', policy.name, admission(policy, demand));
}
