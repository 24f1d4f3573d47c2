import * as cockatiel from 'cockatiel';
import { catchError, defer, EMPTY, finalize, lastValueFrom, retry, timeout } from 'rxjs';
import { protect } from '../src/index.ts';
import type { Contestant } from './measure.ts';
import { sixOperators } from './six.ts';

const CALLS = 20_000;

const answer = (): Promise<string> => Promise.resolve('answer');

function calls(name: string, call: () => Promise<string>): Contestant {
  return {
    name,
    async run() {
      for (let index = 0; index < CALLS; index++) {
        if ((await call()) !== 'answer') throw new Error(`${name} gave another answer`);
      }
      return CALLS;
    },
  };
}

const six = sixOperators<string>();
const throughProtect = protect(answer, sixOperators<string>());
const wrapped = cockatiel.wrap(
  cockatiel.retry(cockatiel.handleAll, { maxAttempts: 3, backoff: new cockatiel.ExponentialBackoff() }),
  cockatiel.circuitBreaker(cockatiel.handleAll, {
    halfOpenAfter: 60_000,
    breaker: new cockatiel.SamplingBreaker({ threshold: 0.5, duration: 60_000 }),
  }),
  cockatiel.bulkhead(1_000_000),
  cockatiel.timeout(30_000, cockatiel.TimeoutStrategy.Cooperative),
);

/** What one call pays: a promise that is resolved already goes through everything and comes out as a promise. */
export const perCall = {
  ours: calls('six operators', () => lastValueFrom(defer(answer).pipe(six))),
  protect: calls('six operators by protect()', throughProtect),
  cockatiel: calls('cockatiel wrap(retry, breaker, bulkhead, timeout)', () => wrapped.execute(answer)),
  builtins: calls('rxjs retry + timeout + catchError + finalize', () =>
    lastValueFrom(
      defer(answer).pipe(
        retry(3),
        timeout({ first: 30_000, each: 30_000 }),
        catchError(() => EMPTY),
        finalize(() => {}),
      ),
    ),
  ),
};
