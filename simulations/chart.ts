import { dark, light } from '../marbles/picture/palette.ts';
import { element, escaped, inRows, rounded, textWidth } from '../marbles/picture/typography.ts';
import type { Chart, Curve, Point } from './scenario.ts';

const WIDTH = 760;
const PADDING = 20;
const HEIGHT = 220;
const LEGEND_ROW = 20;
const SWATCH = 22;
/** Beside a line of text. */
const GAP = 8;
const TICKS = 6;

/** The curves as a picture that explains itself, in light and in dark surroundings. */
export function drawn(chart: Chart, id: string): string {
  return new Drawing(chart, id).print();
}

class Drawing {
  readonly #chart: Chart;
  readonly #id: string;
  readonly #from: number;
  readonly #until: number;
  readonly #yTicks: readonly number[];
  readonly #left: number;
  #top = 0;

  constructor(chart: Chart, id: string) {
    this.#chart = chart;
    this.#id = id;
    const points = chart.curves.flatMap(({ points }) => points);
    const xs = points.map(([x]) => x);
    this.#from = Math.min(...xs);
    this.#until = Math.max(...xs);
    this.#yTicks = ticks(0, chart.top ?? Math.max(...points.map(([, y]) => y)) * 1.05);
    this.#left = PADDING + Math.max(...this.#yTicks.map((tick) => textWidth(label(tick), 6.4))) + GAP;
  }

