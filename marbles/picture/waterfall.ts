import { STYLE } from './palette.ts';
import { element, escaped, rounded as n, textWidth } from './typography.ts';

/** A span as it is drawn; times are milliseconds from the beginning of the trace. */
export interface Bar {
  readonly name: string;
  /** 0 for the root. */
  readonly depth: number;
  readonly from: number;
  readonly to: number;
  readonly mood: 'count' | 'well' | 'ill' | 'none';
  /** What stands behind it. */
  readonly remark: string;
  /** When its first content came. */
  readonly spoke?: number | undefined;
}

/** Something that happened at a time. */
export interface Note {
  readonly at: number;
  readonly name: string;
  readonly remark: string;
  readonly mood: Bar['mood'];
}

export interface Trace {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly bars: readonly Bar[];
  readonly notes: readonly Note[];
}

const PADDING = 20;
const ROW = 30;
const NOTE = 25;
const BAR = 18;
const CHART = 560;
const AXIS = 22;

/** A trace as a waterfall: its spans one below the other, and what happened meanwhile. */
export function waterfall({ id, title, description, bars, notes }: Trace): string {
  const last = Math.max(...bars.map(({ to }) => to));
  const left = PADDING + Math.max(...bars.map(({ name, depth }) => textWidth(name, 7.2) + depth * 16)) + 20;
  const x = (at: number): number => left + (at / last) * CHART;
  const top = PADDING + AXIS;
  const barsEnd = top + bars.length * ROW;
  const notesAt = barsEnd + 14;
  const height = notesAt + notes.length * NOTE + PADDING;
  const reach = Math.max(
    ...bars.map(({ to, remark }) => x(to) + 8 + textWidth(remark, 6.2)),
    ...notes.map(({ at, name, remark }) => x(at) + 20 + textWidth(`${name}  ${remark}`, 6.4)),
    left + CHART,
  );
  const width = Math.ceil(reach + PADDING);

  const ticks = ticksOf(last).flatMap((at) => [
    element('path', { class: 'grid', d: `M${n(x(at))} ${top - 4}V${height - PADDING}` }),
    element('text', { class: 'muted small middle', x: n(x(at)), y: PADDING + 10 }, secondsOf(at)),
  ]);
  const rows = bars.flatMap(({ name, depth, from, to, mood, remark, spoke }, index) => {
    const y = top + index * ROW + (ROW - BAR) / 2;
    const middle = y + BAR / 2 + 4;
    const size = { x: n(x(from)), y, width: n(Math.max(x(to) - x(from), 2)), height: BAR, rx: 4 };
    return [
      element(
        'text',
        { class: depth === 0 ? 'state-text' : '', x: PADDING + depth * 16, y: middle },
        escaped(name),
      ),
      element('rect', { class: mood, ...size }),
      ...(spoke === undefined
        ? []
        : [element('path', { class: 'line end', d: `M${n(x(spoke))} ${y + 4}v${BAR - 8}` })]),
      element('text', { class: 'muted small', x: n(x(to) + 8), y: middle }, escaped(remark)),
    ];
  });
  const noteAt = (index: number): number => notesAt + index * NOTE + NOTE / 2;
  const threads = [...new Set(notes.map(({ at }) => at))].map((at) => {
    const lowest = noteAt(notes.findLastIndex((note) => note.at === at));
    return element('path', {
      class: 'line waits',
      opacity: 0.35,
      d: `M${n(x(at))} ${barsEnd}V${n(lowest - 6)}`,
    });
  });
  const happened = notes.flatMap(({ at, name, remark, mood }, index) => {
    const y = noteAt(index);
    const words = `${escaped(name)}${element('tspan', { class: 'muted', dx: 8 }, escaped(remark))}`;
    return [
      element('path', { class: mood, d: `M${n(x(at))} ${n(y - 6)}l6 6l-6 6l-6 -6z` }),
      element('text', { class: 'small', x: n(x(at) + 13), y: n(y + 4) }, words),
    ];
  });
  const content = [
    element('title', { id: `${id}-title` }, escaped(title)),
    element('desc', { id: `${id}-desc` }, escaped(description)),
    element('style', {}, STYLE),
    element('rect', { class: 'paper', x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 13 }),
    ...ticks,
    ...rows,
    ...threads,
    ...happened,
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

/** A handful of round times. */
function ticksOf(last: number): number[] {
  const step = [50, 100, 250, 500, 1_000, 2_500, 5_000].find((it) => last / it <= 8) ?? 10_000;
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, index) => index * step);
}

const secondsOf = (milliseconds: number): string => `${milliseconds / 1_000} s`;
