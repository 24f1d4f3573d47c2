import type { Insight } from '../../src/insights/index.ts';
import { wordFor, wordsFor } from '../../src/insights/render.ts';
import { STYLE } from '../picture/palette.ts';
import { element, escaped, rounded, textWidth } from '../picture/typography.ts';

const PADDING = 20;
const ROW = 38;
const BOX = 28;
const INDENT = 28;
const GAP = 10;
const TEXT = 4;
/** Of names, which are bold. */
const BOLD = 7.2;

/** What says that the answer was repaired. */
const MARKS: ReadonlySet<string> = new Set(['retract', 'resume', 'switch']);

/** An insight where it stands in the tree. */
interface Placed {
  readonly insight: Insight;
  readonly depth: number;
  readonly row: number;
  readonly parent: Placed | undefined;
}

/** Something that stands in a row, and how wide it is. */
interface Piece {
  readonly width: number;
  draw(x: number, y: number): string;
}

/** The tree of subscriptions: each with its name and tag, what it has said, and how it ended. */
export function picture(insights: readonly Insight[], title: string, description: string): string {
  const placed: Placed[] = [];
  const place = (insight: Insight, depth: number, parent: Placed | undefined): void => {
    const here: Placed = { insight, depth, row: placed.length, parent };
    placed.push(here);
    for (const source of insight.sources) place(source, depth + 1, here);
  };
  for (const insight of insights) place(insight, 0, undefined);

  const storyAt = Math.max(...placed.map((it) => left(it) + label(it.insight).width)) + 2 * GAP;
  const stories = placed.map((it) => ({ y: middle(it), pieces: story(it.insight) }));
  const width = storyAt + Math.max(...stories.map(({ pieces }) => lengthOf(pieces))) + PADDING;
  const height = placed.length * ROW - (ROW - BOX) + 2 * PADDING;
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width: Math.ceil(width),
      height,
      viewBox: `0 0 ${Math.ceil(width)} ${height}`,
      role: 'img',
      'aria-labelledby': 'insights-title insights-desc',
    },
    [
      element('title', { id: 'insights-title' }, escaped(title)),
      element('desc', { id: 'insights-desc' }, escaped(description)),
      element('style', {}, `${STYLE}.tag{font-size:11px}.label{font-weight:600}`),
      element('rect', {
        class: 'paper',
        x: 0.5,
        y: 0.5,
        width: Math.ceil(width) - 1,
        height: height - 1,
        rx: 13,
      }),
      ...placed.flatMap((it) => branch(it) ?? []),
      ...placed.map((it) => label(it.insight).draw(left(it), middle(it))),
      ...stories.map(({ y, pieces }) => inARow(pieces, storyAt, y)),
    ].join('\n'),
  )}\n`;
}

const left = ({ depth }: Placed): number => PADDING + depth * INDENT;
const middle = ({ row }: Placed): number => PADDING + row * ROW + BOX / 2;

/** From below the parent to the child. */
function branch(it: Placed): string | undefined {
  if (it.parent === undefined) return undefined;
  const x = left(it.parent) + INDENT / 2;
  const [from, to] = [middle(it.parent) + BOX / 2, middle(it)];
  return element('path', {
    class: 'line',
    d: `M${x} ${from}V${to - 6}Q${x} ${to} ${x + 6} ${to}H${left(it)}`,
  });
}

/** The name in a box, the tags beside it. */
function label({ name, tags }: Insight): Piece {
  const nameWidth = textWidth(name, BOLD) + 2 * GAP;
  const pills = tags.map((tag) => pill(tag, 'count'));
  return {
    width: nameWidth + lengthOf(pills) + (pills.length > 0 ? GAP : 0),
    draw: (x, y) =>
      [
        element('rect', { class: 'box', x, y: y - BOX / 2, width: rounded(nameWidth), height: BOX, rx: 7 }),
        element('text', { class: 'label', x: x + GAP, y: y + TEXT }, escaped(name)),
        inARow(pills, x + nameWidth + GAP, y),
      ].join(''),
  };
}

function story({ values, end, error }: Insight): Piece[] {
  const said = wordsFor(values).map((words) => pill(words.replace(' x', ' × '), moodOf(words)));
  if (end === undefined) return said;
  return [...said, end === 'error' ? failure(wordFor(error)) : ending(end)];
}

const moodOf = (words: string): string => {
  if (MARKS.has(words)) return 'unsure';
  return words === 'finish' ? 'well' : 'none';
};

function pill(words: string, mood: string): Piece {
  const width = textWidth(words, 6.4) + 2 * GAP;
  return {
    width,
    draw: (x, y) =>
      element('rect', { class: mood, x: rounded(x), y: y - 10, width: rounded(width), height: 20, rx: 10 }) +
      element(
        'text',
        { class: `tag middle ${mood}-text`, x: rounded(x + width / 2), y: y + TEXT },
        escaped(words),
      ),
  };
}

/** As in the marbles: a cross with a name. */
const failure = (name: string): Piece => ({
  width: 20 + textWidth(name),
  draw: (x, y) =>
    element('path', {
      class: 'cross',
      d: `M${rounded(x + 1)} ${y - 5}l10 10M${rounded(x + 1)} ${y + 5}l10 -10`,
    }) + element('text', { class: 'failure', x: rounded(x + 18), y: y + TEXT }, escaped(name)),
});

/** A bar for the completion, a square for what was unsubscribed. */
const ending = (end: 'complete' | 'unsubscribe'): Piece => {
  const words = end === 'complete' ? 'complete' : 'unsubscribed';
  return {
    width: 18 + textWidth(words),
    draw: (x, y) =>
      (end === 'complete'
        ? element('path', { class: 'line end', d: `M${rounded(x + 5)} ${y - 8}V${y + 8}` })
        : element('rect', { class: 'stop', x: rounded(x), y: y - 5, width: 10, height: 10, rx: 2 })) +
      element('text', { class: 'muted', x: rounded(x + 16), y: y + TEXT }, words),
  };
};

const lengthOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((length, { width }) => length + width, Math.max(0, pieces.length - 1) * GAP);

function inARow(pieces: readonly Piece[], from: number, y: number): string {
  let x = from;
  return pieces
    .map((piece) => {
      const drawn = piece.draw(x, y);
      x += piece.width + GAP;
      return drawn;
    })
    .join('');
}