  print(): string {
    const { title, description, curves, spans = [], x, y } = this.#chart;
    const legend = this.#legend();
    this.#top = PADDING + 24 + legend.height + 26;
    const height = this.#bottom + 44;
    const drawn = curves.map((curve, index) => this.#curve(curve, index));
    const body = [
      element('rect', { class: 'paper', x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 12 }),
      text('title', PADDING, PADDING + 12, title),
      legend.markup,
      text('small muted', PADDING, this.#top - GAP - 4, y),
      ...spans.map((span) => this.#span(span)),
      ...this.#yTicks.map((tick) => this.#gridLine(tick)),
      ...ticks(this.#from, this.#until, x === 'seconds' ? SECONDS : DECIMAL)
        .filter((tick) => tick <= this.#until)
        .map((tick) => text('small muted middle', this.#x(tick), this.#bottom + 18, label(tick))),
      text('small muted middle', (this.#left + this.#right) / 2, this.#bottom + 34, x),
      // The first curve lies above the others, and a bound above all that it bounds.
      ...drawn.filter((_, index) => curves[index]?.style !== 'bound').reverse(),
      ...drawn.filter((_, index) => curves[index]?.style === 'bound'),
    ];
    return `${element(
      'svg',
      {
        xmlns: 'http://www.w3.org/2000/svg',
        width: WIDTH,
        height,
        viewBox: `0 0 ${WIDTH} ${height}`,
        role: 'img',
        'aria-labelledby': `${this.#id}-title ${this.#id}-desc`,
      },
      [
        element('title', { id: `${this.#id}-title` }, escaped(title)),
        element('desc', { id: `${this.#id}-desc` }, escaped(description)),
        element('style', {}, STYLE),
        ...body,
      ].join('\n'),
    )}\n`;
  }

  #legend(): { markup: string; height: number } {
    const entries = this.#chart.curves.map(({ name, style }, index) => ({
      name,
      look: lookOf(style, index),
      width: SWATCH + GAP + textWidth(name) + 2 * GAP,
    }));
    const rows = inRows(entries, WIDTH - 2 * PADDING);
    const markup = rows.flatMap((row, line) => {
      let x = PADDING;
      const y = PADDING + 24 + line * LEGEND_ROW + 10;
      return row.flatMap(({ name, look, width }) => {
        const at = x;
        x += width;
        return [
          element('path', { class: look, d: `M${rounded(at)} ${y}h${SWATCH}` }),
          text('small', at + SWATCH + GAP, y + 4, name),
        ];
      });
    });
    return { markup: markup.join('\n'), height: rows.length * LEGEND_ROW };
  }

  #span({ name, from, until }: { name: string; from: number; until: number }): string {
    const [start, end] = [this.#x(from), this.#x(until)];
    const middle = (start + end) / 2;
    return [
      element('rect', {
        class: 'span',
        x: start,
        y: this.#top,
        width: rounded(end - start),
        height: HEIGHT,
      }),
      text('small muted middle', middle, this.#top - GAP - 4, name),
    ].join('\n');
  }

  #gridLine(tick: number): string {
    const y = this.#y(tick);
    return [
      element('path', {
        class: tick === 0 ? 'axis' : 'grid',
        d: `M${rounded(this.#left)} ${y}H${this.#right}`,
      }),
      text('small muted end', this.#left - GAP, y + 4, label(tick)),
    ].join('\n');
  }

  #curve({ points, style }: Curve, index: number): string {
    return element('path', { class: lookOf(style, index), d: this.#path(points, style) });
  }

  /** Moves that lead nowhere are left out: a pixel shows no more than one. */
  #path(points: readonly Point[], style: Curve['style']): string {
    let path = '';
    let [lastX, lastY] = [Number.NaN, Number.NaN];
    for (const [x, y] of points) {
      const [atX, atY] = [this.#x(x), this.#y(y)];
      if (path === '') path = `M${atX} ${atY}`;
      else if (style === 'steps')
        path += `${atX === lastX ? '' : `H${atX}`}${atY === lastY ? '' : `V${atY}`}`;
      else if (atX !== lastX || atY !== lastY) path += `L${atX} ${atY}`;
      [lastX, lastY] = [atX, atY];
    }
    return path;
  }

  #x(x: number): number {
    const share = (x - this.#from) / (this.#until - this.#from);
    return rounded(this.#left + share * (this.#right - this.#left));
  }

  #y(y: number): number {
    const highest = this.#yTicks.at(-1) as number;
    return rounded(this.#bottom - (Math.min(y, highest) / highest) * HEIGHT);
  }

  get #right(): number {
    return WIDTH - PADDING - GAP;
  }

  get #bottom(): number {
    return this.#top + HEIGHT;
  }
}

const DECIMAL = [1, 2, 2.5, 5, 10];
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];

/** Round numbers, a few of them, from the first to beyond the last. */
function ticks(from: number, until: number, steps: readonly number[] = DECIMAL): number[] {
  const rough = (until - from) / TICKS;
  const power = steps === DECIMAL ? 10 ** Math.floor(Math.log10(rough)) : 1;
  const step = (steps.find((factor) => factor * power >= rough) ?? steps.at(-1)!) * power;
  const count = Math.ceil((until - from) / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => from + index * step);
}

const label = (tick: number): string => Number(tick.toPrecision(6)).toLocaleString('en-US');

const lookOf = (style: Curve['style'], index: number): string =>
  style === 'bound' ? 'curve bound' : `curve curve-${index % light.marbles.length}`;

const text = (style: string, x: number, y: number, content: string): string =>
  element('text', { class: style, x: rounded(x), y: rounded(y) }, escaped(content));

const colours = (look: typeof dark): string =>
  [
    `.paper{fill:${look.paper};stroke:${look.edge}}.grid{stroke:${look.grid}}.axis{stroke:${look.line}}`,
    `text{fill:${look.ink}}.muted{fill:${look.muted}}.span{fill:${look.unsure[0]}}.bound{stroke:${look.error}}`,
    ...look.marbles.map((colour, index) => `.curve-${index}{stroke:${colour}}`),
  ].join('');

const STYLE = [
  'text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}',
  '.title{font-size:14px;font-weight:600}.small{font-size:11px}.middle{text-anchor:middle}.end{text-anchor:end}',
  '.curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.curve-0{stroke-width:2.6}',
  '.bound{stroke-width:1.6;stroke-dasharray:5 4;stroke-linecap:butt}.span{opacity:.55}',
  colours(light),
  `@media(prefers-color-scheme:dark){${colours(dark)}}`,
].join('');
