import { isEnd, type Lane, type Mark } from './lane.ts';
import { Letters } from './letters.ts';

/** A longer silence of all lanes is written as a time, such as ` 500ms `. */
const LONGEST_SILENCE = 16;

export interface Drawing {
  /** The marbles of each lane, in their order. All of them share one axis of time. */
  readonly marbles: readonly string[];
  /** The column of what happens in a millisecond; known for those in which something does. */
  readonly columns: ReadonlyMap<number, number>;
}

/**
 * Draws lanes beneath each other, with their names and a legend of the letters that do not speak for themselves.
 *
 * ```
 * source  --a--b-- 980ms --c|
 * result  --A--B-- 980ms --C|
 *   A = "Hello"
 * ```
 *
 * The same moment is the same column in every lane. What is drawn can be pasted into a test, except where something follows
 * sooner than marbles can say: upon a group, or within a millisecond. There the lanes are stretched.
 */
export function renderLanes(lanes: readonly Lane[], letters = new Letters()): string {
  const { marbles } = drawLanes(lanes, letters);
  const width = Math.max(0, ...lanes.map(({ name }) => name.length));
  const lines = lanes.map(({ name }, index) => `${name.padEnd(width)}  ${marbles[index]}`.trimEnd());
  return [...lines, ...letters.legend().map((line) => `  ${line}`)].join('\n');
}

/** The marbles alone. */
export function drawLanes(lanes: readonly Lane[], letters: Letters): Drawing {
  const pens = lanes.map((lane) => new Pen(lane, letters));
  const columns = new Map<number, number>();
  const frames = [
    ...new Set(lanes.flatMap(({ marks, from = 0 }) => [from, ...marks.map(({ frame }) => frame)])),
  ];
  let last = { frame: -1, column: -1 };
  for (const frame of frames.sort((one, other) => one - other)) {
    // Behind everything that is drawn, groups included; marbles count each of its characters as a millisecond.
    const edge = Math.max(last.column + 1, ...pens.map(({ length }) => length));
    const silence = frame - last.frame - (edge - last.column);
    let column = last.column + (frame - last.frame);
    if (silence > LONGEST_SILENCE || (silence > 0 && !Number.isInteger(silence))) {
      const pause = ` ${silence}ms `;
      for (const pen of pens) pen.pause(edge, pause, frame);
      column = edge + pause.length;
    }
    if (!Number.isInteger(column)) column = edge;
    // Only who has something to say now can be in the way of its own group.
    for (const pen of pens) if (pen.speaksAt(frame)) column = Math.max(column, pen.length);
    for (const pen of pens) pen.drawAt(frame, column);
    columns.set(frame, column);
    last = { frame, column };
  }
  const end = Math.max(0, ...pens.map(({ length }) => length));
  for (const pen of pens) pen.fill(end, last.frame + 1);
  return { marbles: pens.map(({ text }) => text.trimEnd()), columns };
}

/** Writes one lane from left to right. */
class Pen {
  text = '';
  readonly #end: number;
  readonly #symbols = new Map<number, string[]>();
  #begun: boolean;

  constructor(
    private readonly lane: Lane,
    letters: Letters,
  ) {
    this.#begun = lane.from === undefined;
    this.#end = lane.marks.find(isEnd)?.frame ?? Number.POSITIVE_INFINITY;
    for (const mark of lane.marks) {
      const symbols = this.#symbols.get(mark.frame) ?? [];
      symbols.push(symbolOf(mark, letters));
      this.#symbols.set(mark.frame, symbols);
    }
  }

  get length(): number {
    return this.text.length;
  }

  speaksAt(frame: number): boolean {
    return this.#symbols.has(frame);
  }

  drawAt(frame: number, column: number): void {
    if (frame === this.lane.from) {
      this.fill(column, frame);
      this.#begun = true;
    }
    const symbols = this.#symbols.get(frame);
    if (symbols === undefined) return;
    this.fill(column, frame);
    this.text += symbols.length === 1 ? symbols[0] : `(${symbols.join('')})`;
  }

  /** Silence, up to `column`, which is the moment `frame`. */
  fill(column: number, frame: number): void {
    this.text = this.text.padEnd(column, this.#isThere(frame) ? '-' : ' ');
  }

  /** A long silence from column `edge` to the moment `frame`. */
  pause(edge: number, pause: string, frame: number): void {
    this.fill(edge, frame);
    this.text += this.#isThere(frame) ? pause : ' '.repeat(pause.length);
  }

  #isThere(frame: number): boolean {
    return this.#begun && frame <= this.#end;
  }
}

function symbolOf(mark: Mark, letters: Letters): string {
  switch (mark.kind) {
    case 'next':
      return letters.of(mark.value);
    case 'error':
      return letters.ofError(mark.error);
    case 'complete':
      return '|';
    case 'subscribe':
      return '^';
    case 'unsubscribe':
      return '!';
  }
}
