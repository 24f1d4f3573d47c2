import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** A provider in a process of its own, which can be stopped and ended, and comes back at the same address. */
export class ProviderProcess {
  url = 'http://127.0.0.1:0';
  readonly #options: readonly string[];
  #process: ChildProcess | undefined;

  /**
   * @param seed for the same chance again.
   * @param faults which part of the requests is broken.
   * @param pace milliseconds between two tokens, at most.
   */
  constructor(seed: number, faults: number, pace: number) {
    this.#options = [seed, faults, pace].map(String);
    // One that is stopped does not notice that nobody needs it any more.
    process.once('exit', () => this.end());
  }

  async start(): Promise<void> {
    await this.#serve(await this.#fork());
  }

  /** Does not hear and not answer for so long; its sockets stay open. */
  async stop(time: number): Promise<void> {
    this.#process?.kill('SIGSTOP');
    await sleep(time);
    this.#process?.kill('SIGCONT');
  }

  async restart(signal: 'SIGTERM' | 'SIGKILL', downtime: number): Promise<void> {
    // The old one serves until the new one can: to load it takes longer than a provider should be away.
    const next = await this.#fork();
    const old = this.#process as ChildProcess;
    this.#process = undefined;
    old.kill(signal);
    await once(old, 'exit');
    await sleep(downtime);
    await this.#serve(next);
  }

  end(): void {
    const child = this.#process;
    this.#process = undefined;
    child?.kill('SIGKILL');
  }

  /** Requests that are open at its side. */
  open(): Promise<number> {
    return answerOf<number>(this.#process as ChildProcess, 'open?');
  }

  async #fork(): Promise<ChildProcess> {
    const child = fork('test/soak/wall.ts', this.#options, { execArgv: ['--import', 'tsx'] });
    child.once('exit', (code, signal) => {
      if (this.#process === child) throw new Error(`A provider died by itself: ${signal ?? code}.`);
    });
    await once(child, 'message');
    return child;
  }

  async #serve(child: ChildProcess): Promise<void> {
    this.url = await answerOf<string>(child, new URL(this.url).port);
    this.#process = child;
  }
}

async function answerOf<T>(child: ChildProcess, question: string): Promise<T> {
  child.send(question);
  const [answer] = (await once(child, 'message')) as [T];
  return answer;
}
