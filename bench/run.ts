import { setMaxListeners } from 'node:events';
import { start } from './start.ts';
import { subjects } from './subjects.ts';
import { measured, type Result } from './table.ts';

// Ten thousand calls at once listen to the one signal that cockatiel has made when it was loaded; to Node that looks like a leak.
setMaxListeners(0);

/** The measurements of one subject, in a process of its own: what ran before it has warmed up nothing, and left nothing. */
export function measuredApart(subject: string, rounds: number): Promise<readonly Result[]> {
  return new Promise((done, fail) => {
    const child = start('child', subject, String(rounds));
    child.once('message', (results) => done(results as readonly Result[]));
    child.once('exit', (code) => fail(new Error(`The benchmark of ${subject} has ended with ${code}.`)));
  });
}

/** The same in this process. @param short every entry once, in little: it measures nothing, but nobody delivers anything wrong. */
export async function measuredHere(
  subject: string,
  rounds: number,
  short: boolean,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const table of await subjects[subject]!()) results.push(await measured(table, rounds, short));
  return results;
}
