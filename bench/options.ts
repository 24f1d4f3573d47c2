import { parseArgs } from 'node:util';
import { subjects } from './subjects.ts';

const names = Object.keys(subjects);

const HELP = `npm run bench [-- options]

Measures this library against its peers, both sides in turns in one run on this machine.

  --only SUBJECT  ${names.join(', ')}
  --rounds N      counted rounds of every contestant (7)
  --json          print one object with everything that was measured, and nothing else
  --page          write docs/benchmarks.md and the figures of the README
  --short         run every entry once, in little: proves that it works, and measures nothing
  --help          this

Nothing fails because it is slow; what delivers anything wrong does.
`;

export interface Options {
  readonly chosen: readonly string[];
  readonly rounds: number;
  readonly json: boolean;
  readonly page: boolean;
  readonly short: boolean;
}

/** What was asked for. @throws {Error} with a sentence for the person at the keyboard. */
export function optionsOf(args: readonly string[]): Options | string {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '7' },
      json: flag,
      page: flag,
      short: flag,
      help: flag,
    },
  });
  if (values.help) return HELP;
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error('--rounds takes a whole number of at least 1.');
  const unknown = values.only.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new Error(`There is no subject "${unknown}". There are: ${names.join(', ')}.`);
  if (values.page && (values.short || values.only.length > 0))
    throw new Error('--page is about everything: it has no place beside --only or --short.');
  const chosen = values.only.length > 0 ? values.only : names;
  return { chosen, rounds, json: values.json, page: values.page, short: values.short };
}
