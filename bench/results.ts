import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { Result } from './table.ts';

/** A run of the benchmarks: what `--json` prints, and the pages are written from. */
export interface Results {
  readonly date: string;
  readonly node: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly gigabytes: number };
  /** Of everybody who was measured. */
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  readonly subjects: Readonly<Record<string, readonly Result[]>>;
}

const PEERS = [
  'rxjs',
  'cockatiel',
  'opossum',
  'p-retry',
  'p-limit',
  'p-timeout',
  'p-queue',
  'effect',
  'ai',
  '@ai-sdk/openai-compatible',
  'openai',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-metrics',
];

/** Everything about a run but what it has measured. */
export function circumstances(): Pick<Results, 'date' | 'node' | 'machine' | 'versions'> {
  const { name, version, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    name: string;
    version: string;
    devDependencies: Record<string, string>;
  };
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    machine: {
      cpu: cpus()[0]?.model.trim() || 'an unknown processor',
      cores: cpus().length,
      gigabytes: Math.round(totalmem() / 2 ** 30),
    },
    // They are pinned.
    versions: { [name]: version, ...Object.fromEntries(PEERS.map((peer) => [peer, devDependencies[peer]!])) },
  };
}

/** The run that was committed last. */
export const committed = (): Results => JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
export const RESULTS = 'bench/results.json';
