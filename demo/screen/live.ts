import { frameOf, type Scene } from './frame.ts';
import type { Paint } from './paint.ts';
import type { Fact, Note, Output, Screen, Status, Title } from './screen.ts';

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_TIME = 80;
/** How long words that were taken back stay visible where new ones have not yet taken their place. */
const AFTERGLOW = 1_000;

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CLEAR_SCREEN = '\x1b[2J\x1b[H';

/** Two lanes, redrawn in place. */
export class LiveScreen implements Screen {
  readonly #out: Output;
  readonly #paint: Paint;
  readonly #title: Title;
  readonly #begun = performance.now();
  readonly #notes: Note[] = [];
  readonly #ticker: NodeJS.Timeout;
  #answer = '';
  #gone = '';
  #goneAt = 0;
  #status: Status = { text: '' };
  #statusSince = 0;
  #circuit = 'closed';
  /** Lines of the last picture, above the cursor. */
  #height = 0;
  #redrawing: NodeJS.Immediate | undefined;

  constructor(out: Output, paint: Paint, title: Title) {
    this.#out = out;
    this.#paint = paint;
    this.#title = title;
    out.write(HIDE_CURSOR);
    out.on('resize', this.#resized);
    this.#ticker = setInterval(() => this.#draw(), FRAME_TIME);
    this.#draw();
  }

  say(text: string): void {
    this.#answer += text;
    this.#change();
  }

  retract(): void {
    this.#gone = this.#answer;
    this.#goneAt = this.#elapsed;
    this.#answer = '';
    this.#change();
  }

  note(note: Note): void {
    this.#notes.push(note);
    this.#change();
  }

  status(status: Status): void {
    this.#status = status;
    this.#statusSince = this.#elapsed;
    this.#change();
  }

  circuit(state: string): void {
    this.#circuit = state;
    this.#change();
  }

  end(summary: readonly Fact[]): void {
    clearInterval(this.#ticker);
    clearImmediate(this.#redrawing);
    this.#out.off('resize', this.#resized);
    this.#gone = '';
    this.#draw(summary);
    this.#out.write(SHOW_CURSOR);
  }

  get #elapsed(): number {
    return performance.now() - this.#begun;
  }

  /** What changes in one turn is one picture. */
  #change(): void {
    this.#redrawing ??= setImmediate(() => this.#draw());
  }

  readonly #resized = (): void => {
    // The terminal has broken the old lines anew, so nobody knows where they are.
    this.#height = 0;
    this.#out.write(CLEAR_SCREEN);
    this.#draw();
  };

  #draw(summary: readonly Fact[] = []): void {
    this.#redrawing = undefined;
    const { columns = 80, rows = 24 } = this.#out;
    const lines = frameOf(this.#scene(summary), { columns, rows }, this.#paint);
    const up = this.#height > 0 ? `\x1b[${this.#height}A\r` : '';
    this.#height = lines.length;
    this.#out.write(`${up}${lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join('')}${CLEAR_BELOW}`);
  }

  #scene(summary: readonly Fact[]): Scene {
    const elapsed = this.#elapsed;
    const { text, lasts } = this.#status;
    const left = Math.max(0, (lasts ?? 0) - (elapsed - this.#statusSince)) / 1000;
    const ended = summary.length > 0;
    return {
      title: this.#title,
      answer: this.#answer,
      gone: elapsed - this.#goneAt < AFTERGLOW ? this.#gone.slice(this.#answer.length) : '',
      notes: this.#notes,
      status: { text: lasts === undefined ? text : `${text} ${left.toFixed(1)} s` },
      spinner: ended ? '■' : SPINNER.charAt(Math.floor(elapsed / FRAME_TIME) % SPINNER.length),
      circuit: this.#circuit,
      elapsed,
      summary,
    };
  }
}
