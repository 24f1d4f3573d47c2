import { Letters } from '../../src/testing/letters.ts';
import {
  type AttemptTrack,
  type ConsumerTrack,
  isCancelled,
  type LaneTrack,
  type Recording,
} from '../recording.ts';
import { MARBLE_COLOURS, STYLE } from './palette.ts';
import { isLong, type Room, Timeline, UNIT } from './timeline.ts';
import { codeLine, element, escaped, fits, monoWidth, textWidth } from './typography.ts';
import { errorWords, meaningsOf, wordsOf } from './words.ts';

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
const CODE_LINE = 18;

/** One thing that stands on a line. */
type Symbol =
  | { readonly kind: 'value'; readonly letter: string }
  | { readonly kind: 'error' | 'complete' | 'stop' };

type StreamTrack = AttemptTrack | ConsumerTrack;

/** A picture of what happened: attempts above the operator, consumers below it, states and events beneath. */
export function svg(recording: Recording, caption: Caption): string {
  return new Drawing(recording, caption).print();
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

  constructor({ attempts, consumers, lanes, values }: Recording, caption: Caption) {
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
    );
    this.#reach = this.#time.x(this.#time.last) + UNIT;
    for (const track of streams) this.#reach = Math.max(this.#reach, this.#reachOfStream(track));
    for (const lane of lanes) this.#reach = Math.max(this.#reach, this.#reachOfLane(lane));
    this.#reach = Math.max(
      this.#reach,
      Math.max(...caption.code.map(monoWidth)) + 28 + PADDING - this.#left,
      300,
    );
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
    for (const lane of this.#lanes) rows.push(this.#lane(lane, nextRow()));
    const axisAt = y + 6;
    const width = Math.ceil(this.#left + this.#reach + PADDING);
    const legend = this.#legend(width - 2 * PADDING);
    const legendAt = axisAt + 22;
    const height = legendAt + legend.length * 18 + (legend.length > 0 ? PADDING : 4);

    const grid = this.#time.ticks().map((frame) => {
      const x = this.#x(frame);
      return element('path', { class: 'grid', d: `M${n(x)} ${PADDING}V${axisAt}` });
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
      ...legend.map((line, index) =>
        element('text', { class: 'muted small', x: PADDING, y: legendAt + 12 + index * 18 }, escaped(line)),
      ),
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
    return symbols.slice(1).map(([frame], index) => {
      const [from, before] = symbols[index]!;
      return { from, to: frame, width: before.length * STEP };
    });
  }

  #reachOfStream(track: StreamTrack): number {
    const [frame, symbols] = [...this.#symbols(track)].sort(([a], [b]) => a - b).at(-1) ?? [track.from, []];
    const remark = remarkOf(track);
    return this.#time.x(frame) + symbols.length * STEP + (remark === '' ? 4 : textWidth(remark) + 13);
  }

  #reachOfLane(lane: LaneTrack): number {
    const last = lane.messages.at(-1);
    if (last === undefined) return 0;
    const labels = labelsOf(lane).get(last.frame) ?? [];
    const width = lane.shows === 'state' ? stateWidth(labels) : pillsWidth(labels);
    return this.#time.x(last.frame) + width + 10;
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
    if (end > from) parts.push(element('circle', { class: 'birth', cx: n(from), cy: y, r: 3.2 }));
    if (endless) parts.push(element('path', { class: 'tip', d: `M${n(end + 5)} ${y}l-9 -4.5v9z` }));
    parts.push(...this.#breaks(track.from, endless ? Number.POSITIVE_INFINITY : track.until, y, 8));
    for (const [frame, group] of symbols) {
      const x = this.#x(frame);
      if (group.length > 1)
        parts.push(
          element('rect', {
            class: 'together',
            x: n(x - MARBLE - 4),
            y: y - MARBLE - 4,
            width: n((group.length - 1) * STEP + 2 * MARBLE + 8),
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
        element('text', { class: kind, x: n(end + MARBLE + 6 + ground), y: y + 4 }, escaped(remark)),
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
        : [element('path', { class: waits ? 'line waits' : 'line', d: `M${n(a)} ${y}H${n(b)}` })];
    if (track.kind === 'attempt') return line(from, end, false);
    const index = this.#consumers.indexOf(track);
    const parts: string[] = [];
    let x = from;
    const mine = this.#attempts.filter(({ consumer }) => consumer === index);
    const waits = (until: number): void => {
      parts.push(...line(x + 5, until, true));
      const quiet = !track.messages.some(({ frame }) => this.#x(frame) > x && this.#x(frame) < until - 1);
      const broken = this.#time.breaks.some((it) => this.#x(it.from) < until && this.#x(it.to) > x);
      if (quiet && !broken && until - x > 62)
        parts.push(
          element(
            'text',
            { class: 'muted small middle', x: n((x + 4 + until - MARBLE) / 2), y: y - 6 },
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
          element('circle', { class: `marble-${this.#colour(symbol.letter)}`, cx: n(x), cy: y, r: MARBLE }) +
          element('text', { class: 'letter', x: n(x), y: y + 4.2 }, escaped(symbol.letter))
        );
      case 'complete':
        return element('path', { class: 'line end', d: `M${n(x)} ${y - 10}v20` });
      case 'error':
        return element('path', { class: 'cross', d: `M${n(x - 6)} ${y - 6}l12 12m0 -12l-12 12` });
      case 'stop':
        return element('rect', { class: 'stop', x: n(x - 5), y: y - 5, width: 10, height: 10, rx: 2 });
    }
  }

  #lane(lane: LaneTrack, y: number): string {
    const parts = [this.#name(lane.name, y)];
    const end = this.#left + this.#reach - 6;
    const labels = [...labelsOf(lane)];
    if (lane.shows === 'events') {
      parts.push(element('path', { class: 'line waits', d: `M${n(this.#left)} ${y}H${n(end)}` }));
      parts.push(...this.#breaks(0, Number.POSITIVE_INFINITY, y, 8));
      for (const [frame, group] of labels) parts.push(pills(group, this.#x(frame), y));
      return element('g', {}, parts.join(''));
    }
    for (const [index, [frame, group]] of labels.entries()) {
      const x = this.#x(frame);
      const next = labels[index + 1]?.[0];
      const until = next === undefined ? end : this.#x(next);
      const mood = moodOf(group.at(-1) ?? '');
      const label = stateLabel(group);
      parts.push(
        element('rect', { class: mood, x: n(x), y: y - 12, width: n(until - x - 1.5), height: 24, rx: 5 }),
        element('text', { class: `state-text small ${mood}-text`, x: n(x + 8), y: y + 4 }, escaped(label)),
      );
    }
    parts.push(...this.#breaks(0, Number.POSITIVE_INFINITY, y, 14));
    return element('g', {}, parts.join(''));
  }

  #name(name: string, y: number): string {
    return element('text', { class: 'name', x: n(this.#left - 18), y: y + 4 }, escaped(name));
  }

  /** Two slashes where time is left out. */
  #breaks(from: number, until: number, y: number, half: number): string[] {
    return this.#time.breaks
      .filter((it) => from <= it.from && it.to <= until)
      .map((it) => {
        const x = this.#x(it.to) - 34;
        const slash = (at: number): string => `M${n(at - 3)} ${y + half}l6 ${-2 * half}`;
        return (
          element('path', { class: 'gap', d: `M${n(x - 6)} ${y + half}l6 ${-2 * half}h6l-6 ${2 * half}z` }) +
          element('path', { class: 'line', d: slash(x - 3) + slash(x + 3) })
        );
      });
  }

  #axis(y: number): string[] {
    const numbers = this.#time.ticks().map((frame, index) => {
      const text = index === 0 ? `${frame} ms` : String(frame);
      return element('text', { class: 'muted small middle', x: n(this.#x(frame)), y: y + 12 }, text);
    });
    return [...numbers, ...this.#breaks(0, Number.POSITIVE_INFINITY, y + 8, 6)];
  }

  /** What the letters mean, in as many lines as it takes. */
  #legend(width: number): string[] {
    const messages = [...this.#attempts, ...this.#consumers].flatMap((track) => track.messages);
    const meanings = meaningsOf(messages, this.#values).map((meaning) => meaning.replace(' ', ' = '));
    return fits(meanings, width, 6.4);
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

/** What a lane says, by frame. */
function labelsOf({ messages }: LaneTrack): Map<number, string[]> {
  const frames = new Map<number, string[]>();
  for (const message of messages) {
    const label = message.kind === 'next' ? wordsOf(message.value) : message.kind;
    frames.set(message.frame, [...(frames.get(message.frame) ?? []), label]);
  }
  return frames;
}

function roomOfLane(lane: LaneTrack): Room[] {
  const labels = [...labelsOf(lane)];
  return labels.slice(1).map(([to], index) => {
    const [from, before] = labels[index]!;
    const own = lane.shows === 'state' ? stateWidth(before) : pillsWidth(before);
    return { from, to, width: own + (isLong(to - from) ? 44 : 8) };
  });
}

const stateLabel = (labels: readonly string[]): string => labels.join(' › ');
const stateWidth = (labels: readonly string[]): number => textWidth(stateLabel(labels)) + 14;
const pillWidth = (label: string): number => textWidth(label, 6.4) + 14;
const pillsWidth = (labels: readonly string[]): number =>
  labels.reduce((width, label) => width + pillWidth(label) + 4, 0);

/** What is announced at a frame; a notch points at its time. */
function pills(labels: readonly string[], x: number, y: number): string {
  let left = x - MARBLE;
  return labels
    .map((label) => {
      const width = pillWidth(label);
      const mood = moodOf(label);
      const at = left;
      left += width + 4;
      return (
        element('rect', { class: mood, x: n(at), y: y - 11, width: n(width), height: 22, rx: 11 }) +
        element(
          'text',
          { class: `small middle ${mood}-text`, x: n(at + width / 2), y: y + 4 },
          escaped(label),
        )
      );
    })
    .join('');
}

type Mood = 'well' | 'ill' | 'unsure' | 'count' | 'none';

/** States and events have the colours of a traffic light, counts are blue. */
function moodOf(label: string): Mood {
  if (/half/.test(label)) return 'unsure';
  if (/open|reject|exhausted|timed|failed/.test(label)) return 'ill';
  if (/closed|completed/.test(label)) return 'well';
  if (/^(0|disabled|metrics-only)$/.test(label)) return 'none';
  return 'count';
}

const n = (value: number): number => Math.round(value * 10) / 10;
