import * as cockatiel from 'cockatiel';
import * as Effect from 'effect/Effect';
import * as Option from 'effect/Option';
import * as Semaphore from 'effect/Semaphore';
import OpossumBreaker from 'opossum';
import { defer, NEVER, throwError } from 'rxjs';
import {
  Bulkhead,
  bulkhead,
  CircuitBreaker,
  circuitBreaker,
  isBulkheadRejectedError,
  isCircuitOpenError,
  protect,
} from '../../src/index.ts';
import { type Contestant, timed } from '../measure.ts';
import { table } from '../table.ts';

const broken = new Error('503');
const fail = (): Promise<string> => Promise.reject(broken);
const never = (): Promise<string> => new Promise(() => {});
const unreachable = defer((): never => {
  throw new Error('a refused attempt was made');
});

/** @param refuse tries once, and hears the error. */
function rejecting(
  name: string,
  attempts: number,
  isRefusal: (error: unknown) => boolean,
  refuse: () => unknown,
): Contestant {
  return timed(name, async () => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const answer = refuse();
      const error = answer instanceof Promise ? await answer.then(() => 'admitted', caught) : answer;
      if (!isRefusal(error)) throw new Error(`${name} did not refuse`, { cause: error });
    }
    return attempts;
  });
}
const caught = (error: unknown): unknown => error;

function atOpenCircuit(attempts: number) {
  const breaker = new CircuitBreaker({ failureThreshold: 1 });
  throwError(() => broken)
    .pipe(circuitBreaker(breaker))
    .subscribe({ error() {} });
  const guarded = unreachable.pipe(circuitBreaker(breaker));

  const theirs = cockatiel.circuitBreaker(cockatiel.handleAll, {
    halfOpenAfter: 60_000,
    breaker: new cockatiel.ConsecutiveBreaker(1),
  });
  theirs.execute(fail).catch(caught);
  const opossum = new OpossumBreaker(fail, { resetTimeout: 60_000 });
  opossum.open();

  return {
    ours: rejecting('circuitBreaker() as an operator', attempts, isCircuitOpenError, () => {
      let refusal: unknown;
      guarded.subscribe({ error: (error) => (refusal = error) });
      return refusal;
    }),
    protect: rejecting(
      'circuitBreaker() by protect()',
      attempts,
      isCircuitOpenError,
      protect(fail, circuitBreaker(breaker)),
    ),
    cockatiel: rejecting('cockatiel circuitBreaker', attempts, cockatiel.isBrokenCircuitError, () =>
      theirs.execute(fail),
    ),
    opossum: rejecting('opossum', attempts, isOpossum, () => opossum.fire()),
  };
}

function atFullBulkhead(attempts: number) {
  const places = new Bulkhead({ maxConcurrent: 1, maxQueue: 0 });
  NEVER.pipe(bulkhead(places)).subscribe();
  const guarded = unreachable.pipe(bulkhead(places));

  const theirs = cockatiel.bulkhead(1, 0);
  void theirs.execute(never);
  const opossum = new OpossumBreaker(never, { capacity: 1, timeout: false });
  void opossum.fire();
  const semaphore = Semaphore.makeUnsafe(1);
  const guardedEffect = semaphore.withPermitsIfAvailable(1)(Effect.promise(never));
  void Effect.runPromise(guardedEffect);

  return {
    ours: rejecting('bulkhead() as an operator', attempts, isBulkheadRejectedError, () => {
      let refusal: unknown;
      guarded.subscribe({ error: (error) => (refusal = error) });
      return refusal;
    }),
    protect: rejecting(
      'bulkhead() by protect()',
      attempts,
      isBulkheadRejectedError,
      protect(never, bulkhead(places)),
    ),
    cockatiel: rejecting('cockatiel bulkhead', attempts, cockatiel.isBulkheadRejectedError, () =>
      theirs.execute(never),
    ),
    opossum: rejecting('opossum with capacity', attempts, isOpossum, () => opossum.fire()),
    effect: rejecting('effect semaphore, a refusal as a value', attempts, isNone, () =>
      Effect.runSync(guardedEffect),
    ),
  };
}
const isOpossum = (error: unknown): boolean => error instanceof Error && OpossumBreaker.isOurError(error);
const isNone = (value: unknown): boolean => Option.isOption(value) && Option.isNone(value);

export const tables = [
  table({
    title: 'A refusal by an open circuit',
    about:
      'The circuit has been opened by a failure, and the error arrives; 20 000 times one after the other. All but the operator answer with a promise.',
    unit: 'ns',
    contestants: (short) => atOpenCircuit(short ? 20 : 20_000),
    comparisons: {
      'openCircuit.rejection': { of: 'ours', atMost: 1_000 },
      'openCircuit.vsCockatiel': { of: 'protect', to: 'cockatiel' },
      'openCircuit.vsOpossum': { of: 'protect', to: 'opossum' },
    },
  }),
  table({
    title: 'A refusal by a full bulkhead',
    about: 'One place, taken by a call that does not end, and no queue.',
    unit: 'ns',
    contestants: (short) => atFullBulkhead(short ? 20 : 20_000),
    comparisons: {
      'fullBulkhead.rejection': { of: 'ours' },
      'fullBulkhead.vsCockatiel': { of: 'protect', to: 'cockatiel' },
      'fullBulkhead.vsOpossum': { of: 'protect', to: 'opossum' },
    },
  }),
];
