import { type ChildProcess, fork } from 'node:child_process';
import { extname, resolve } from 'node:path';

/** Runs another file of this folder, compiled as this one is, in a process of its own. */
export function start(name: string, ...args: string[]): ChildProcess {
  return fork(resolve(import.meta.dirname, `${name}${extname(import.meta.filename)}`), args);
}
