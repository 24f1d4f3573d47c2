import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** What a bundle takes from elsewhere. The versions are those of the lockfile, so that nothing grows by itself. */
const OTHERS = ['zod', 'eventsource-parser', 'rxjs'];

/** A project that has installed nothing but the packed package; goes when the process does. */
export function projectWith(tarball: string): string {
  const project = mkdtempSync(join(tmpdir(), 'bundles-'));
  process.once('exit', () => rmSync(project, { recursive: true, force: true }));
  const modules = join(project, 'node_modules');
  mkdirSync(modules);
  execFileSync('tar', ['-xzf', resolve(tarball), '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'rxjs-resilience'));
  for (const name of OTHERS) symlinkSync(resolve('node_modules', name), join(modules, name), 'junction');
  return project;
}
