import { catchError, EMPTY, finalize, map, Observable, retry, timeout } from 'rxjs';
import type { Contestant } from './measure.ts';
import { sixOperators } from './six.ts';

const TOKENS = 1_000_000;

const tokens = new Observable<number>((subscriber) => {
  for (let token = 0; token < TOKENS && !subscriber.closed; token++) subscriber.next(token);
  subscriber.complete();
});

function drain(name: string, stream: Observable<number>): Contestant {
  return {
    name,
    run() {
      let received = 0;
      stream.subscribe(() => received++);
      if (received !== TOKENS) throw new Error(`${name} delivered ${received} of ${TOKENS} tokens`);
      return TOKENS;
    },
  };
}

/** What a stream of a million synchronous tokens pays for each of them. */
export const perToken = {
  ours: drain('six operators', tokens.pipe(sixOperators())),
  map6: drain(
    'six rxjs maps',
    tokens.pipe(
      map((token) => token + 1),
      map((token) => token + 2),
      map((token) => token + 3),
      map((token) => token + 4),
      map((token) => token + 5),
      map((token) => token + 6),
    ),
  ),
  builtins: drain(
    'rxjs retry + timeout + catchError + finalize',
    tokens.pipe(
      retry(3),
      timeout({ first: 30_000, each: 30_000 }),
      catchError(() => EMPTY),
      finalize(() => {}),
    ),
  ),
};
