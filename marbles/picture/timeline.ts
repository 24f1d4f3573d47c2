/** At least so much room is between two frames, because something stands there. */
export interface Room {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

/** A silence that is not drawn to scale. */
export interface Break {
  readonly from: number;
  readonly to: number;
}

const LONGEST_SILENCE = 14;
const BREAK_WIDTH = 84;

/** Whether a silence of so many frames is left out. */
export const isLong = (silence: number): boolean => silence > LONGEST_SILENCE;

/** Where each frame stands on paper: a millisecond is a unit, but for what needs more room and for silences. */
export class Timeline {
  readonly breaks: readonly Break[];
  readonly last: number;
  readonly #stops: [frame: number, x: number][] = [];

  readonly #unit: number;

  /** @param unit a millisecond on paper. */
  constructor(frames: readonly number[], rooms: readonly Room[], unit: number) {
    this.#unit = unit;
    const stops = [...new Set([0, ...frames])]
      .filter((frame) => Number.isFinite(frame))
      .sort((a, b) => a - b);
    const breaks: Break[] = [];
    let x = 0;
    let before = 0;
    for (const frame of stops) {
      const silent = isLong(frame - before);
      if (silent) breaks.push({ from: before, to: frame });
      x += silent ? BREAK_WIDTH : (frame - before) * unit;
      for (const room of rooms) if (room.to === frame) x = Math.max(x, this.x(room.from) + room.width);
      this.#stops.push([frame, x]);
      before = frame;
    }
    this.breaks = breaks;
    this.last = before;
  }

  x(frame: number): number {
    const index = this.#stops.findIndex(([at]) => at >= frame);
    const [at, x] = this.#stops[index] ?? this.#stops.at(-1) ?? [0, 0];
    const [earlier, start] = this.#stops[index - 1] ?? [at, x];
    return at === frame || index < 0
      ? x + Math.max(0, frame - at) * this.#unit
      : start + ((x - start) * (frame - earlier)) / (at - earlier);
  }

  /** Round milliseconds that are drawn to scale, those behind a break, and the last one. */
  ticks(): number[] {
    const landings = this.breaks.map(({ to }) => to);
    const ticks = [0];
    for (let frame = 5; frame < this.last; frame += 5) {
      const left = this.breaks.find(({ from, to }) => from < frame && frame < to);
      if (left === undefined) ticks.push(frame);
      // On to the last round one before its end, however long the silence is.
      else frame = Math.max(frame, Math.ceil(left.to / 5) * 5 - 5);
    }
    const roomy = (frame: number, others: readonly number[]): boolean =>
      others.every((other) => other === frame || Math.abs(this.x(other) - this.x(frame)) >= 34);
    const kept = landings.filter((frame) => roomy(frame, [0]));
    for (const frame of [...ticks, this.last])
      if (!kept.includes(frame) && (frame === 0 || roomy(frame, kept))) kept.push(frame);
    return kept.sort((a, b) => a - b);
  }
}
