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

/** A continuation as it arrives. What could still turn out to be a repetition is held back. */
export class Seam {
  readonly #said: string;
  readonly #compact: string;
  #held = '';

  constructor(said: string) {
    this.#said = said;
    this.#compact = withoutSpace(said);
  }

  /** @returns what is new in all that was added, or `undefined` while that cannot be told. */
  add(text: string): string | undefined {
    this.#held += text;
    return this.#compact.includes(withoutSpace(this.#held)) ? undefined : this.end();
  }

  /** What is new when nothing more comes. */
  end(): string {
    return newPartOf(this.#held, this.#said);
  }
}

const withoutSpace = (text: string): string => text.replaceAll(/\s+/g, '');

/** The length of the longest recognizable beginning of `next` with which `said` ends. */
function overlapOf(said: string, next: string): number {
  for (let length = Math.min(said.length, next.length); length >= SHORTEST_REPETITION; length--) {
    const repeated = next.slice(0, length);
    if (said.endsWith(repeated)) return isRecognizable(repeated) ? length : 0;
  }
  return 0;
}

/** Where in `text` its first `count` characters that are no white space have passed. */
function endOf(count: number, text: string): number {
  let left = count;
  let position = 0;
  for (; left > 0; position++) if (/\S/.test(text.charAt(position))) left--;
  return position;
}
