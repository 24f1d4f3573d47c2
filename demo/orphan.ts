import { readFileSync } from 'node:fs';

const GLANCE = 250;
/** Between this process and the command that a person typed stand a shell and npm. */
const GENERATIONS = process.env.npm_lifecycle_event === undefined ? 1 : 2;

/** Calls back when whoever started this process is gone: not every one of them passes a signal on. */
export function whenOrphaned(callback: () => void): { cancel(): void } {
  const family = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === family) return;
    clearInterval(timer);
    callback();
  }, GLANCE).unref();
  return { cancel: () => clearInterval(timer) };
}

function ancestors(): string {
  const line = [process.ppid];
  while (line.length < GENERATIONS) line.push(parentOf(line.at(-1) ?? 0));
  return line.join(' ');
}

/** 0 where the system does not say: then only the death of the closest is noticed. */
function parentOf(pid: number): number {
  try {
    // The second field, the name of the program, may hold anything; behind its last parenthesis come state and parent.
    const [, fields = ''] = /\) (.*)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return Number(fields.split(' ')[1]);
  } catch {
    return 0;
  }
}
