import type { Observable } from 'rxjs';
import { type Insight, insightsOf } from './graph.ts';
import { kindOf } from './redaction.ts';

/**
 * {@link insightsOf} as text, for a console.
 *
 * ```text
 * ResilientProvider.stream [assistant]     text, retract, text x2, finish, complete
 * └─ resilience [openai]                   text, retract, text x2, finish, complete
 *    └─ retryWithBackoff [openai]          text, retract, text x2, finish, complete
 *       ├─ circuitBreaker [openai]         text, error ProviderError
 *       │  └─ ChatProvider.stream [openai] text, error ProviderError
 *       └─ circuitBreaker [openai]         retract, text x2, finish, complete
 *          └─ ChatProvider.stream [openai] text x2, finish, complete
 * ```
 */
export function renderInsights(stream: Observable<unknown>): string {
  const lines = insightsOf(stream).flatMap((insight) => branch(insight, '', ''));
  const width = Math.max(0, ...lines.map(({ label }) => label.length));
  return lines.map(({ label, story }) => `${label.padEnd(width)} ${story}`.trimEnd()).join('\n');
}

interface Line {
  readonly label: string;
  readonly story: string;
}

function branch(insight: Insight, first: string, further: string): Line[] {
  const { name, tags, sources } = insight;
  const label = [name, ...tags.map((tag) => `[${tag}]`)].join(' ');
  return [
    { label: first + label, story: storyOf(insight) },
    ...sources.flatMap((source, index) => {
      const isLast = index === sources.length - 1;
      return branch(source, `${further}${isLast ? '└─ ' : '├─ '}`, `${further}${isLast ? '   ' : '│  '}`);
    }),
  ];
}

/** What it said and how it ended, in words. */
function storyOf({ values, end, error }: Insight): string {
  const ending = end === 'error' ? `error ${wordFor(error)}` : end;
  return [...wordsFor(values), ...(ending === undefined ? [] : [ending])].join(', ');
}

/** Values in words, repetitions counted: `text x2`. */
export function wordsFor(values: readonly unknown[]): string[] {
  const runs: { word: string; times: number }[] = [];
  for (const value of values) {
    const word = wordFor(value);
    const last = runs.at(-1);
    if (last?.word === word) last.times++;
    else runs.push({ word, times: 1 });
  }
  return runs.map(({ word, times }) => (times === 1 ? word : `${word} x${times}`));
}

export const wordFor = (value: unknown): string => (typeof value === 'string' ? value : kindOf(value));
