import type { Paint } from './paint.ts';
import type { Fact, Note, Output, Screen, Title } from './screen.ts';
import { columnsOf } from './text.ts';

const INDENT = 11;
const indent = ' '.repeat(INDENT);

/** One line after the other: for pipes, logs, and terminals too narrow for two lanes. The answer is one paragraph. */
export class PlainScreen implements Screen {
  readonly #out: Output;
  readonly #paint: Paint;
  /** Where the answer breaks; a pipe gets it in one piece. The last column stays free: terminals disagree about it. */
  readonly #width: number;
  /** Columns of the line of the answer that is being written; 0 between lines. */
  #column = 0;
  /** The word that is not yet known to fit on this line. */
  #word = '';

  constructor(out: Output, paint: Paint, { scenario, story, question }: Title) {
    this.#out = out;
    this.#paint = paint;
    // Some terminals say 0 when they do not know.
    const columns = out.columns === undefined || out.columns === 0 ? 80 : out.columns;
    this.#width = out.isTTY === true ? Math.max(INDENT + 20, columns - 1) : Number.POSITIVE_INFINITY;
    out.write(`\n${paint('strong', 'rxjs-resilience')} ${paint('dim', '·')} ${scenario}: ${story}\n\n`);
    out.write(`${indent}${paint('dim', `you: ${question}`)}\n\n`);
  }

  say(text: string): void {
    if (this.#width === Number.POSITIVE_INFINITY) return this.#write(text);
    for (const piece of text.match(/\s+|\S+/g) ?? []) {
      if (piece.trim() !== '') this.#word += piece;
      else {
        this.#flush();
        this.#write(piece);
      }
    }
  }

  /** What is on paper stays there: the note that comes with it says that it is void. */
  retract(): void {
    this.#endLine();
  }

  note({ at, tone, mark, text }: Note): void {
    this.#endLine();
    const time = `${(at / 1000).toFixed(2)} s`.padStart(INDENT - 4);
    this.#out.write(`${this.#paint('dim', time)}  ${this.#paint(tone, mark)} ${this.#paint(tone, text)}\n`);
  }

  /** Nothing can be shown for a while only. */
  status(): void {}

  circuit(): void {}

  end(summary: readonly Fact[]): void {
    this.#endLine();
    const width = Math.max(0, ...summary.map(({ label }) => label.length));
    const lines = summary.map(({ label, value, tone }) => {
      return `${indent}${this.#paint('dim', `${label}:`.padEnd(width + 1))} ${this.#paint(tone, value)}\n`;
    });
    if (lines.length > 0) this.#out.write(`\n${lines.join('')}\n`);
  }

  #flush(): void {
    const word = this.#word;
    this.#word = '';
    if (this.#column > 0 && this.#column + columnsOf(word) > this.#width) this.#endLine();
    this.#write(word);
  }

  #write(text: string): void {
    for (const [index, line] of text.split('\n').entries()) {
      if (index > 0) this.#endLine();
      if (line === '') continue;
      if (this.#column === 0) this.#out.write(indent);
      this.#column = (this.#column || INDENT) + columnsOf(line);
      this.#out.write(line);
    }
  }

  #endLine(): void {
    if (this.#word !== '') this.#flush();
    if (this.#column > 0) this.#out.write('\n');
    this.#column = 0;
  }
}
