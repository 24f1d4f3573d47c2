import { demo } from '../../demo/demo.ts';
import type { Output } from '../../demo/screen/screen.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';

/** A terminal, or a pipe when it has no columns, that keeps what is written to it. */
export class Recorder implements Output {
  readonly isTTY: boolean;
  columns?: number;
  rows?: number;
  written = '';
  readonly #listeners = new Set<() => void>();

  constructor(size?: { columns: number; rows: number }) {
    this.isTTY = size !== undefined;
    Object.assign(this, size);
  }

  get watched(): boolean {
    return this.#listeners.size > 0;
  }

  write(text: string): void {
    this.written += text;
  }

  on(_event: 'resize', listener: () => void): void {
    this.#listeners.add(listener);
  }

  off(_event: 'resize', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  resize(size: { columns: number; rows: number }): void {
    Object.assign(this, size);
    for (const listener of this.#listeners) listener();
  }
}

export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test does not say is empty: no variables, a pipe, and nobody who ends it early. */
export interface Circumstances {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdout?: Recorder;
  readonly signal?: AbortSignal;
}

/** One run of the demo in this process. */
export async function run(argv: readonly string[], circumstances: Circumstances = {}): Promise<Run> {
  const { env = {}, stdout = new Recorder(), signal = new AbortController().signal } = circumstances;
  const stderr = new Recorder();
  const scheduler = new ManualScheduler();
  const time = passing(scheduler, stdout);
  const exitCode = await demo({ argv, env, stdout, stderr, signal, scheduler });
  clearInterval(time);
  return { exitCode, stdout: stdout.written, stderr: stderr.written };
}

/**
 * Time passes while nothing is written, however often the providers, who live in this process, have had their turn: on a
 * slow machine they have it late, and that is no silence.
 */
function passing(scheduler: ManualScheduler, stdout: Recorder): NodeJS.Timeout {
  const STILL = 10;
  let turns = 0;
  let last = stdout.written;
  return setInterval(() => {
    turns = stdout.written === last ? turns + 1 : 0;
    last = stdout.written;
    if (turns > STILL) scheduler.advanceTo(scheduler.now() + 100);
  }, 5);
}
