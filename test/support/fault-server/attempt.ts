import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
// Not the globals: a test may have replaced them.
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import { type Dialect, type Turn, wireError } from './dialect.ts';
import type { Fault, Reply } from './fault.ts';
import { encode, pieces } from './framing.ts';
import { plan, tokensOf } from './plan.ts';

/** What clients send, as far as all protocols agree. */
export interface RequestBody {
  readonly model?: string;
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly messages?: readonly { readonly role: string; readonly content: unknown }[];
  readonly [field: string]: unknown;
}

/** What a client asked for, before the script decides what it gets. */
export interface AttemptRequest {
  /** 0 for the first request that reached the wall. */
  readonly index: number;
  readonly path: string;
  readonly dialect: Dialect['name'];
  readonly headers: IncomingHttpHeaders;
  /** Parsed; `{}` when it was not a JSON object. */
  readonly body: RequestBody;
  /** When the request had been read, by `performance.now()`. */
  readonly startedAt: number;
  /** The place in an earlier response from which this request reads on. */
  readonly startingAfter?: { readonly response: Attempt; readonly event: number } | undefined;
}

/** The record of one request and of what became of it. */
export interface Attempt extends AttemptRequest {
  readonly fault: Fault;
  /** Tokens of the answer that left the wall whole. */
  readonly sentTokens: number;
  /** The wall did all that the fault asks for: a planned cut counts, a stall never ends. */
  readonly finished: boolean;
  /** When the client closed before the wall had finished, by `performance.now()`. */
  readonly clientClosedAt?: number;
  /** Resolves when the response, or the socket under it, is over. */
  readonly closed: Promise<void>;
  /** Destroys the socket now: for tests that must know that the client has read what came before. */
  cut(): void;
}

/** Plays a fault over one response, and keeps the record of it. */
export class LiveAttempt implements Attempt {
  readonly index: number;
  readonly path: string;
  readonly dialect: Dialect['name'];
  readonly headers: IncomingHttpHeaders;
  readonly body: RequestBody;
  readonly startedAt: number;
  readonly startingAfter: AttemptRequest['startingAfter'];
  readonly fault: Fault;
  readonly closed: Promise<void>;
  sentTokens = 0;
  finished = false;
  clientClosedAt?: number;

  readonly #response: ServerResponse;
  /** Whoever waits for something that an end makes pointless. */
  readonly #waiting = new Set<() => void>();
  #over = false;
  #cutHere = false;
  #held = '';

