/** A repetition has at least this many letters and digits, and this many different ones. Less may well be an accident. */
const SHORTEST_REPETITION = 8;
const LEAST_VARIETY = 4;

/**
 * Whether a repetition of this text could be told from an accident. What is shorter, such as `1`, or more monotonous, such
 * as a row of dashes, may just as well be what comes next.
 */
export function isRecognizable(text: string): boolean {
  const characters = text.match(/[\p{L}\p{N}]/gu) ?? [];
  return characters.length >= SHORTEST_REPETITION && new Set(characters).size >= LEAST_VARIETY;
}

/**
 * The part of `next` that is new behind `said`: what a model says when it goes on with an answer that broke off.
 *
 * It may say again what was said last: a word, a sentence, or all of it. So the longest beginning of `next` that is also
 * an end of `said` is cut off, if it is recognizable. White space does not matter in the comparison, because a model that
 * repeats itself often changes it. At the seam itself the white space that `said` ends with stands: `next` is the answer
 * to a text without it, so there it comes a second time.
 */
export function newPartOf(next: string, said: string): string {
  const spoken = said.trimEnd();
  const shown = said.slice(spoken.length);
  const rest = next.slice(endOf(overlapOf(withoutSpace(spoken), withoutSpace(next)), next));
  const space = rest.slice(0, rest.length - rest.trimStart().length);
  return rest.slice(space.startsWith(shown) ? shown.length : space.length);
}

/**
 * A continuation as it arrives. What could still turn out to be a repetition is held back: what is said somewhere in the
 * answer. The time that this takes grows with the length of the answer, not with its square: a model may repeat all of it.
 */
export class Seam {
  readonly #said: string;
  readonly #compact: string;
  #held = '';
  #compactHeld = '';
  /** The first place in the answer where all that is held back is said. */
  #place = 0;

  constructor(said: string) {
    this.#said = said;
    this.#compact = withoutSpace(said);
  }

  /** @returns what is new in all that was added, or `undefined` while that cannot be told. */
  add(text: string): string | undefined {
    const more = withoutSpace(text);
    const goesOn = this.#compact.startsWith(more, this.#place + this.#compactHeld.length);
    this.#held += text;
    this.#compactHeld += more;
    if (goesOn) return undefined;
    this.#place = this.#compact.indexOf(this.#compactHeld, this.#place + 1);
    return this.#place === -1 ? this.end() : undefined;
  }

  /** What is new when nothing more comes. */
  end(): string {
    return newPartOf(this.#held, this.#said);
  }
}

const withoutSpace = (text: string): string => text.replaceAll(/\s+/g, '');

/** The length of the longest beginning of `next` with which `said` ends, if it is recognizable. */
function overlapOf(said: string, next: string): number {
  const longest = Math.min(said.length, next.length);
  const matched = borders(`${next.slice(0, longest)}\n${said.slice(-longest)}`).at(-1) ?? 0;
  return longest > 0 && isRecognizable(next.slice(0, matched)) ? matched : 0;
}

/** For every beginning of `text`: the length of its longest end that is a beginning as well (Knuth, Morris and Pratt). */
function borders(text: string): Uint32Array {
  const lengths = new Uint32Array(text.length);
  for (let index = 1, length = 0; index < text.length; index++) {
    while (length > 0 && text.charCodeAt(index) !== text.charCodeAt(length))
      length = lengths[length - 1] ?? 0;
    if (text.charCodeAt(index) === text.charCodeAt(length)) length++;
    lengths[index] = length;
  }
  return lengths;
}

/** Where in `text` its first `count` characters that are no white space have passed. */
function endOf(count: number, text: string): number {
  let left = count;
  let position = 0;
  for (; left > 0; position++) if (/\S/.test(text.charAt(position))) left--;
  return position;
}
