import { Letters } from '../../src/testing/letters.ts';
import {
  type AttemptTrack,
  type ConsumerTrack,
  isCancelled,
  type LaneTrack,
  type Recording,
} from '../recording.ts';
import { drawLane, extraHeightOf, type Ground, labelsOf, reachesOfLane, roomOfLane } from './lane.ts';
import { MARBLE_COLOURS, STYLE } from './palette.ts';
import { type Room, Timeline } from './timeline.ts';
import {
  codeLine,
  element,
  escaped,
  inRows,
  monoWidth,
  rounded,
  textWidth,
  timeWords,
} from './typography.ts';
import { errorWords, meaningsOf } from './words.ts';

export interface Caption {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** The operator as a user writes it. */
  readonly code: readonly string[];
}

const PADDING = 20;
const ROW = 38;
const MARBLE = 11;
const STEP = 2 * MARBLE + 3;
const SWATCH = 8;
const LEGEND_ROW = 22;
const CODE_LINE = 18;
/** A millisecond on paper; the second one for what would be too wide for a page. */
const UNITS = [26, 19] as const;
const WIDE = 760;

/** One thing that stands on a line. */
type Symbol =
  | { readonly kind: 'value'; readonly letter: string }
  | { readonly kind: 'error' | 'complete' | 'stop' };

interface Entry {
  readonly letter: string;
  readonly words: string;
  readonly width: number;
}

type StreamTrack = AttemptTrack | ConsumerTrack;

/** A picture of what happened: attempts above the operator, consumers below it, states and events beneath. */
export function svg(recording: Recording, caption: Caption): string {
  const [wide, narrow] = UNITS.map((unit) => new Drawing(recording, caption, unit));
  return (wide!.width > WIDE ? narrow! : wide!).print();
}

class Drawing {
  readonly #caption: Caption;
  readonly #attempts: readonly AttemptTrack[];
  readonly #consumers: readonly ConsumerTrack[];
  readonly #lanes: readonly LaneTrack[];
  readonly #letters: Letters;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #colours: string[] = [];
  readonly #time: Timeline;
  readonly #left: number;
  /** How far to the right something reaches, from the start of the timeline. */
  #reach: number;