  constructor(request: AttemptRequest, fault: Fault, response: ServerResponse) {
    this.index = request.index;
    this.path = request.path;
    this.dialect = request.dialect;
    this.headers = request.headers;
    this.body = request.body;
    this.startedAt = request.startedAt;
    this.startingAfter = request.startingAfter;
    this.fault = fault;
    this.#response = response;
    this.closed = new Promise((resolve) => {
      const close = () => {
        if (!this.finished && !this.#cutHere) this.clientClosedAt = performance.now();
        this.#over = true;
        for (const release of this.#waiting) release();
        resolve();
      };
      // A client may ask and leave before the request has been read.
      if (response.closed) close();
      else response.once('close', close);
    });
  }

  cut(): void {
    if (this.#over) return;
    this.#cutHere = true;
    this.#response.socket?.destroy();
  }

  async play(dialect: Dialect, wallsAnswer: string): Promise<void> {
    const { fault } = this;
    const turn = this.#turn(wallsAnswer);
    await this.#wait(fault.headersDelay ?? 0);
    if (this.#over) return;
    const end = fault.break;
    if (end?.at === 'request' && end.how !== 'error') this.#stop(end.how);
    else if (fault.reply !== undefined) this.#reply(fault.reply, dialect, turn);
    else await this.#stream(dialect, turn);
  }

  #turn(wallsAnswer: string): Turn {
    const { startingAfter } = this;
    // What is read on is the answer that was asked for then.
    const { index, body, fault } = startingAfter?.response ?? this;
    const { answer = wallsAnswer, reasoning, finishReason = 'stop', usage } = fault;
    return {
      id: `wall-${index}`,
      model: body.model ?? 'wall-1',
      startingAfter: startingAfter?.event,
      answer,
      reasoning,
      finishReason,
      usage: typeof usage === 'object' ? usage : { input: 10, output: tokensOf(answer).length },
      usageAsked: usage === undefined ? body.stream_options?.include_usage === true : usage !== false,
    };
  }

  #reply(reply: Reply, dialect: Dialect, turn: Turn): void {
    let status = 200;
    let text: string;
    let contentType = 'application/json';
    if ('whole' in reply) text = JSON.stringify(dialect.whole(turn));
    else if ('body' in reply) ({ status, body: text, contentType } = reply);
    else {
      const error = wireError(dialect, reply.error);
      status = error.status;
      text = JSON.stringify(dialect.errorBody(error, turn));
    }
    const headers = {
      ...dialect.headers(turn),
      'content-length': Buffer.byteLength(text),
      ...this.fault.headers,
    };
    this.finished = true;
    this.#response.writeHead(status, { 'content-type': this.fault.contentType ?? contentType, ...headers });
    this.#response.end(text);
  }

  async #stream(dialect: Dialect, turn: Turn): Promise<void> {
    const { fault } = this;
    this.#response.writeHead(200, {
      'content-type': fault.contentType ?? dialect.contentType,
      'cache-control': 'no-cache',
      ...dialect.headers(turn),
      ...fault.headers,
    });
    const steps = [...plan(fault, dialect, turn)];
    // Headers that a frame follows at once go with it.
    if (!('frame' in (steps[0] ?? {}))) this.#response.flushHeaders();
    for (const [index, step] of steps.entries()) {
      if (this.#over) return;
      if ('stop' in step) {
        await this.#flush();
        this.#stop(step.stop);
      } else if ('wait' in step) {
        await this.#flush();
        await this.#wait(step.wait);
      } else if ('pingFor' in step) {
        await this.#pingForEver(encode(step.frame, dialect.framing, fault), step.every);
      } else {
        const text = encode(step.frame, dialect.framing, fault);
        const next = steps[index + 1];
        const isLast = next !== undefined && 'stop' in next && next.stop === 'end';
        await this.#send(isLast && fault.lastUnterminated ? text.replace(/[\r\n]+$/, '') : text, isLast);
        if (step.token && !this.#over) this.sentTokens++;
      }
    }
  }

  async #pingForEver(ping: string, every: number): Promise<void> {
    await this.#flush();
    while (!this.#over) {
      await this.#wait(Math.max(1, every));
      await this.#send(ping, false);
      await this.#flush();
    }
  }

  async #send(text: string, isLast: boolean): Promise<void> {
    // A client may hang up as soon as it has read the last frame, and is right to.
    if (isLast) this.finished = true;
    if (this.fault.writes === 'glued') this.#held += text;
    else for (const piece of pieces(text, this.fault.writes)) await this.#write(piece);
  }

  async #flush(): Promise<void> {
    if (this.#held === '') return;
    const held = Buffer.from(this.#held);
    this.#held = '';
    await this.#write(held);
  }

  /**
   * Resolves when the bytes are with the kernel and the event loop has gone round: a client in this process has read
   * them by then, so the next write is not glued to this one and a cut does not swallow it. No time passes.
   */
  async #write(bytes: Uint8Array): Promise<void> {
    await this.#unlessOver((done) => this.#response.write(bytes, done));
    await this.#unlessOver((done) => setImmediate(() => setImmediate(done)));
  }

  async #wait(delay: number): Promise<void> {
    if (delay <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    await this.#unlessOver((done) => {
      timer = setTimeout(done, delay);
    });
    clearTimeout(timer);
  }

  /** Nothing is waited for once the response is over. */
  #unlessOver(wait: (done: () => void) => void): Promise<void> | undefined {
    if (this.#over) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      wait(done);
    });
  }

  #stop(how: 'cut' | 'reset' | 'end' | 'stall'): void {
    if (how === 'stall') return;
    this.finished = true;
    if (how === 'end') this.#response.end();
    else if (how === 'cut') this.#response.socket?.destroy();
    else this.#response.socket?.resetAndDestroy();
  }
}
