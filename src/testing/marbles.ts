import type { Mark, SubscriptionFrames } from './lane.ts';
import { written } from './letters.ts';
import { MarbleError } from './marble-error.ts';

/** What the letters of marbles stand for. */
export type Values = Readonly<Record<string, unknown>>;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
const TIME = /^(\d+(?:\.\d+)?)(ms|s|m)(?= |$)/;

/**
 * Reads marbles as RxJS does in `TestScheduler.run`: `-` is a millisecond, `a` a value, `|` completion, `#` an error,
 * `(ab)` one moment, ` 500ms ` a time; `^` and `!` are subscribing and unsubscribing. Spaces align.
 *
 * @param values what the letters stand for. @default each for itself
 * @param error what `#` stands for. @default 'error'
 * @throws {MarbleError} where RxJS would go on with something else than was meant.
 */
export function parseMarbles(marbles: string, values?: Values, error: unknown = 'error'): Mark[] {
  if (typeof marbles !== 'string')
    throw new MarbleError(`Marbles are a string such as '--a--|', and were ${written(marbles)}.`);
  const refuse = (reason: string): never => {
    throw new MarbleError(`The marbles ${JSON.stringify(marbles)} ${reason}.`);
  };
  const time = brokenTime(marbles);
  if (time !== undefined)
    refuse(
      `contain "${time}", which would be read as letters: a time such as 500ms has a space before and behind`,
    );
  if (/[\t\n\r]/.test(marbles)) refuse('contain white space that is no space and would be read as a value');
  const marks: Mark[] = [];
  let frame = 0;
  let group: number | undefined;
  for (let index = 0; index < marbles.length; ) {
    const time = index === 0 || marbles[index - 1] === ' ' ? TIME.exec(marbles.slice(index)) : null;
    if (time !== null) {
      if (group !== undefined) refuse('contain a time inside a group');
      frame += Number(time[1]) * (UNITS[time[2] as string] as number);
      index += time[0].length;
      continue;
    }
    const symbol = String.fromCodePoint(marbles.codePointAt(index) as number);
    index += symbol.length;
    if (symbol === ' ') continue;
    const at = group ?? frame;
    frame++;
    if (symbol === '(') {
      if (group !== undefined) refuse('open a group inside a group');
      group = at;
    } else if (symbol === ')') {
      if (group === undefined) refuse('close a group that was not opened');
      group = undefined;
    } else if (symbol === '-') {
      if (group !== undefined) refuse('let time pass inside a group');
    } else marks.push(mark(symbol, at));
  }
  if (group !== undefined) refuse('open a group that is not closed');
  const end = marks.findIndex(({ kind }) => kind === 'complete' || kind === 'error');
  if (end !== -1 && end < marks.length - 1) refuse('go on after their end');
  return marks;

  function mark(symbol: string, frame: number): Mark {
    if (symbol === '|') return { frame, kind: 'complete' };
    if (symbol === '#') return { frame, kind: 'error', error };
    if (symbol === '^') return { frame, kind: 'subscribe' };
    if (symbol === '!') return { frame, kind: 'unsubscribe' };
    if (values === undefined) return { frame, kind: 'next', value: symbol };
    if (!Object.hasOwn(values, symbol))
      refuse(`contain "${symbol}", for which there is no value; there are ${Object.keys(values).join(', ')}`);
    return { frame, kind: 'next', value: values[symbol] };
  }
}

/** What looks like a time and is none, because a space is missing or one too many. */
function brokenTime(marbles: string): string | undefined {
  const words = marbles.split(' ');
  const at = words.findIndex((word, index) =>
    /\d(?:\.\d+)?ms/.test(word) ? !TIME.test(word) : word === 'ms' && /^\d+$/.test(words[index - 1] ?? ''),
  );
  return words[at] === 'ms' ? `${words[at - 1]} ms` : words[at];
}

/** Marbles of a stream, in which nobody subscribes. */
export function parseStream(marbles: string, values?: Values, error?: unknown): Mark[] {
  const marks = parseMarbles(marbles, values, error);
  if (marks.some(({ kind }) => kind === 'subscribe' || kind === 'unsubscribe'))
    throw new MarbleError(`The marbles "${marbles}" are those of a stream: "^" and "!" have no place there.`);
  return marks;
}

/** Marbles of a subscription, such as `--^----!`. */
export function parseSubscription(marbles: string): SubscriptionFrames {
  const marks = parseMarbles(marbles);
  const [first, second] = marks;
  const valid =
    marks.length <= 2 &&
    (first === undefined || first.kind === 'subscribe') &&
    (second === undefined || second.kind === 'unsubscribe');
  if (!valid)
    throw new MarbleError(
      `The marbles "${marbles}" are those of a subscription: one "^", then perhaps one "!", and nothing else.`,
    );
  return {
    subscribedFrame: first?.frame ?? Number.POSITIVE_INFINITY,
    unsubscribedFrame: second?.frame ?? Number.POSITIVE_INFINITY,
  };
}
