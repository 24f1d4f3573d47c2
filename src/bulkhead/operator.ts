import { admission } from '../core/admission.ts';
import { parseConfig } from '../core/config.ts';
import { type DemandOptions, DemandSchema, demandOf } from '../core/demand.ts';
import { labelled } from '../core/label.ts';
import type { TransparentOperator } from '../core/operator-types.ts';
import { Places } from '../core/places.ts';
import { Bulkhead, type BulkheadConfig } from './bulkhead.ts';

/**
 * Bounds how many subscriptions are open at the same time.
 *
 * *bulkhead: A second stream waits until the first has ended*
 * ```text
 * bulkhead({ maxConcurrent: 1 })
 *
 * attempt 1   --a--b--|
 * attempt 2           ---c|
 * consumer 1  --a--b--|
 * consumer 2   ----------c|
 * in use      1-----------0
 * waiting     01------0----
 * ```
 *
 * A subscription over the bound waits in line (`maxQueue`, `queueTimeout`) before its source is subscribed. The place is
 * given back before downstream hears of complete or error, and when downstream unsubscribes; unsubscribing in the queue
 * leaves the queue. An error passes through unchanged.
 *
 * Who has a higher `priority` stands before the others, and takes the place of the last of the lowest when the line is
 * full. There is no ageing: who is less urgent waits until `queueTimeout` at most. Who would have to wait longer than its
 * `patience`, judged by how long the last streams were open, is refused at once.
 *
 * @param bulkhead the shared object, a `Bulkhead` or an `AdaptiveConcurrency`, or a config from which one is made for this
 * operator.
 * @param options what each subscription asks.
 * @returns an operator; every subscription through it takes one lease for as long as it is open.
 * @throws {BulkheadRejectedError} (as the stream's error) when the queue is full, the wait is or would be too long, or the
 * place in line was needed for a higher `priority`: see its `reason`.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * const twoAtATime = bulkhead({ name: 'images', maxConcurrent: 2 });
 * from(urls).pipe(mergeMap((url) => load(url).pipe(twoAtATime)));
 * ```
 * @see {@link Bulkhead}
 */
export function bulkhead(
  bulkhead: Places | BulkheadConfig = {},
  options: DemandOptions = {},
): TransparentOperator {
  const policy = bulkhead instanceof Places ? bulkhead : new Bulkhead(bulkhead);
  const demand = demandOf('bulkhead', parseConfig('bulkhead', DemandSchema, options));
  return labelled('bulkhead', policy.name, admission(policy, demand));
}
