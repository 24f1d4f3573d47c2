import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ANSWER } from '../../demo/scenarios.ts';

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** The demo as `npm run demo` starts it. */
function start(...argv: string[]) {
  const { OPENAI_API_KEY: _key, OPENAI_BASE_URL: _url, OLLAMA_HOST: _host, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'demo/index.ts', ...argv], { env });
  children.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const ended = once(child, 'close').then(([exitCode]: unknown[]) => ({ exitCode, stdout, stderr }));
  const begun = once(child.stdout, 'data');
  return { child, begun, ended };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

describe.concurrent('the process', { timeout: 60_000 }, () => {
  it('tells the story and ends by itself', async () => {
    const { exitCode, stdout, stderr } = await start('--scenario', 'down', '--speed', '20').ended;
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(ANSWER);
    expect(stdout).toContain('exact answer: yes');
  });

  it('ends with its reader', async () => {
    const { child, begun, ended } = start('--speed', '0.5');
    await begun;
    child.stdout.destroy();
    expect(await ended).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('leaves no port when it is told to end in the middle', async () => {
    const port = await freePort();
    const { child, begun, ended } = start('--speed', '0.1', '--port', `${port}`);
    await begun;
    expect(await listens(port)).toBe(true);
    child.kill('SIGTERM');
    const { exitCode, stdout, stderr } = await ended;
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 143, stderr: '' });
    expect(stdout).toContain('✗ cancelled');
    expect(await listens(port)).toBe(false);
  });

  it('leaves no port when only the one who started it is killed', async () => {
    const port = await freePort();
    const { child, begun } = start('--speed', '0.1', '--port', `${port}`);
    await begun;
    child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await listens(port)).toBe(false), { timeout: 20_000, interval: 50 });
  });
});
