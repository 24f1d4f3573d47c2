import type { Paint } from './paint.ts';
import { fit, paragraph, type Row, type Span } from './row.ts';
import type { Fact, Note, Status, Title } from './screen.ts';
import { columnsOf, wrap } from './text.ts';

/** Everything that a picture shows. */
export interface Scene {
  readonly title: Title;
  readonly answer: string;
  /** What was taken back and is not yet overwritten. */
  readonly gone: string;
  readonly notes: readonly Note[];
  readonly status: Status;
  readonly spinner: string;
  readonly circuit: string;
  /** Milliseconds since the beginning. */
  readonly elapsed: number;
  /** Empty until the end. */
  readonly summary: readonly Fact[];
}

/** Rows around the lanes: title, borders and status. */
const AROUND = 7;
const NARROWEST_LANE = 12;
const WIDEST = 124;

/** One picture, as lines of equal length: the answer on the left, what happens on the right. */
export function frameOf(scene: Scene, size: { columns: number; rows: number }, paint: Paint): string[] {
  const { title, circuit, summary } = scene;
  const width = Math.min(size.columns - 1, WIDEST);
  const left = Math.max(NARROWEST_LANE, Math.round((width - 7) * 0.48));
  const right = Math.max(NARROWEST_LANE, width - 7 - left);
  const inner = left + right + 3;
  const line = (text: string): string => paint('dim', text);
  const rule = (length: number, ...label: Row): string => {
    const used = label.reduce((columns, { text }) => columns + columnsOf(text), 0);
    const words = label.map(({ text, tone = 'dim' }) => paint(tone, text)).join('');
    return line('─') + words + line('─'.repeat(Math.max(0, length + 1 - used)));
  };
  const state: Span = { text: `${circuit} `, tone: circuit === 'closed' ? 'good' : 'bad' };

  const answer = answerLane(scene, left);
  const room = Math.max(size.rows - AROUND, 1);
  // While it grows, an answer longer than the screen shows its end; in the last picture it is whole.
  const shown = summary.length > 0 ? answer : answer.slice(-room);
  const notes = scene.notes.flatMap((note) => noteRows(note, right));
  const height = Math.min(Math.max(room, shown.length), Math.max(shown.length, notes.length, 12));
  const happened = notes.slice(-height);

  const lanes = Array.from({ length: height }, (_, index) => {
    const [here, there] = [fit(shown[index] ?? [], left, paint), fit(happened[index] ?? [], right, paint)];
    return `${line('│')} ${here} ${line('│')} ${there} ${line('│')}`;
  });
  return [
    '',
    fit(
      [
        { text: '  ' },
        { text: 'rxjs-resilience', tone: 'strong' },
        { text: ` · ${title.scenario}: ${title.story}`, tone: 'dim' },
      ],
      width,
      paint,
    ),
    line('╭') +
      rule(left, { text: ' answer ' }) +
      line('┬') +
      rule(right, { text: ' events · circuit ' }, state) +
      line('╮'),
    ...lanes,
    line('├') + rule(left) + line('┴') + rule(right) + line('┤'),
    `${line('│')} ${statusLine(scene, inner, paint)} ${line('│')}`,
    line('╰') + rule(inner) + line('╯'),
  ];
}

function answerLane({ title, answer, gone, summary }: Scene, width: number): Row[] {
  const text = answer + gone;
  const body = wrap(text, width).map(({ start, end }): Row => {
    const boundary = Math.min(Math.max(answer.length, start), end);
    return [{ text: text.slice(start, boundary) }, { text: text.slice(boundary, end), tone: 'gone' }];
  });
  return [
    ...paragraph([], `you: ${title.question}`, width, 'dim'),
    [],
    ...body,
    ...(summary.length > 0 ? [[], ...factRows(summary, width)] : []),
  ];
}

function factRows(facts: readonly Fact[], width: number): Row[] {
  const longest = Math.max(...facts.map(({ label }) => label.length));
  return facts.flatMap(({ label, value, tone }) =>
    paragraph([{ text: `${label}:`.padEnd(longest + 2), tone: 'dim' }], value, width, tone),
  );
}

function noteRows({ at, tone, mark, text }: Note, width: number): Row[] {
  const time = `${(at / 1000).toFixed(1).padStart(4)} s  `;
  return paragraph(
    [
      { text: time, tone: 'dim' },
      { text: `${mark} `, tone },
    ],
    text,
    width,
    tone,
  );
}

function statusLine({ status, spinner, elapsed }: Scene, width: number, paint: Paint): string {
  const time = `${(elapsed / 1000).toFixed(1)} s`;
  const row: Row = [{ text: `${spinner} `, tone: 'news' }, { text: status.text }];
  return fit(row, width - columnsOf(time), paint) + paint('dim', time);
}
