import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { frameOf, type Scene } from '../../demo/screen/frame.ts';
import { LiveScreen } from '../../demo/screen/live.ts';
import { coloured, plain } from '../../demo/screen/paint.ts';
import { PlainScreen } from '../../demo/screen/plain.ts';
import { columnsOf, harmless, wrap } from '../../demo/screen/text.ts';
import { Recorder } from './surroundings.ts';

const title = { scenario: 'cut', story: 'it breaks', question: 'Why?' };
const size = { columns: 90, rows: 24 };

function scene(part: Partial<Scene> = {}): Scene {
  return {
    title,
    answer: '',
    gone: '',
    notes: [],
    status: { text: 'waiting' },
    spinner: '*',
    circuit: 'closed',
    elapsed: 1_240,
    summary: [],
    ...part,
  };
}
const lineWith = (lines: readonly string[], text: string): string =>
  lines.find((line) => line.includes(text)) ?? '';

describe('frameOf', () => {
  it('shows the answer on the left and the events on the right', () => {
    const notes = [
      { at: 0, tone: 'dim', mark: '→', text: 'asked' },
      { at: 1_040, tone: 'wait', mark: '↻', text: 'retry 1' },
    ] as const;
    const lines = frameOf(scene({ answer: 'Half an answer', notes }), size, plain);
    expect(lines.slice(0, 7)).toStrictEqual([
      '',
      '  rxjs-resilience · cut: it breaks                                                       ',
      '╭─ answer ────────────────────────────────┬─ events · circuit closed ───────────────────╮',
      '│ you: Why?                               │  0.0 s  → asked                             │',
      '│                                         │  1.0 s  ↻ retry 1                           │',
      '│ Half an answer                          │                                             │',
      '│                                         │                                             │',
    ]);
    expect(lines.slice(-3)).toStrictEqual([
      '├─────────────────────────────────────────┴─────────────────────────────────────────────┤',
      '│ * waiting                                                                       1.2 s │',
      '╰───────────────────────────────────────────────────────────────────────────────────────╯',
    ]);
    expect(new Set(lines.slice(1).map(columnsOf))).toStrictEqual(new Set([89]));
  });

  it('strikes out what was taken back, until new words stand in its place', () => {
    const retracted = scene({ answer: 'A new ', gone: 'half answer' });
    expect(lineWith(frameOf(retracted, size, plain), 'A new')).toContain('│ A new ···· ······ ');
    const struck = lineWith(frameOf(retracted, size, coloured), 'A new');
    expect(struck).toContain('A new \x1b[31m\x1b[2m\x1b[9mhalf answer\x1b[29m');
    expect(lineWith(frameOf(scene({ answer: 'A new half answer' }), size, coloured), 'A new')).not.toContain(
      '\x1b[9m',
    );
  });

  it('never outgrows the terminal while it lives: the end of the answer and the last events stay', () => {
    const answer = Array.from({ length: 60 }, (_, index) => `line${index}`).join('\n');
    const notes = Array.from(
      { length: 60 },
      (_, at) => ({ at, tone: 'dim', mark: '·', text: `note${at}` }) as const,
    );
    const lines = frameOf(scene({ answer, notes }), size, plain);
    expect(lines.length).toBe(size.rows - 1);
    expect(lineWith(lines, 'line59')).toContain('note59');
    expect(lineWith(lines, 'line20 ')).toBe('');
  });

  it('shows the whole answer in its last picture, and the summary beneath', () => {
    const answer = Array.from({ length: 60 }, (_, index) => `line${index}`).join('\n');
    const summary = [
      { label: 'exact answer', value: 'yes' },
      { label: 'waits', value: 'none' },
    ];
    const text = frameOf(scene({ answer, summary }), size, plain).join('\n');
    for (const piece of ['line0 ', 'line59 ', 'exact answer: yes ', 'waits:        none '])
      expect(text).toContain(piece);
  });

  it('counts characters that are two columns wide as such', () => {
    const lines = frameOf(scene({ answer: '犬も歩けば棒に当たる 🐕 é' }), size, plain);
    expect(new Set(lines.slice(1).map(columnsOf))).toStrictEqual(new Set([89]));
  });
});

