import { isObservable, type Observable } from 'rxjs';
import type { Lane } from './lane.ts';
import { MarbleError } from './marble-error.ts';
import type { MarbleHelpers } from './marble-helpers.ts';
import { MarbleRun, type RunOptions, refusePromise } from './marble-run.ts';
import { renderLanes } from './render-lanes.ts';
import { ScriptedProvider } from './scripted-provider.ts';
import { ScriptedSource } from './scripted-source.ts';

/** What is drawn, by its name: a scripted source as one lane an attempt, any other stream as what it shows. */
export type DrawnLanes = Readonly<Record<string, Observable<unknown> | ScriptedProvider>>;

/**
 * Draws your own pipeline as it really behaves, for a README or a review.
 *
 * @param callback makes the pipeline and returns what is to be drawn. It runs like that of `runMarbles`.
 * @returns the lanes beneath each other; one moment is one column, a long silence is written as its time.
 * @throws {MarbleError} for a stream that never ends, or nothing to draw.
 *
 * @example
 * ```ts
 * console.log(renderMarbles(() => {
 *   const source = flaky('--a--#', '--a--b--|');
 *   return { attempt: source, answer: source.pipe(retry({ delay: 500 })) };
 * }));
 * // attempt 1  --a--#
 * // attempt 2               --a--b--|
 * // answer     --a--- 499ms --a--b--|
 * ```
 */
export function renderMarbles(
  callback: (helpers: MarbleHelpers) => DrawnLanes,
  options?: RunOptions,
): string {
  const run = new MarbleRun(options);
  const drawn = run.run((helpers) => {
    const lanes = callback(helpers);
    refusePromise(lanes);
    if (typeof lanes !== 'object' || lanes === null || Array.isArray(lanes) || isObservable(lanes))
      throw new MarbleError(
        'renderMarbles draws streams by their names: return an object such as { answer: stream }.',
      );
    return Object.entries(lanes).map(([name, subject]) => lanesOf(name, subject, run));
  });
  run.check();
  if (drawn.length === 0) throw new MarbleError('renderMarbles: the callback returned nothing to draw.');
  return renderLanes(drawn.flatMap((lanes) => lanes()));
}

function lanesOf(name: string, subject: unknown, run: MarbleRun): () => Lane[] {
  if (subject instanceof ScriptedProvider) return () => subject.source.lanes(name);
  if (subject instanceof ScriptedSource) return () => subject.lanes(name);
  if (!isObservable(subject)) throw new MarbleError(`renderMarbles: "${name}" is no stream.`);
  const lane = run.record(name, subject);
  return () => [lane];
}
