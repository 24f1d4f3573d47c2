import type { Weight, WholeWeight } from './weigh.ts';

/** What was weighed last, on purpose: see `npm run size`. */
export interface Weighing {
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly weights: Readonly<Record<string, WholeWeight>>;
}

/** How much heavier something may become by the way. */
const TOLERANCE = 1.03;

/** Compressed bytes that a bundle may have. */
export const budgetOf = ({ brotli }: Weight): number => Math.floor(brotli * TOLERANCE);

/** What to say of a bundle that is over its budget: by how much, and where the bytes have come from. */
export function overdraft(name: string, now: Weight, known: Weight | undefined): string | undefined {
  if (known === undefined) return `${name} has no budget: weigh it (npm run size -- --page).`;
  const budget = budgetOf(known);
  if (now.brotli <= budget) return undefined;
  const grown = Object.entries(now.modules)
    .map(([module, bytes]) => ({ module, by: bytes - (known.modules[module] ?? 0) }))
    .filter(({ by }) => by > 0)
    .sort((one, other) => other.by - one.by)
    .slice(0, 10)
    .map(({ module, by }) => `  ${module}: ${by} bytes more`);
  return [
    `Over its budget: ${name}, ${now.brotli} bytes minified and compressed, where ${budget} may be. Since it was weighed last:`,
    ...grown,
    'If that is worth it, weigh again (npm run size -- --page).',
  ].join('\n');
}
