import { difference } from '../src/testing/difference.ts';
import { type Mark, subscriptionMarks } from '../src/testing/lane.ts';
import type { AttemptTrack, Lifetime, Recording } from './recording.ts';

/** Where a run differs from its diagram: both lines of marbles for every track that does. `undefined` when none does. */
export function differencesOf({ attempts, consumers, lanes, values }: Recording): string | undefined {
  const problems = [
    ...consumers.map(({ name, expected, messages }) => compare(name, expected, messages, values)),
    ...lanes.map((lane) => compare(lane.name, lane.expected, lane.messages, lane.values)),
    ...attempts.map(compareLifetimes),
  ].filter((problem) => problem !== undefined);
  return problems.length === 0 ? undefined : problems.join('\n\n');
}

const compare = (
  name: string,
  expected: readonly Mark[],
  actual: readonly Mark[],
  values: Readonly<Record<string, unknown>> = {},
): string | undefined => difference({ name, marks: expected }, { name, marks: actual }, values);

const compareLifetimes = ({ name, expected, from, until }: AttemptTrack): string | undefined =>
  compare(`subscription of ${name}`, marksOf(expected), marksOf({ from, until }));

const marksOf = ({ from, until }: Lifetime): Mark[] =>
  subscriptionMarks({ subscribedFrame: from, unsubscribedFrame: until });
