import { from, type Observable, type OperatorFunction } from 'rxjs';
import { clockOf } from '../core/clock.ts';
import { parseConfig } from '../core/config.ts';
import { type Limits, withDeadlines } from '../core/deadlines.ts';
import { StreamTimeoutError, type StreamTimeoutKind, type TimeoutKind } from '../core/errors.ts';
import { getEventBus } from '../core/event-bus.ts';
import { labelled } from '../core/label.ts';
import type { AddingOperator } from '../core/operator-types.ts';
import { type TimeoutConfig, TimeoutConfigSchema } from './timeout-config.ts';

/**
 * Bounds how long a stream may take: to its first value, between two values, and as a whole.
 *
 * *timeout: With first, each begins with the first value*
 * ```text
 * timeout({ first: 9, each: 3 })
 *
 * source      ------a--b--!
 * result      ------a--b--#   StreamTimeoutError
 * ```
 *
 * All times are milliseconds. The clocks start at the subscription and never look at the wall clock; what arrives at the
 * very moment of a limit is in time, and the time that the consumer takes is not the source's silence. Values, errors and
 * completion pass through unchanged. When a clock runs out the source is unsubscribed, and only then downstream hears of
 * it, by an error that can be retried and falls back like any other. Unsubscribing stops the clocks and is never a
 * timeout. One timer serves all three, however many values there are, and a synchronous source needs none.
 *
 * @param limits the `total`, or a config. Limits have no default, and one of them must be given; `Infinity` means none.
 * @returns an operator; every subscription through it has clocks of its own.
 * @throws {StreamTimeoutError} (as the stream's error) with `kind` and `after`, unless `with` answers; what `with` throws
 * is the stream's error, and so is what `commitOn` throws.
 * @throws {ConfigurationError} at once, naming the option and the value.
 *
 * @example
 * ```ts
 * NEVER.pipe(timeout({ first: 10, name: 'answer' })).subscribe({ error: ({ message }) => console.log(message) });
 * // Timeout "answer": the stream gave no first value within 10 ms (first).
 *
 * NEVER.pipe(timeout({ first: 10, with: ({ kind }) => of(`late: ${kind}`) })).subscribe(console.log);
 * // late: first
 * ```
 */
export function timeout<R = never>(
  limits: number | (TimeoutConfig<never, R> & { commitOn?: undefined }),
): AddingOperator<R>;
export function timeout<T, R = never>(limits: number | TimeoutConfig<T, R>): OperatorFunction<T, T | R>;
export function timeout<T, R>(limits: number | TimeoutConfig<T, R>): OperatorFunction<T, T | R> {
  const config: TimeoutConfig<T, R> = typeof limits === 'object' ? limits : { total: limits };
  const { name = 'timeout', scheduler, ...options } = parseConfig('timeout', TimeoutConfigSchema, config);
  const { first = Infinity, each = Infinity, total = Infinity, events = getEventBus() } = options;
  // The schema knows that these are functions, and only the caller knows of which values.
  const { commitOn, with: answer } = config;
  const timed: Limits<T> = { first, each, total, commitOn };
  const clock = clockOf(scheduler);

  function expired(kind: StreamTimeoutKind, after: number): Observable<R> {
    events.publish('timed_out', name, { kind, after });
    if (answer === undefined) throw new StreamTimeoutError(name, kind, after);
    // The other kinds have no limit here.
    return from(answer({ kind: kind as TimeoutKind, after }));
  }

  return labelled('timeout', name, (source) => withDeadlines(source, clock, timed, expired));
}
