/**
 * The wall: a language-model provider on loopback that misbehaves by script, over real HTTP.
 *
 * ```ts
 * await using wall = await startFaultServer({ script: [rateLimited({ retryAfter: 1 }), cutAfter(3), ok()] });
 * const response = await fetch(`${wall.url}/v1/chat/completions`, { method: 'POST', body: '{"stream":true}' });
 * ```
 *
 * The first request gets the first fault of the script, the second the second, the last one repeats. By the path of a
 * request the wall speaks OpenAI Chat Completions (`/v1/chat/completions`), OpenAI Responses (`/v1/responses`),
 * Anthropic Messages (`/v1/messages`) or Ollama (`/api/chat`): faults mean the same in all of them. It always streams.
 *
 * A response that was asked for with `background: true` can be read on (`GET /v1/responses/{id}?starting_after=…`): that
 * is an attempt of its own, whose fault is about what is left of the answer.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { type Attempt, type AttemptRequest, LiveAttempt, type RequestBody } from './fault-server/attempt.ts';
import type { Dialect } from './fault-server/dialect.ts';
import { anthropicMessages } from './fault-server/dialects/anthropic-messages.ts';
import { ollamaChat } from './fault-server/dialects/ollama-chat.ts';
import { openaiChat } from './fault-server/dialects/openai-chat.ts';
import { openaiResponses } from './fault-server/dialects/openai-responses.ts';
import type { Fault } from './fault-server/fault.ts';
import { ok } from './fault-server/faults.ts';

export type { Attempt, AttemptRequest } from './fault-server/attempt.ts';
export type { ErrorSpec } from './fault-server/dialect.ts';
export type { Fault } from './fault-server/fault.ts';
export * from './fault-server/faults.ts';
export { tokensOf } from './fault-server/plan.ts';

const DIALECTS: readonly Dialect[] = [openaiChat, openaiResponses, anthropicMessages, ollamaChat];

/** Eight tokens of plain text and one with a character of four bytes: what the wall says when it is not told. */
export const DEFAULT_ANSWER = 'The quick brown fox jumps over the lazy 🐕.';

export interface FaultServerOptions {
  /** @default DEFAULT_ANSWER */
  readonly answer?: string;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** @default any free one */
  readonly port?: number;
  /** A fault for every attempt; the n-th for the n-th attempt, the last repeats; or chosen by request. @default ok() */
  readonly script?: Fault | readonly Fault[] | ((index: number, request: AttemptRequest) => Fault);
}

export interface FaultServer extends AsyncDisposable {
  /** `http://<host>:<port>`, without a path. */
  readonly url: string;
  /** One record for every request to a known path, in the order of arrival. */
  readonly attempts: readonly Attempt[];
  /** Requests that no dialect knows (`GET /v1/models`): they got a 404 and took no entry of the script. */
  readonly strays: readonly string[];
  /**
   * Sockets with a request on them. One that waits in a client's pool is no leak and not counted: after an abort, undici
   * even opens a new one in reserve.
   */
  readonly openSockets: number;
  /** The attempt with this index, as soon as it has arrived. */
  attempt(index: number): Promise<Attempt>;
  /** Resolves when `openSockets` is 0: what a test awaits to prove that nothing leaks. */
  idle(): Promise<void>;
  /** For a wall that stands long: the records of all attempts go. Nothing may be open. */
  forget(): void;
  /** Destroys every socket and stops listening. From then on the port refuses connections. */
  close(): Promise<void>;
}

function chooser(
  script: FaultServerOptions['script'] = ok(),
): (index: number, request: AttemptRequest) => Fault {
  if (typeof script === 'function') return script;
  const faults: readonly Fault[] = 'length' in script ? script : [script];
  return (index) => faults[Math.min(index, faults.length - 1)] ?? ok();
}

/** `undefined` when the client left before it had asked. */
function readBody(request: IncomingMessage): Promise<RequestBody | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.once('end', () => resolve(bodyIn(Buffer.concat(parts).toString())));
    request.once('close', () => resolve(undefined));
    request.once('error', () => resolve(undefined));
  });
}

function bodyIn(text: string): RequestBody {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}

/** Promises that are kept as soon as their condition holds; whoever changes the world calls `check`. */
class Waiters {
  readonly #waiting = new Set<() => void>();

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  check(): void {
    for (const look of this.#waiting) look();
  }
}

export async function startFaultServer(options: FaultServerOptions = {}): Promise<FaultServer> {
  const { answer = DEFAULT_ANSWER, host = '127.0.0.1', port: wanted = 0 } = options;
  const choose = chooser(options.script);
  const attempts: LiveAttempt[] = [];
  const strays: string[] = [];
  const sockets = new Set<Socket>();
  const busy = new Set<Socket>();
  const waiters = new Waiters();

  /** The attempt whose response a path names, if it goes on without a reader. */
  function backgroundResponse(path: string): Attempt | undefined {
    const id = /\/responses\/resp_wall-(\d+)$/.exec(path)?.[1];
    const attempt = id === undefined ? undefined : attempts[Number(id)];
    return attempt?.body.background === true ? attempt : undefined;
  }

  async function serve(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    // Reads to the end before anything else: closing a socket with unread bytes would make every close a reset.
    const body = await readBody(request);
    if (body === undefined) return;

    const path = request.url ?? '/';
    const { pathname, searchParams } = new URL(path, 'http://wall');
    const response = request.method === 'GET' ? backgroundResponse(pathname) : undefined;
    const startingAfter = response && { response, event: Number(searchParams.get('starting_after') ?? -1) };
    const dialect =
      response === undefined ? DIALECTS.find((it) => pathname.endsWith(it.path)) : openaiResponses;
    if ((request.method !== 'POST' && response === undefined) || dialect === undefined) {
      strays.push(`${request.method} ${path}`);
      reply.writeHead(404, { 'content-type': 'application/json' });
      reply.end(JSON.stringify({ error: { message: `Unknown request URL: ${request.method} ${path}` } }));
      return;
    }
    const { headers } = request;
    const index = attempts.length;
    const startedAt = performance.now();
    const asked = { index, path, dialect: dialect.name, headers, body, startedAt, startingAfter };
    const attempt = new LiveAttempt(asked, choose(index, asked), reply);
    attempts.push(attempt);
    waiters.check();
    await attempt.play(dialect, answer);
  }

  function release(socket: Socket): void {
    busy.delete(socket);
    waiters.check();
  }

  const server = createServer((request, response) => {
    const { socket } = request;
    busy.add(socket);
    response.once('close', () => release(socket));
    serve(request, response).catch((error: unknown) => {
      response.destroy();
      throw error; // a broken script: better an unhandled rejection than a client that waits for ever
    });
  });
  // The wall itself never closes a connection for being old: that would be a fault which nobody asked for.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // a client that resets is no news here
    socket.once('close', () => {
      sockets.delete(socket);
      release(socket);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, host, resolve);
  });
  const { port } = server.address() as AddressInfo;

  const idle = () => waiters.until(() => busy.size === 0);
  async function close(): Promise<void> {
    server.close();
    for (const attempt of attempts) attempt.cut();
    for (const socket of sockets) socket.destroy();
    await Promise.all([idle(), ...attempts.map(({ closed }) => closed)]);
  }

  return {
    url: `http://${host}:${port}`,
    attempts,
    strays,
    get openSockets() {
      return busy.size;
    },
    async attempt(index) {
      await waiters.until(() => index in attempts);
      return attempts[index] as Attempt;
    },
    idle,
    forget: () => void attempts.splice(0),
    close,
    [Symbol.asyncDispose]: close,
  };
}
