import { MarbleError } from './marble-error.ts';

/** What goes wrong inside of streams while a marble run is under way: they may swallow their own errors. */
let complaints: string[] | undefined;

/** Runs the callback as the one marble run; complaints are collected in `into`. */
export function asCurrentRun<T>(into: string[], callback: () => T): T {
  if (complaints !== undefined)
    throw new MarbleError(
      'A marble run inside a marble run: the inner one would take the clock of the outer one.',
    );
  complaints = into;
  try {
    return callback();
  } finally {
    complaints = undefined;
  }
}

/** Lets the test fail that is under way, whatever the streams make of it. */
export function complain(complaint: string): void {
  complaints?.push(complaint);
}

/** For expectations that check at once. */
export function refuseInsideRun(name: string): void {
  if (complaints !== undefined)
    throw new MarbleError(
      `The imported ${name} checks at once, when the marble run has not begun to move. Use the ${name} that the callback of the run is given.`,
    );
}
