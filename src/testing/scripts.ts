import { written } from './letters.ts';
import { MarbleError } from './marble-error.ts';

/**
 * What was given to `flaky` or `scriptedProvider`: scripts one by one, or a list of them and options.
 *
 * @throws {MarbleError} for anything else, and for no script at all.
 */
export function scriptsFrom<Options extends object>(
  of: string,
  given: readonly (string | readonly string[] | Options)[],
): [scripts: readonly string[], options: Options] {
  const [first, options = {} as Options] = given;
  const list = typeof first === 'string' || given.length === 0 ? (given as readonly string[]) : first;
  if (!isListOfStrings(list)) {
    const [wrong] = [list].flat().filter((script) => typeof script !== 'string');
    throw new MarbleError(
      `${of} takes marbles, or a list of them and then options: ${of}(['--a--#', '--b|'], { … }). It was given ${written(wrong)}.`,
    );
  }
  if (list.length === 0) throw new MarbleError(`${of} needs at least one script.`);
  return [list, list === given ? ({} as Options) : (options as Options)];
}

function isListOfStrings(list: unknown): list is readonly string[] {
  return Array.isArray(list) && list.every((script) => typeof script === 'string');
}