  constructor({ attempts, consumers, lanes, values }: Recording, caption: Caption, unit: number) {
    this.#caption = caption;
    this.#attempts = attempts.filter(({ from }) => Number.isFinite(from));
    this.#consumers = consumers;
    this.#lanes = lanes;
    this.#letters = new Letters(values);
    this.#values = values;
    const streams = [...this.#attempts, ...consumers];
    const names = [...streams, ...lanes].map(({ name }) => textWidth(name, 7.4));
    this.#left = PADDING + Math.max(64, ...names) + 18;
    this.#time = new Timeline(
      [
        ...streams.flatMap(({ from, until, messages }) => [
          from,
          until,
          ...messages.map(({ frame }) => frame),
        ]),
        ...lanes.flatMap(({ messages }) => messages.map(({ frame }) => frame)),
      ],
      [...streams.flatMap((track) => this.#roomOfStream(track)), ...lanes.flatMap(roomOfLane)],
      unit,
    );
    this.#reach = this.#time.x(this.#time.last) + unit;
    for (const track of streams) this.#reach = Math.max(this.#reach, this.#reachOfStream(track));
    for (const { frame, width } of lanes.flatMap(reachesOfLane))
      this.#reach = Math.max(this.#reach, this.#time.x(frame) + width);
    this.#reach = Math.max(
      this.#reach,
      Math.max(...caption.code.map(monoWidth)) + 28 + PADDING - this.#left,
      300,
    );
  }

  get width(): number {
    return Math.ceil(this.#left + this.#reach + PADDING);
  }

  print(): string {
    const { id, title, description, code } = this.#caption;
    const rows: string[] = [];
    let y = PADDING;
    const nextRow = (): number => {
      y += ROW;
      return y - ROW / 2;
    };
    for (const track of this.#attempts) rows.push(this.#stream(track, nextRow()));
    const boxAt = y + 8;
    const boxHeight = code.length * CODE_LINE + 14;
    y = boxAt + boxHeight + 8;
    for (const track of this.#consumers) rows.push(this.#stream(track, nextRow()));
    if (this.#lanes.length > 0) y += 4;
    for (const lane of this.#lanes) {
      rows.push(this.#lane(lane, nextRow()));
      y += extraHeightOf(lane, (frame) => this.#x(frame));
    }
    const axisAt = y + 6;
    const { width } = this;
    const legend = this.#legend(width - 2 * PADDING);
    const legendAt = axisAt + 26;
    const height = legendAt + legend.length * LEGEND_ROW + (legend.length > 0 ? PADDING / 2 : 0);

    const grid = this.#time.ticks().map((frame) => {
      const x = this.#x(frame);
      return element('path', { class: 'grid', d: `M${rounded(x)} ${PADDING}V${axisAt}` });
    });
    const box = [
      element('rect', {
        class: 'box',
        x: PADDING,
        y: boxAt,
        width: width - 2 * PADDING,
        height: boxHeight,
        rx: 9,
      }),
      ...code.map((line, index) =>
        element(
          'text',
          { class: 'code', x: PADDING + 14, y: boxAt + 20 + index * CODE_LINE },
          codeLine(line),
        ),
      ),
    ];
    const content = [
      element('title', { id: `${id}-title` }, escaped(title)),
      element('desc', { id: `${id}-desc` }, escaped(`${description} ${this.#told()}`)),
      element('style', {}, STYLE),
      element('rect', { class: 'paper', x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 13 }),
      ...grid,
      ...rows,
      ...box,
      ...this.#axis(axisAt),
      ...legend.map((row, index) => this.#legendRow(row, legendAt + 11 + index * LEGEND_ROW)),
    ];
    return `${element(
      'svg',
      {
        xmlns: 'http://www.w3.org/2000/svg',
        width,
        height,
        viewBox: `0 0 ${width} ${height}`,
        role: 'img',
        'aria-labelledby': `${id}-title ${id}-desc`,
      },
      `\n${content.join('\n')}\n`,
    )}\n`;
  }

  #x(frame: number): number {
    return this.#left + this.#time.x(frame);
  }

  /** Symbols of one track by frame, in their order. */
  #symbols(track: StreamTrack): Map<number, Symbol[]> {
    const frames = new Map<number, Symbol[]>();
    const add = (frame: number, symbol: Symbol): void =>
      void frames.set(frame, [...(frames.get(frame) ?? []), symbol]);
    for (const message of track.messages)
      add(
        message.frame,
        message.kind === 'next'
          ? { kind: 'value', letter: this.#letters.of(message.value) }
          : { kind: message.kind },
      );
    if (isCancelled(track)) add(track.until, { kind: 'stop' });
    return frames;
  }

  #roomOfStream(track: StreamTrack): Room[] {
    const symbols = [...this.#symbols(track)].sort(([a], [b]) => a - b);
    return symbols.slice(1).map(([frame, after], index) => {
      const [from, before] = symbols[index]!;
      const grounds = [before, after].filter(({ length }) => length > 1).length * 5;
      return { from, to: frame, width: before.length * STEP + grounds };
    });
  }

  #reachOfStream(track: StreamTrack): number {
    const [frame, symbols] = [...this.#symbols(track)].sort(([a], [b]) => a - b).at(-1) ?? [track.from, []];
    const remark = remarkOf(track);
    return this.#time.x(frame) + symbols.length * STEP + (remark === '' ? 4 : textWidth(remark) + 13);
  }

  #colour(letter: string): number {
    if (!this.#colours.includes(letter)) this.#colours.push(letter);
    return this.#colours.indexOf(letter) % MARBLE_COLOURS;
  }

  #stream(track: StreamTrack, y: number): string {
    const from = this.#x(track.from);
    const symbols = [...this.#symbols(track)].sort(([a], [b]) => a - b);
    const [lastFrame, lastSymbols] = symbols.at(-1) ?? [track.from, []];
    const endless = track.until === Number.POSITIVE_INFINITY;
    const end = endless ? this.#left + this.#reach - 6 : this.#x(lastFrame) + (lastSymbols.length - 1) * STEP;
    const parts = [this.#name(track.name, y), ...this.#lineOf(track, from, end, y)];
    if (end > from) parts.push(element('circle', { class: 'birth', cx: rounded(from), cy: y, r: 3.2 }));
    if (endless) parts.push(element('path', { class: 'tip', d: `M${rounded(end + 5)} ${y}l-9 -4.5v9z` }));
    parts.push(...this.#breaks(track.from, endless ? Number.POSITIVE_INFINITY : track.until, y, 8));
    for (const [frame, group] of symbols) {
      const x = this.#x(frame);
      if (group.length > 1)
        parts.push(
          element('rect', {
            class: 'together',
            x: rounded(x - MARBLE - 4),
            y: y - MARBLE - 4,
            width: rounded((group.length - 1) * STEP + 2 * MARBLE + 8),
            height: 2 * MARBLE + 8,
            rx: MARBLE + 4,
          }),
        );
      parts.push(...group.map((symbol, index) => this.#symbol(symbol, x + index * STEP, y)));
    }
    const remark = remarkOf(track);
    if (remark !== '') {
      const ground = lastSymbols.length > 1 ? 5 : 0;
      const kind = isCancelled(track) ? 'muted small' : 'failure small';
      parts.push(
        element('text', { class: kind, x: rounded(end + MARBLE + 6 + ground), y: y + 4 }, escaped(remark)),
      );
    }
    return element('g', {}, parts.join(''));
  }

  /** Solid while the source runs, dotted while the consumer waits for something else. */
  #lineOf(track: StreamTrack, from: number, end: number, y: number): string[] {
    if (end <= from) return [];
    const line = (a: number, b: number, waits: boolean): string[] =>
      b - a < 1
        ? []
        : [element('path', { class: waits ? 'line waits' : 'line', d: `M${rounded(a)} ${y}H${rounded(b)}` })];
    if (track.kind === 'attempt') return line(from, end, false);
    const index = this.#consumers.indexOf(track);
    const parts: string[] = [];
    let x = from;
    const mine = this.#attempts.filter(({ consumer }) => consumer === index);
    const waits = (until: number): void => {
      parts.push(...line(x + 5, until, true));
      const quiet = !track.messages.some(({ frame }) => this.#x(frame) > x && this.#x(frame) < until - 1);
      const broken = this.#time.breaks.some((it) => this.#x(it.from) < until && this.#x(it.to) > x);
      if (quiet && !broken && until - x > 76)
        parts.push(
          element(
            'text',
            { class: 'muted small middle', x: rounded((x + 4 + until - MARBLE) / 2), y: y - 6 },
            'waits',
          ),
        );
    };
    for (const { from: start, until } of mine) {
      if (this.#x(start) > x) waits(this.#x(start));
      x = Math.max(x, this.#x(start));
      const stop = Math.min(until === Number.POSITIVE_INFINITY ? end : this.#x(until), end);
      if (stop > x) parts.push(...line(x, stop, false));
      x = Math.max(x, stop);
    }
    if (end > x) {
      const ending = mine.some(({ until }) => until === track.until);
      if (ending) parts.push(...line(x, end, false));
      else waits(end);
    }
    return parts;
  }

  #symbol(symbol: Symbol, x: number, y: number): string {
    switch (symbol.kind) {
      case 'value':
        return (
          element('circle', {
            class: `marble-${this.#colour(symbol.letter)}`,
            cx: rounded(x),
            cy: y,
            r: MARBLE,
          }) + element('text', { class: 'letter', x: rounded(x), y: y + 4.2 }, escaped(symbol.letter))
        );
      case 'complete':
        return element('path', { class: 'line end', d: `M${rounded(x)} ${y - 10}v20` });
      case 'error':
        return element('path', { class: 'cross', d: `M${rounded(x - 6)} ${y - 6}l12 12m0 -12l-12 12` });
      case 'stop':
        return element('rect', { class: 'stop', x: rounded(x - 5), y: y - 5, width: 10, height: 10, rx: 2 });
    }
  }

  #lane(lane: LaneTrack, y: number): string {
    const ground: Ground = {
      left: this.#left,
      end: this.#left + this.#reach - 6,
      y,
      x: (frame) => this.#x(frame),
    };
    const events = lane.shows === 'events';
    const parts = [
      this.#name(lane.name, y),
      ...(events
        ? [
            element('path', {
              class: 'line waits',
              d: `M${rounded(ground.left)} ${y}H${rounded(ground.end)}`,
            }),
          ]
        : []),
    ];
    const breaks = this.#breaks(0, Number.POSITIVE_INFINITY, y, events ? 8 : 14);
    parts.push(...(events ? [...breaks, ...drawLane(lane, ground)] : [...drawLane(lane, ground), ...breaks]));
    return element('g', {}, parts.join(''));
  }

  #name(name: string, y: number): string {
    return element('text', { class: 'name', x: rounded(this.#left - 18), y: y + 4 }, escaped(name));
  }

  /** Two slashes where time is left out. */
  #breaks(from: number, until: number, y: number, half: number): string[] {
    return this.#time.breaks
      .filter((it) => from <= it.from && it.to <= until)
      .map((it) => {
        const x = this.#x(it.to) - 34;
        const slash = (at: number): string => `M${rounded(at - 3)} ${y + half}l6 ${-2 * half}`;
        return (
          element('path', {
            class: 'gap',
            d: `M${rounded(x - 6)} ${y + half}l6 ${-2 * half}h6l-6 ${2 * half}z`,
          }) + element('path', { class: 'line', d: slash(x - 3) + slash(x + 3) })
        );
      });
  }

  #axis(y: number): string[] {
    const numbers = this.#time.ticks().map((frame, index) => {
      const text = index === 0 ? `${frame} ms` : timeWords(frame);
      return element('text', { class: 'muted small middle', x: rounded(this.#x(frame)), y: y + 12 }, text);
    });
    return [...numbers, ...this.#breaks(0, Number.POSITIVE_INFINITY, y + 8, 6)];
  }

  /** What the letters mean, beside their marbles, in as many rows as it takes. */
  #legend(width: number): Entry[][] {
    const messages = [...this.#attempts, ...this.#consumers].flatMap((track) => track.messages);
    const entries = meaningsOf(messages, this.#values).map(([letter, words]) => ({
      letter,
      words,
      width: textWidth(words, 6.2) + 40,
    }));
    return inRows(entries, width);
  }

  #legendRow(entries: readonly Entry[], y: number): string {
    let x = PADDING;
    return entries
      .map(({ letter, words, width }) => {
        const at = x + SWATCH;
        x += width;
        return (
          element('circle', { class: `marble-${this.#colour(letter)}`, cx: rounded(at), cy: y, r: SWATCH }) +
          element('text', { class: 'letter small', x: rounded(at), y: y + 3.8 }, escaped(letter)) +
          element('text', { class: 'muted small', x: rounded(at + SWATCH + 6), y: y + 4 }, escaped(words))
        );
      })
      .join('');
  }

  /** The same in words, for those who do not see it. */
  #told(): string {
    const streams = [...this.#attempts, ...this.#consumers].map((track) => {
      const events = track.messages.map((message) => {
        const what =
          message.kind === 'next'
            ? this.#letters.of(message.value)
            : message.kind === 'error'
              ? `error ${errorWords(message.error)}`.trim()
              : 'complete';
        return `${what} at ${message.frame} ms`;
      });
      const left = isCancelled(track) ? [`unsubscribed at ${track.until} ms`] : [];
      return `${track.name}: ${[`subscribed at ${track.from} ms`, ...events, ...left].join(', ')}.`;
    });
    const lanes = this.#lanes.map(
      (lane) =>
        `${lane.name}: ${[...labelsOf(lane)].map(([frame, labels]) => `${labels.join(' then ')} at ${frame} ms`).join(', ') || 'nothing'}.`,
    );
    return [...streams, ...lanes].join(' ');
  }
}

function remarkOf(track: StreamTrack): string {
  if (isCancelled(track)) return 'unsubscribed';
  const failure = track.messages.find((message) => message.kind === 'error');
  return failure === undefined ? '' : errorWords(failure.error);
}
