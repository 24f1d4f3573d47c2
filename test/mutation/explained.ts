import type { Survivor } from './results.ts';

/** A survivor that no test should kill. */
export interface Explained {
  readonly file: string;
  /** The line on which the mutant stands, without its indentation. */
  readonly line: string;
  /** What it changes, as `before → after`; without it, every mutant on the line. */
  readonly change?: string;
  readonly because: string;
}

export const explained: readonly Explained[] = [
  {
    file: 'src/circuit-breaker/circuit.ts',
    line: "} else if (phase.state === 'closed' || phase.state === 'metrics-only') {",
    change: "phase.state === 'closed' || phase.state === 'metrics-only' → true",
    because: 'No lease is given in another phase; the question is for the compiler.',
  },
  {
    file: 'src/circuit-breaker/circuit.ts',
    line: "if (phase.state !== 'open') return;",
    change: "phase.state !== 'open' → false",
    because: 'What is not open has no time left that could be waited for; the question is for the compiler.',
  },
  {
    file: 'src/circuit-breaker/time-window.ts',
    line: 'const oldest = Math.max(this.#current + 1, current - this.#buckets.length + 1);',
    change: 'current - this.#buckets.length + 1 → current - this.#buckets.length - 1',
    because: 'After a silence of more than a round it empties two buckets twice.',
  },
  {
    file: 'src/circuit-breaker/time-window.ts',
    line: 'if (current > this.#current) this.#current = current;',
    change: 'current > this.#current → current >= this.#current',
    because: 'It would set what is so already.',
  },
];

export const changeOf = ({ before, after }: Survivor): string => `${before} → ${after}`;

export const reasonFor = (file: string, survivor: Survivor): string | undefined =>
  explained.find(
    ({ file: other, line, change }) =>
      other === file && line === survivor.text && (change === undefined || change === changeOf(survivor)),
  )?.because;

export const unexplained = (file: string, survivors: readonly Survivor[]): Survivor[] =>
  survivors.filter((survivor) => reasonFor(file, survivor) === undefined);
