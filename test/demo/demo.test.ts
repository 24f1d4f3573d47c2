import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ANSWER, SCENARIOS } from '../../demo/scenarios.ts';
import { type FaultServer, ok, startFaultServer, unauthorized } from '../support/fault-server.ts';
import { Recorder, run } from './surroundings.ts';

const fast = ['--speed', '10'];

/** What has happened, without the times. */
function eventsIn(stdout: string): string[] {
  return [...stdout.matchAll(/^ *\d+\.\d\d s {2}(.*)$/gm)].map(([, event = '']) =>
    event.replace(/ [\d.]+ s$/, ''),
  );
}

const CUT = [
  '↻ connection lost: retry 1 in',
  '→ attempt 2: primary is asked',
  '↶ retract: 12 words are taken back',
];
const STALL = ['◌ timeout: silent for', '↻ retry 1 in', '→ attempt 2: primary is asked'];
const DOWN = (first: number): string[] => {
  const failure = (n: number) => [`↻ no connection: retry ${n} in`, `→ attempt ${n + 1}: primary is asked`];
  return Array.from({ length: 5 - first }, (_, index) => failure(first + index)).flat();
};
const OPEN = [
  '○ circuit opens for',
  '↻ no connection: retry 5 in',
  '○ circuit open: primary is not asked',
  '✗ gives up on primary: circuit open',
  '→ attempt 6: backup is asked',
];
const begins = '→ attempt 1: primary is asked';
const [speaks, ends] = ['● primary answers', '✓ primary has finished the answer'];
const [backupSpeaks, backupEnds] = [
  ['⇄ switch: backup speaks for primary', '● backup answers'],
  '✓ backup has finished the answer',
];

const STORIES: Record<string, readonly string[]> = {
  calm: [begins, speaks, ends],
  'rate-limited': [begins, '↻ 429 rate limited: retry 1 in', '→ attempt 2: primary is asked', speaks, ends],
  cut: [begins, speaks, ...CUT, speaks, ends],
  stall: [begins, speaks, ...STALL, '↶ retract: 30 words are taken back', speaks, ends],
  down: [begins, ...DOWN(1), ...OPEN, ...backupSpeaks, backupEnds],
  all: [
    begins,
    '↻ 429 rate limited: retry 1 in',
    '→ attempt 2: primary is asked',
    speaks,
    '↻ connection lost: retry 2 in',
    '→ attempt 3: primary is asked',
    '↶ retract: 12 words are taken back',
    speaks,
    '◌ timeout: silent for',
    '↻ retry 3 in',
    '→ attempt 4: primary is asked',
    ...DOWN(4),
    ...OPEN,
    '↶ retract: 30 words are taken back',
    ...backupSpeaks,
    backupEnds,
  ],
};

describe.concurrent('the local story', () => {
  it('has every scenario told here', () => {
    expect(SCENARIOS.map(({ name }) => name).sort()).toStrictEqual(Object.keys(STORIES).sort());
  });

  it.each(Object.entries(STORIES))(
    '%s ends with the exact answer, after what it promises',
    async (name, story) => {
      const { exitCode, stdout, stderr } = await run(['--scenario', name, ...fast]);
      expect({ exitCode, stderr }).toStrictEqual({ exitCode: 0, stderr: '' });
      expect(eventsIn(stdout)).toStrictEqual(story);
      const last = stdout.lastIndexOf(`           ${ANSWER}\n`);
      expect(last).toBeGreaterThan(stdout.lastIndexOf('retract'));
      expect(stdout).toContain('exact answer: yes\n');
      expect(stdout).toContain(
        `delivered by: ${story.includes(backupEnds) ? 'backup' : 'primary'}, 56 words\n`,
      );
    },
  );

  it('adds up what it took', async () => {
    const { stdout } = await run(fast);
    const facts = Object.fromEntries(
      [...stdout.matchAll(/^ {11}([a-z ]+): +(.*)$/gm)].map(([, label = '', value = '']) => [label, value]),
    );
    expect(facts).toMatchObject({
      'taken back': '42 words of primary',
      attempts: '6 (5 primary, 1 backup)',
      waits: '0.4 s before 5 retries',
      circuit: 'open',
    });
    expect(facts['first token']).toMatch(/^\d+\.\d s; this answer \d+\.\d s$/);
  });

  it('is the same on a wide terminal, in two lanes', async () => {
    const stdout = new Recorder({ columns: 100, rows: 30 });
    const { exitCode } = await run(['--scenario', 'cut', ...fast], { stdout });
    expect(exitCode).toBe(0);
    expect(stdout.written).toContain('╭');
    expect(stdout.written.endsWith('\x1b[?25h')).toBe(true);
  });

  it('is lines where the terminal is narrow or dumb', async () => {
    const narrow = new Recorder({ columns: 60, rows: 30 });
    const dumb = new Recorder({ columns: 100, rows: 30 });
    await Promise.all([
      run(['--scenario', 'calm', ...fast], { stdout: narrow, env: { NO_COLOR: '1' } }),
      run(['--scenario', 'calm', ...fast], { stdout: dumb, env: { TERM: 'dumb' } }),
    ]);
    for (const { written, columns = 0 } of [narrow, dumb]) {
      expect(written).not.toContain('\x1b');
      expect(Math.max(...written.split('\n').map((line) => line.length))).toBeLessThan(columns);
      expect(written.replace(/\s+/g, ' ')).toContain(ANSWER);
    }
  });

  it('ends at once when it is told to, without a summary', async () => {
    const ending = new AbortController();
    const stdout = new Recorder();
    const running = run(['--speed', '0.1'], { stdout, signal: ending.signal });
    setTimeout(() => ending.abort(), 100);
    expect(await running).toMatchObject({ exitCode: 1, stderr: '' });
    expect(stdout.written).not.toContain('exact answer');
  });
});

