/** How text fills columns of a terminal. */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const WIDE =
  /\p{Emoji_Presentation}|\uFE0F|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|[\u{20000}-\u{3FFFD}]/u;

export const charactersOf = (text: string): string[] =>
  Array.from(graphemes.segment(text), ({ segment }) => segment);

export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of charactersOf(text)) columns += WIDE.test(character) ? 2 : 1;
  return columns;
}

/** Words that come from elsewhere must not command the terminal. */
export const harmless = (text: string): string => text.replace(/\t/g, '  ').replace(/(?!\n)\p{Cc}/gu, '');

/** A line of a longer text: `text.slice(start, end)`. */
export interface Line {
  readonly start: number;
  readonly end: number;
}

/** Breaks between words, and inside one only when it is longer than a line. White space at a break belongs to no line. */
export function wrap(text: string, width: number): Line[] {
  const lines: Line[] = [];
  let start = 0;
  let end = 0;
  let used = 0;
  let gap = 0;
  const breakAt = (index: number): void => {
    lines.push({ start, end });
    start = index;
    end = index;
    used = 0;
    gap = 0;
  };
  const add = (piece: string, index: number, columns: number): void => {
    if (used + gap + columns > width && end > start) breakAt(index);
    used += gap + columns;
    gap = 0;
    end = index + piece.length;
  };
  for (const { 0: piece, index } of text.matchAll(/\n|[^\S\n]+|\S+/g)) {
    const columns = columnsOf(piece);
    if (piece === '\n') breakAt(index + 1);
    else if (piece.trim() === '') gap = columns;
    else if (columns <= width) add(piece, index, columns);
    else {
      let at = index;
      for (const character of charactersOf(piece)) {
        add(character, at, columnsOf(character));
        at += character.length;
      }
    }
  }
  lines.push({ start, end });
  return lines;
}
