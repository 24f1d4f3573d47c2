/** What the local provider does to us, and the answer that has to survive it. */
import {
  combine,
  cutAfter,
  type Fault,
  ok,
  rateLimited,
  reset,
  stallAfter,
  trickle,
} from '../test/support/fault-server.ts';

export const QUESTION = 'What makes a stream trustworthy?';

export const ANSWER =
  'A stream is a promise kept word by word. When the line drops, a good client does not stutter, repeat itself or ' +
  'pass off half an answer as a whole one: it takes back what it can no longer stand behind, waits as long as it ' +
  'was asked to, and says honestly who finished the sentence.';

/** Milliseconds between two words. */
export const WORD_DELAY = 40;

export interface Scenario {
  readonly name: string;
  /** What happens, as the end of a sentence. */
  readonly story: string;
  /** What the provider does to each attempt, at a speed; the last repeats. */
  readonly script: (speed: number) => readonly Fault[];
}

const speaks = (speed: number): Fault => trickle(WORD_DELAY / speed);

const says = {
  tooManyRequests: (speed: number) => rateLimited({ retryAfter: 1 / speed }),
  twelveWords: (speed: number) => combine(speaks(speed), cutAfter(12)),
  thirtyWordsThenSilence: (speed: number) => combine(speaks(speed), stallAfter(30)),
  everything: (speed: number) => combine(speaks(speed), ok()),
  nothing: () => reset(),
};

const scenario = (name: string, story: string, ...script: ((speed: number) => Fault)[]): Scenario => ({
  name,
  story,
  script: (speed) => script.map((fault) => fault(speed)),
});

export const SCENARIOS: readonly Scenario[] = [
  scenario(
    'all',
    'the provider refuses, breaks off, falls silent, and is gone',
    says.tooManyRequests,
    says.twelveWords,
    says.thirtyWordsThenSilence,
    says.nothing,
  ),
  scenario('calm', 'nothing goes wrong', says.everything),
  scenario(
    'rate-limited',
    'the provider wants to be asked again in a second',
    says.tooManyRequests,
    says.everything,
  ),
  scenario('cut', 'the connection breaks in the middle of the answer', says.twelveWords, says.everything),
  scenario('stall', 'the stream falls silent and stays open', says.thirtyWordsThenSilence, says.everything),
  scenario('down', 'the provider is gone, and another one answers', says.nothing),
];
