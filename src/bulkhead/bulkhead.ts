import * as z from 'zod/mini';
import { commonOptions, count, limit, parseConfig } from '../core/config.ts';
import { getEventBus } from '../core/event-bus.ts';
import { labelledField } from '../core/label.ts';
import { Places } from '../core/places.ts';
import { steadyClockOf } from '../core/steady-clock.ts';

/** The options of a {@link Bulkhead}, with their defaults. */
export const BulkheadConfigSchema = z.strictObject({
  ...commonOptions,
  /** How many streams may be open at once. @default 10 */
  maxConcurrent: z._default(count(1), 10),
  /** How many may wait for a place. 0 refuses at once. @default 50 */
  maxQueue: z._default(count(0), 50),
  /** How long one may wait, in milliseconds; `Infinity` means for ever. @default 5_000 */
  queueTimeout: z._default(limit(), 5_000),
});
export type BulkheadConfig = z.input<typeof BulkheadConfigSchema>;

/**
 * At most `maxConcurrent` leases at a time; who comes later waits in line: the highest priority first, and among equals
 * first come, first served.
 *
 * A lease lasts as long as its stream, not only until it has opened. A newcomer never overtakes those of its priority.
 */
export class Bulkhead extends Places {
  /** @throws {ConfigurationError} naming the option and the value. */
  constructor(config: BulkheadConfig = {}) {
    const options = parseConfig('Bulkhead', BulkheadConfigSchema, config);
    super({
      name: options.name ?? 'bulkhead',
      places: options.maxConcurrent,
      maxQueue: options.maxQueue,
      queueTimeout: options.queueTimeout,
      clock: steadyClockOf(options.scheduler),
      events: options.events ?? getEventBus(),
    });
    labelledField('Bulkhead.state$', this.name, this.state$);
  }

  /** Leases that may be out at a time. */
  get maxConcurrent(): number {
    return this.places;
  }
}
