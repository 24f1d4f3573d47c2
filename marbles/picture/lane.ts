import type { LaneTrack } from '../recording.ts';
import { isLong, type Room } from './timeline.ts';
import { element, escaped, rounded, textWidth } from './typography.ts';
import { wordsOf } from './words.ts';

/** Where a lane is drawn. */
export interface Ground {
  readonly left: number;
  readonly end: number;
  readonly y: number;
  x(frame: number): number;
}

const HALF = 12;
const HIGHEST = 2 * HALF - 2;
const LABEL_HEIGHT = 13;
const PILL_ROW = 2 * HALF + 3;

/** What a lane says, by frame. */
export function labelsOf({ messages }: LaneTrack): Map<number, string[]> {
  const frames = new Map<number, string[]>();
  for (const message of messages) {
    const label = message.kind === 'next' ? wordsOf(message.value) : message.kind;
    frames.set(message.frame, [...(frames.get(message.frame) ?? []), label]);
  }
  return frames;
}

/** Events make no room for each other: what has none stands below. */
export function roomOfLane(lane: LaneTrack): Room[] {
  if (lane.shows === 'events') return [];
  const labels = [...labelsOf(lane)];
  return labels.slice(1).map(([to], index) => {
    const [from, before] = labels[index]!;
    return { from, to, width: widthOf(lane, before) + (isLong(to - from) ? 44 : 8) };
  });
}

/** How much room what a lane says takes from its moment on. */
export function reachesOfLane(lane: LaneTrack): { readonly frame: number; readonly width: number }[] {
  const labels = [...labelsOf(lane)].map(([frame, group]) => ({ frame, width: widthOf(lane, group) + 10 }));
  return lane.shows === 'events' ? labels : labels.slice(-1);
}

/** How much higher than others a lane is, because its events have several rows. */
export function extraHeightOf(lane: LaneTrack, x: (frame: number) => number): number {
  return lane.shows === 'events' ? Math.max(0, ...pillsOf(lane, x).map(({ row }) => row)) * PILL_ROW : 0;
}

/** What was watched, without its name: bars of states, steps of a level, pills of events. */
export function drawLane(lane: LaneTrack, ground: Ground): string[] {
  switch (lane.shows) {
    case 'state':
      return bars(lane, ground);
    case 'level':
      return steps(lane, ground);
    case 'events':
      return pillsOf(lane, (frame) => ground.x(frame)).map((it) => pill(it, ground.y));
  }
}

function widthOf({ shows }: LaneTrack, labels: readonly string[]): number {
  if (shows === 'state') return textWidth(stateLabel(labels)) + 14;
  if (shows === 'level') return textWidth(labels.at(-1) ?? '') + 8;
  return Math.max(...labels.map(pillWidth));
}

const stateLabel = (labels: readonly string[]): string => labels.join(' › ');
const pillWidth = (label: string): number => textWidth(label, 6.4) + 14;

function bars(lane: LaneTrack, { x, y, end }: Ground): string[] {
  const labels = [...labelsOf(lane)];
  return labels.map(([frame, group], index) => {
    const next = labels[index + 1]?.[0];
    const [from, until] = [x(frame), next === undefined ? end : x(next)];
    const mood = moodOf(group.at(-1) ?? '');
    return (
      element('rect', {
        class: mood,
        x: rounded(from),
        y: y - HALF,
        width: rounded(until - from - 1.5),
        height: 2 * HALF,
        rx: 5,
      }) +
      element(
        'text',
        { class: `state-text small ${mood}-text`, x: rounded(from + 8), y: y + 4 },
        escaped(stateLabel(group)),
      )
    );
  });
}

/** As high as the number says, the highest one as high as the lane. */
function steps(lane: LaneTrack, { x, y, end }: Ground): string[] {
  const levels = [...labelsOf(lane)].map(([frame, group]) => [frame, Number(group.at(-1))] as const);
  const highest = Math.max(...levels.map(([, level]) => level));
  const floor = y + HALF;
  const top = (level: number): number =>
    rounded(floor - (highest > 0 ? (Math.max(level, 0) / highest) * HIGHEST : 0));
  const line = levels
    .map(
      ([frame, level], index) =>
        `${index === 0 ? 'M' : 'H'}${rounded(x(frame))}${index === 0 ? ' ' : 'V'}${top(level)}`,
    )
    .join('');
  const start = rounded(x(levels[0]?.[0] ?? 0));
  return [
    element('path', { class: 'level', d: `${line}H${rounded(end)}V${floor}H${start}z` }),
    element('path', { class: 'level-line', d: `${line}H${rounded(end)}` }),
    ...levels.map(([frame, level]) => {
      const inside = floor - top(level) > LABEL_HEIGHT + 2;
      return element(
        'text',
        {
          class: `state-text small ${level === 0 ? 'none' : 'count'}-text`,
          x: rounded(x(frame) + 6),
          y: rounded(top(level) + (inside ? LABEL_HEIGHT : -4)),
        },
        String(level),
      );
    }),
  ];
}

interface Pill {
  readonly label: string;
  readonly left: number;
  readonly width: number;
  readonly row: number;
}

/** What is announced, each at its time, in the first row that has room behind all that was announced before. */
function pillsOf(lane: LaneTrack, x: (frame: number) => number): Pill[] {
  const ends: number[] = [];
  return [...labelsOf(lane)].flatMap(([frame, labels]) => {
    let above = -1;
    return labels.map((label) => {
      const left = x(frame) - HALF;
      const width = pillWidth(label);
      // In one moment the first stands on top.
      const free = ends.findIndex((end, index) => index > above && end + 4 <= left);
      const row = free === -1 ? Math.max(ends.length, above + 1) : free;
      above = row;
      ends[row] = left + width;
      return { label, left, width, row };
    });
  });
}

/** @param y the middle of the first row. */
function pill({ label, left, width, row }: Pill, y: number): string {
  const middle = y + row * PILL_ROW;
  const mood = moodOf(label);
  return (
    element('rect', {
      class: mood,
      x: rounded(left),
      y: middle - HALF,
      width: rounded(width),
      height: 2 * HALF,
      rx: HALF,
    }) +
    element(
      'text',
      { class: `small middle ${mood}-text`, x: rounded(left + width / 2), y: middle + 4 },
      escaped(label),
    )
  );
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