describe.concurrent('what it is asked for', () => {
  it('explains itself', async () => {
    const { exitCode, stdout } = await run(['--help']);
    expect(exitCode).toBe(0);
    for (const word of [
      '--scenario',
      '--speed',
      '--port',
      '--local',
      '--prompt',
      'OPENAI_API_KEY',
      'OLLAMA_HOST',
    ])
      expect(stdout).toContain(word);
    expect((await run(['-h'])).stdout).toBe(stdout);
  });

  it('lists the scenarios', async () => {
    const { exitCode, stdout } = await run(['--list']);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').map((line) => line.trim().split(' ')[0])).toStrictEqual([
      ...SCENARIOS.map(({ name }) => name),
      '',
    ]);
  });

  it.each([
    [
      ['--scenario', 'nonsense'],
      'There is no scenario "nonsense". There are: all, calm, rate-limited, cut, stall, down.',
    ],
    [['--port', 'abc'], '--port must be a whole number from 0 (any free port) to 65535, got "abc".'],
    [['--port', '65536'], '--port must be a whole number from 0 (any free port) to 65535, got "65536".'],
    [['--speed', '0'], '--speed must be a number from 0.1 to 100, got "0".'],
    [['--speed', ''], '--speed must be a number from 0.1 to 100, got "".'],
    [['--nonsense'], "Unknown option '--nonsense'. --help explains."],
    [['--port'], "Option '--port <value>' argument missing. --help explains."],
    [['cut'], "Unexpected argument 'cut'. --help explains."],
    [['--prompt', 'hi'], '--prompt needs a real service: set OPENAI_API_KEY or OLLAMA_HOST.'],
    [['--local', '--prompt', 'hi'], '--prompt is for a real service; the local provider knows one answer.'],
  ])('refuses %j in one sentence', async (argv, sentence) => {
    expect(await run(argv)).toStrictEqual({ exitCode: 2, stdout: '', stderr: `${sentence}\n` });
  });

  it.each([
    [{ OPENAI_BASE_URL: 'http://127.0.0.1/v1' }, /OPENAI_BASE_URL is set, but OPENAI_API_KEY is not/],
    [{ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'nonsense' }, /OPENAI_BASE_URL must be a URL .*"nonsense"/],
    [{ OLLAMA_HOST: 'no host' }, /OLLAMA_HOST must be a host or a URL, got "no host"/],
  ])('refuses the environment %j in one sentence', async (env, sentence) => {
    const { exitCode, stdout, stderr } = await run([], { env });
    expect({ exitCode, stdout }).toStrictEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  it('says when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { exitCode, stderr } = await run(['--port', `${port}`]);
    other.close();
    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      `The local provider cannot have port ${port}: another program listens there. Choose another --port, or leave it out for any free one.\n`,
    );
  });
});

describe('a real service', () => {
  const walls: FaultServer[] = [];
  afterEach(async () => {
    await Promise.all(walls.splice(0).map((wall) => wall.close()));
  });
  async function wallOf(...script: Parameters<typeof ok>[0][] | []): Promise<FaultServer> {
    const wall = await startFaultServer({ script: script.map((answer) => ok(answer)) });
    walls.push(wall);
    return wall;
  }

  it('answers the prompt, as OpenAI', async () => {
    const wall = await wallOf({ answer: 'Good \x1b[31mmorning!' });
    const env = { OPENAI_API_KEY: 'key', OPENAI_BASE_URL: `${wall.url}/v1`, OPENAI_MODEL: 'm' };
    const { exitCode, stdout } = await run(['--prompt', 'Say hello'], { env });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('you: Say hello\n');
    expect(stdout).toContain('Good [31mmorning!\n');
    expect(stdout).toContain('delivered by: openai, 2 words\n');
    expect(stdout).not.toContain('exact answer');
    expect(wall.attempts[0]).toMatchObject({
      headers: { authorization: 'Bearer key' },
      body: { model: 'm', messages: [{ role: 'user', content: 'Say hello' }] },
    });
  });

  it('answers as Ollama, whose address may lack everything but the host', async () => {
    const wall = await wallOf({ answer: 'Hi' });
    const { exitCode, stdout } = await run([], { env: { OLLAMA_HOST: wall.url.replace('http://', '') } });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('delivered by: ollama, 1 word\n');
    expect(wall.attempts[0]?.path).toBe('/v1/chat/completions');
  });

  it('stays unasked when the local provider is wanted', async () => {
    const wall = await wallOf();
    const env = { OPENAI_API_KEY: 'key', OPENAI_BASE_URL: `${wall.url}/v1` };
    const { exitCode } = await run(['--scenario', 'calm', ...fast], { env });
    expect({ exitCode, asked: wall.attempts.length }).toStrictEqual({ exitCode: 0, asked: 0 });
  });

  it('that is not there is an error in one sentence', async () => {
    const wall = await wallOf();
    await wall.close();
    const { exitCode, stderr } = await run([], {
      env: { OPENAI_API_KEY: 'key', OPENAI_BASE_URL: `${wall.url}/v1` },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^[^\n]*the connection was refused[^\n]*\n$/);
  });

  it('that refuses the key is an error in one sentence, without the key', async () => {
    const wall = await startFaultServer({ script: unauthorized() });
    walls.push(wall);
    const { exitCode, stderr } = await run([], {
      env: { OPENAI_API_KEY: 'sesame', OPENAI_BASE_URL: `${wall.url}/v1` },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^[^\n]*Check the API key[^\n]*\n$/);
    expect(stderr).not.toContain('sesame');
  });
});