/** As much of a terminal as the screen needs: what would be seen after all that was written. */
function seen(written: string): { readonly lines: string[]; readonly cursor: boolean } {
  let lines: string[] = [];
  let row = 0;
  let cursor = true;
  for (const [token, command] of written.matchAll(/\p{Cc}\[\??(\d*[A-Za-z])|\n|\r|\P{Cc}+/gu)) {
    if (token === '\n') row++;
    else if (command === undefined && token !== '\r') lines[row] = token;
    else if (command === 'J') lines = lines.slice(0, row);
    else if (command === '2J') lines = [];
    else if (command === 'H') row = 0;
    else if (command?.endsWith('A')) row -= Number.parseInt(command, 10);
    else if (command?.startsWith('25')) cursor = command.endsWith('h');
  }
  return { lines, cursor };
}

describe('LiveScreen', () => {
  let out: Recorder;
  let screen: LiveScreen;
  const picture = () => seen(out.written).lines.join('\n');
  beforeEach(() => {
    vi.useFakeTimers();
    out = new Recorder(size);
    screen = new LiveScreen(out, plain, title);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('redraws in place, also when the frame grows', () => {
    for (let i = 0; i < 15; i++) {
      screen.note({ at: i, tone: 'dim', mark: '·', text: `note${i}` });
      vi.advanceTimersByTime(100);
    }
    screen.say('Hello');
    vi.advanceTimersByTime(0);
    expect(picture().split('╭')).toHaveLength(2);
    expect(picture().split('╰')).toHaveLength(2);
    for (const text of ['note0 ', 'note14 ', 'Hello ']) expect(picture()).toContain(text);
  });

  it('draws what comes in one turn as one picture', () => {
    const write = vi.spyOn(out, 'write');
    for (const word of ['one ', 'two ', 'three']) screen.say(word);
    vi.advanceTimersByTime(0);
    expect(write).toHaveBeenCalledOnce();
    expect(picture()).toContain('one two three');
  });

  it('shows for a second what was taken back', () => {
    screen.say('Half an answer');
    screen.retract();
    screen.say('A ');
    vi.advanceTimersByTime(500);
    expect(picture()).toContain('│ A ·· ·· ······ ');
    vi.advanceTimersByTime(600);
    expect(picture()).toContain('│ A      ');
  });

  it('counts a wait down', () => {
    screen.status({ text: 'again in', lasts: 1_000 });
    vi.advanceTimersByTime(400);
    expect(picture()).toMatch(/again in 0\.6 s +0\.4 s/);
    vi.advanceTimersByTime(1_000);
    expect(picture()).toContain('again in 0.0 s');
  });

  it('begins on a clear screen when the terminal gets another size', () => {
    screen.say('Hello');
    out.resize({ columns: 110, rows: 30 });
    expect(columnsOf(seen(out.written).lines[2] ?? '')).toBe(109);
    expect(picture().split('╭')).toHaveLength(2);
  });

  it('leaves the terminal as it was found, below its last picture', () => {
    expect(seen(out.written).cursor).toBe(false);
    screen.say('Hello');
    screen.end([{ label: 'exact answer', value: 'yes' }]);
    expect(seen(out.written).cursor).toBe(true);
    expect(picture()).toContain('exact answer: yes');
    const { written } = out;
    vi.advanceTimersByTime(5_000);
    expect({ timers: vi.getTimerCount(), watched: out.watched }).toStrictEqual({ timers: 0, watched: false });
    expect(out.written).toBe(written);
  });
});

describe('PlainScreen', () => {
  const note = (text: string) => ({ at: 1_240, tone: 'bad', mark: '↶', text }) as const;

  it('writes each event on a line of its own, and the answer between them', () => {
    const pipe = new Recorder();
    const screen = new PlainScreen(pipe, plain, title);
    for (const token of ['A ', 'half']) screen.say(token);
    screen.note(note('retract: 2 words'));
    screen.retract();
    for (const token of ['A ', 'who', 'le\n', 'answer']) screen.say(token);
    screen.end([
      { label: 'exact answer', value: 'yes' },
      { label: 'waits', value: 'none' },
    ]);
    expect(pipe.written.split('\n')).toStrictEqual([
      '',
      'rxjs-resilience · cut: it breaks',
      '',
      '           you: Why?',
      '',
      '           A half',
      ' 1.24 s  ↶ retract: 2 words',
      '           A whole',
      '           answer',
      '',
      '           exact answer: yes',
      '           waits:        none',
      '',
      '',
    ]);
  });

  it('breaks the answer between words on a terminal, however they are torn into tokens', () => {
    const terminal = new Recorder({ columns: 32, rows: 24 });
    const screen = new PlainScreen(terminal, plain, title);
    for (const token of ['one two th', 'ree fo', 'ur', ' five six']) screen.say(token);
    screen.end([]);
    const answer = terminal.written.split('\n').slice(5, -1);
    expect(answer.map((line) => line.trim())).toStrictEqual(['one two three four', 'five six']);
  });
});

describe('text', () => {
  const lines = (text: string, width: number) =>
    wrap(text, width).map(({ start, end }) => text.slice(start, end));

  it.each([
    ['', 5, ['']],
    ['one two', 7, ['one two']],
    ['one two', 6, ['one', 'two']],
    ['one  \ntwo', 6, ['one', 'two']],
    ['a\n\nb', 6, ['a', '', 'b']],
    ['  code', 9, ['  code']],
    ['abcdefgh ij', 3, ['abc', 'def', 'gh', 'ij']],
    ['犬犬犬', 4, ['犬犬', '犬']],
  ])('wraps %j at %d columns', (text, width, expected) => {
    expect(lines(text, width)).toStrictEqual(expected);
  });

  it('knows how wide a character is', () => {
    expect(['a', 'é', '犬', '🐕', '👨‍👩‍👧', '✓', '─'].map(columnsOf)).toStrictEqual([1, 1, 2, 2, 2, 1, 1]);
  });

  it('lets no command of a stranger through to the terminal', () => {
    expect(harmless('a\x1b[2Jb\x07\r\u009bc\td\ne')).toBe('a[2Jbc  d\ne');
  });
});
