import * as Effect from 'effect/Effect';
import { defer, lastValueFrom, NEVER, type Observable, race, switchMap, timer } from 'rxjs';
import { hedge } from '../../src/index.ts';
import { type Contestant, timed } from '../measure.ts';
import { table } from '../table.ts';

const answer = (): Promise<string> => Promise.resolve('answer');
const answer$ = defer(answer);

function asking(name: string, calls: number, ask: () => Promise<string>): Contestant {
  return timed(name, async () => {
    for (let call = 0; call < calls; call++)
      if ((await ask()) !== 'answer') throw new Error(`${name} gave another answer`);
    return calls;
  });
}
const asked = (name: string, calls: number, stream: Observable<string>) =>
  asking(name, calls, () => lastValueFrom(stream));

/** A service whose first attempt never answers, and whose second does at once. */
function silentOnce(): Observable<string> {
  let attempts = 0;
  return defer(() => (++attempts % 2 === 1 ? NEVER : answer$));
}
const unlimited = { minRetriesPerSecond: 1e9 };

export const tables = [
  table({
    title: 'A call that might be hedged',
    about:
      'The first attempt answers in time, so that nobody begins a second one: what is paid is being ready for it.',
    unit: 'ns',
    contestants(short) {
      const calls = short ? 20 : 10_000;
      const primary = Effect.promise(answer);
      const raced = Effect.raceFirst(primary, Effect.delay(primary, '1 second'));
      return {
        bare: asked('the call as an Observable', calls, answer$),
        ours: asked('hedge(1_000)', calls, answer$.pipe(hedge(1_000))),
        learnt: asked('hedge() by a percentile that it learns', calls, answer$.pipe(hedge())),
        rxjs: asked(
          'rxjs race with a timer',
          calls,
          race(answer$, timer(1_000).pipe(switchMap(() => answer$))),
        ),
        effect: asking('effect raceFirst with a delay', calls, () => Effect.runPromise(raced)),
      };
    },
    comparisons: {
      'hedge.vsRace': { of: 'ours', to: 'rxjs' },
      'hedge.vsEffect': { of: 'ours', to: 'effect' },
      'hedge.overCall': { of: 'ours', above: 'bare' },
    },
  }),
  table({
    title: 'A call that is hedged',
    about: 'The first attempt is silent; the second begins at once and wins, and the first is cancelled.',
    unit: 'ns',
    contestants(short) {
      const calls = short ? 20 : 10_000;
      const hedged = Effect.raceFirst(Effect.never, Effect.promise(answer));
      return {
        ours: asked('hedge({ delay: 0 })', calls, silentOnce().pipe(hedge({ delay: 0, budget: unlimited }))),
        rxjs: asked('rxjs race', calls, race(NEVER, answer$)),
        effect: asking('effect raceFirst', calls, () => Effect.runPromise(hedged)),
      };
    },
    comparisons: {
      'hedged.vsRace': { of: 'ours', to: 'rxjs' },
      'hedged.vsEffect': { of: 'ours', to: 'effect' },
    },
  }),
];
