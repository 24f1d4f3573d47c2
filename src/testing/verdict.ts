import { MarbleDifference, MarbleError } from './marble-error.ts';

/** Says what is not as expected, if anything is. */
export type Check = () => readonly (string | undefined)[];

/** What is wrong with one run: found out when time stands still, in the order in which the test expected it. */
export class Verdict {
  /** Mistakes of the test, and what streams complain of and may swallow. */
  readonly complaints: string[] = [];
  readonly #checks: Check[] = [];
  /** Where the test expected what did not come; the first of these places. */
  #culprit: Error | undefined;

  /** Whether anything is expected. */
  get isAwaited(): boolean {
    return this.#checks.length > 0;
  }

  expect(check: Check): void {
    const place = new Error();
    this.#checks.push(() => {
      const before = this.complaints.length;
      const found = check().filter((it) => it !== undefined);
      if (found.length > 0 || this.complaints.length > before) this.#culprit ??= place;
      return found;
    });
  }

  /** Checks that are still to come; none is a mistake of the test. */
  promise(name: string, call: string): Check[] {
    const checks: Check[] = [];
    this.expect(() => {
      if (checks.length === 0) this.complaints.push(`${name} was never checked: it lacks its ${call}.`);
      return checks.flatMap((check) => check());
    });
    return checks;
  }

  /** @throws {MarbleError} with everything that is wrong; a difference, if nothing else is. */
  speak(): void {
    const differences = this.#checks.flatMap((check) => check());
    const found = [...this.complaints, ...differences];
    if (found.length === 0) return;
    const Failure = this.complaints.length > 0 ? MarbleError : MarbleDifference;
    const failure = new Failure(`\n${found.join('\n\n')}\n`);
    // The line of the test that is wrong says more than the one with the run.
    const frames = this.#culprit?.stack?.replace(/^Error\n/, '');
    if (frames !== undefined) failure.stack = `${failure.name}: ${failure.message}\n${frames}`;
    throw failure;
  }
}
