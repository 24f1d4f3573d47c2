import { Observable, Subject } from 'rxjs';
import { timed, timedAfter, type Work } from '../measure.ts';
import { allocating } from '../memory.ts';
import { builtins, composed, sixMaps, sixOperators } from '../pipelines.ts';
import { table } from '../table.ts';

const operators = [
  ['ours', 'six operators', sixOperators<number>()],
  ['composed', 'the same six by resilience()', composed<number>()],
  ['map6', 'six rxjs maps', sixMaps<number>()],
  ['builtins', 'rxjs retry + timeout + catchError + finalize', builtins<number>()],
] as const;

/** A stream that sends so many numbers in one turn. */
function stream(count: number): Observable<number> {
  return new Observable((subscriber) => {
    for (let token = 0; token < count && !subscriber.closed; token++) subscriber.next(token);
    subscriber.complete();
  });
}

/** Counts what arrives, and sees that it is the right thing. */
function drained(source: Observable<number>, count: number): Work {
  return () => {
    let received = 0;
    let strange = 0;
    source.subscribe((token) => {
      if (token !== received++) strange++;
    });
    if (received !== count || strange > 0)
      throw new Error(`${received} of ${count} tokens, ${strange} strange`);
    return count;
  };
}

const settled = Promise.resolve();

/** Streams that are open at once, and get a token in turns; each round of them is a turn of the event loop. */
function roundRobin(
  operator: (source: Observable<number>) => Observable<number>,
  streams: number,
  rounds: number,
) {
  return (): Work => {
    let received = 0;
    const sources = Array.from({ length: streams }, () => new Subject<number>());
    for (const source of sources) source.pipe(operator).subscribe((token) => (received += token));
    return async () => {
      for (let round = 0; round < rounds; round++) {
        for (const source of sources) source.next(1);
        await settled;
      }
      for (const source of sources) source.complete();
      if (received !== rounds * streams) throw new Error(`${received} of ${rounds * streams} tokens`);
      return received;
    };
  };
}

const all = <Made>(make: (name: string, operator: (typeof operators)[number][2]) => Made) =>
  Object.fromEntries(operators.map(([key, name, operator]) => [key, make(name, operator)])) as Record<
    (typeof operators)[number][0],
    Made
  >;

export const tables = [
  table({
    title: 'A token of a synchronous stream',
    about:
      'One stream sends 1 000 000 numbers in one turn. The six operators are timeout (first, each and total), bulkhead, rate limit, circuit breaker, retry and fallback.',
    unit: 'ns',
    contestants(short) {
      const count = short ? 1_000 : 1_000_000;
      return all((name, operator) => timed(name, drained(stream(count).pipe(operator), count)));
    },
    comparisons: {
      'perToken.vsMap6': { of: 'ours', to: 'map6', atMost: 0.85 },
      'perToken.vsBuiltins': { of: 'ours', to: 'builtins' },
      'perToken.composedVsMap6': { of: 'composed', to: 'map6', atMost: 0.85 },
    },
  }),
  table({
    title: 'A token of one of many streams',
    about:
      '1 000 streams are open and get a token in turns, 1 000 rounds of them, each round a turn of the event loop.',
    unit: 'ns',
    contestants: (short) =>
      all((name, operator) =>
        timedAfter(name, short ? roundRobin(operator, 10, 10) : roundRobin(operator, 1_000, 1_000)),
      ),
    comparisons: {
      'manyStreams.vsMap6': { of: 'ours', to: 'map6', atMost: 0.75 },
      'manyStreams.composedVsMap6': { of: 'composed', to: 'map6', atMost: 0.75 },
    },
  }),
  table({
    title: 'Memory allocated per token',
    about:
      'Bytes, for 100 000 tokens of such a synchronous stream; what the garbage collector has taken back meanwhile is counted.',
    unit: 'bytes',
    contestants(short) {
      const count = short ? 1_000 : 100_000;
      return all((name, operator) => allocating(name, drained(stream(count).pipe(operator), count)));
    },
    comparisons: {
      'allocation.perToken': { of: 'ours', atMost: 24 },
      'allocation.composedPerToken': { of: 'composed', atMost: 24 },
    },
  }),
];
