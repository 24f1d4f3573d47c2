/** From a fault to the steps that play it: pure, so what a fault means can be read in one place. */
import { type Dialect, type Frame, type Turn, wireError } from './dialect.ts';
import type { Fault, StreamPoint } from './fault.ts';

export type Step =
  | { readonly wait: number }
  | { readonly frame: Frame; readonly token?: true }
  | { readonly pingFor: 'ever'; readonly every: number; readonly frame: Frame }
  | { readonly stop: 'cut' | 'reset' | 'end' | 'stall' };

/** Word tokens with the white space that follows them; joined they are the text again. */
export function tokensOf(text: string): string[] {
  return text.match(/^\s+|\S+\s*/g) ?? [];
}

const frames = (list: readonly Frame[]): Step[] => list.map((frame) => ({ frame }));
const wait = (delay: number): Step[] => (delay > 0 ? [{ wait: delay }] : []);

/** The last frame with its data torn in the middle, or replaced. */
function garbled(list: readonly Frame[], data: string | undefined): Frame[] {
  return list.map((frame, index) =>
    index < list.length - 1 || 'comment' in frame
      ? frame
      : { ...frame, data: data ?? frame.data.slice(0, frame.data.length / 2) },
  );
}

/** Everything between the response headers and the end of the connection. */
export function* plan(fault: Fault, dialect: Dialect, turn: Turn): Generator<Step, void> {
  const { tokenDelay = 0, firstTokenDelay = tokenDelay, keepAlive, malformed } = fault;
  const encoder = dialect.encoder(turn);
  const tokens = tokensOf(turn.answer);

  function* signsOfLife(before: 'preamble' | 'content'): Generator<Step> {
    if (keepAlive?.before !== before) return;
    const { count, every } = keepAlive;
    if (count === Infinity) yield { pingFor: 'ever', every, frame: encoder.ping() };
    else for (let i = 0; i < count; i++) yield* [...wait(every), { frame: encoder.ping() }];
  }

  function* opening(): Generator<Step> {
    if (fault.emptyChoicesFirst) yield* frames(encoder.prelude());
    yield* signsOfLife('preamble');
    yield* frames(encoder.preamble());
  }

  function* token(index: number, thoughts: readonly Frame[], list: readonly Frame[]): Generator<Step> {
    if (index === 0) {
      yield* signsOfLife('content');
      yield* wait(firstTokenDelay);
      yield* frames(thoughts);
    } else yield* wait(tokenDelay);
    if (index === malformed?.after) yield* frames(garbled(list, malformed.data));
    else
      yield* [...frames(list.slice(0, -1)), ...list.slice(-1).map((frame): Step => ({ frame, token: true }))];
  }

  /** The stream as it should be, with a name for every place where it may break. */
  function* course(): Generator<[StreamPoint, Iterable<Step>]> {
    yield ['headers', []];
    yield [0, opening()];
    let said = 0;
    for (const [index, text] of tokens.entries()) {
      const thoughts =
        index === 0 ? tokensOf(turn.reasoning ?? '').flatMap((it) => encoder.reasoning(it)) : [];
      const list = encoder.text(text);
      // Nothing is left of a token that the client has read.
      if (list.length > 0) yield [said + 1, token(said++, thoughts, list)];
    }
    yield ['finish', frames([...encoder.finish(), ...encoder.usage()])];
    yield ['done', frames(encoder.terminal())];
  }

  function* ending(): Generator<Step> {
    const end = fault.break;
    if (end === undefined) yield { stop: 'end' };
    else if (end.how === 'error') {
      const { followedBy = 'end' } = end;
      yield* frames(encoder.error(wireError(dialect, end.error)));
      if (followedBy === 'done') yield* frames(encoder.terminal());
      yield { stop: followedBy === 'done' ? 'end' : followedBy };
    } else if (end.how === 'stall' && end.pingEvery !== undefined) {
      yield { pingFor: 'ever', every: end.pingEvery, frame: encoder.ping() };
    } else yield { stop: end.how };
  }

  const at = fault.break?.at;
  for (const [point, steps] of course()) {
    // A break after more tokens than there are is one after the last.
    if (point === 'finish' && typeof at === 'number') break;
    yield* steps;
    if (point === at) break;
  }
  yield* ending();
}
