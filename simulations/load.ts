import type { Observable } from 'rxjs';
import type { Duration } from './distribution.ts';
import type { VirtualTime } from './virtual-time.ts';

/** One call from its beginning to its end. */
export interface Call {
  readonly begun: number;
  /** When its first value came, if one did. */
  readonly first: number | undefined;
  readonly ended: number;
  /** Nothing, if it went well. */
  readonly error: unknown;
}

/**
 * So many callers, each of whom calls again as soon as he has his answer; after an error he waits for a second.
 *
 * @returns the calls that have ended, in this order.
 */
export function closedLoop(time: VirtualTime, callers: number, call: () => Observable<unknown>): Call[] {
  const calls: Call[] = [];
  const again = (): void => {
    // Not in the stack of the call that has just ended.
    place(time, call, calls, (error) => time.after(error === undefined ? 0 : 1_000, again));
  };
  for (let caller = 0; caller < callers; caller++) time.after(0, again);
  return calls;
}

/**
 * Callers who do not wait for each other, one after every `gap`.
 *
 * @returns the calls that have ended, in this order.
 */
export function openLoop(time: VirtualTime, gap: Duration, call: () => Observable<unknown>): Call[] {
  const calls: Call[] = [];
  const next = (): void => {
    place(time, call, calls);
    time.after(gap(), next);
  };
  time.after(gap(), next);
  return calls;
}

function place(
  time: VirtualTime,
  call: () => Observable<unknown>,
  calls: Call[],
  then: (error?: unknown) => void = () => {},
): void {
  const begun = time.now();
  let first: number | undefined;
  const end = (error?: unknown): void => {
    calls.push({ begun, first, ended: time.now(), error });
    then(error);
  };
  call().subscribe({
    next: () => {
      first ??= time.now();
    },
    error: end,
    complete: end,
  });
}

/** How many of the calls' moments lie in each span of `width`, as the points of a curve by the second. */
export function perSecond(moments: readonly number[], width: number, end: number): [x: number, y: number][] {
  const counts = Array.from({ length: Math.ceil(end / width) }, () => 0);
  for (const moment of moments) {
    const index = Math.floor(moment / width);
    if (index < counts.length) (counts[index] as number)++;
  }
  return counts.map((count, index) => [(index * width) / 1_000, (count * 1_000) / width]);
}
