import { readFileSync } from 'node:fs';
import type { Weighing } from './budget.ts';
import type { WholeWeight } from './weigh.ts';

/** Thousands of bytes, as many digits as a reader compares. */
const kB = (bytes: number): string => (bytes / 1_000).toFixed(1);

const HEAD = ['', 'minified', 'gzip', 'brotli', 'of the minified bytes zod', 'brotli, beside zod'];

/** What was weighed last. */
export const weighing = (): Weighing =>
  JSON.parse(readFileSync('bench/size/weighed.json', 'utf8')) as Weighing;

/** What one bundle weighs, in kilobytes. */
export const rowOf = (name: string, { minified, gzip, brotli, beside, modules }: WholeWeight): string[] => [
  name,
  ...[minified, gzip, brotli, modules.zod ?? 0, beside].map(kB),
];

/** What the README says. */
export function summary({ weights }: Weighing): string {
  const [timeout, six] = [weights['timeout()']!, weights['the six']!];
  return `\
What you do not import is not in your bundle: \`timeout()\` alone is ${kB(timeout.brotli)} kB, the six with their shared objects ${kB(six.brotli)} kB
minified and compressed, of which ${kB(six.brotli - six.beside)} kB are zod ([Size](docs/size.md)).`;
}

/** `docs/size.md` from what was weighed last. */
export function sizePage({ date, versions, weights }: Weighing): string {
  const rows = Object.entries(weights).map(([name, weight]) => {
    const [title, minified, gzip, brotli, ...rest] = rowOf(name, weight) as [string, string, string, string];
    return [title.includes('()') ? `\`${title}\`` : title, minified, gzip, `**${brotli}**`, ...rest];
  });
  const align = HEAD.map((_, column) => (column === 0 ? '---' : '---:'));
  const table = [HEAD, align, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const six = weights['the six']!;
  const made = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `<!-- Written by \`npm run docs\` from what \`npm run size -- --page\` has weighed. -->

# Size

What a program loads that imports a part of this package, in kilobytes (1 kB = 1000 bytes): bundled from the packed
package, minified for ES2022, RxJS left out. Weighed on ${date} with ${made.join(', ')}; \`npm run size\` weighs again.

${table}

- **An operator** is imported together with the object that its streams may share, such as \`CircuitBreaker\`. **The six**
  are circuit breaker, retry, bulkhead, rate limit, timeout and fallback with these objects; **a chat** is a
  \`ResilientProvider\` with the provider for compatible APIs. Everything is all that \`rxjs-resilience\` itself exports.
- **The last column** is what is left for a program that has zod already. Compressed bytes do not add up: what two parts
  have in common is paid for once, so six operators weigh far less than six times one.
- **What nobody uses is not loaded.** An operator brings its own pattern and what all patterns share, and nothing of any
  other: not their errors, not the schemas of events, not a line of chat. The tests hold this against two bundlers.
- **Nothing grows by the way.** The tests weigh the same bundles and fail when one is more than 3 % over this table.

## What the bytes are for

The six weigh ${kB(six.brotli)} kB, of which ${kB(six.brotli - six.beside)} kB go away for a program that uses zod itself. They are not the smallest that
circuit breakers and retries can be. What weighs most is not the patterns' first line but their last: one admission for
several policies, places in line with priorities and patience, model tokens that are reserved and settled, limits that
follow the service, windows by count and by time, snapshots, a clock that is right in virtual time and under fake timers,
and a message for every mistake in a config that names the option and the value.
`;
}
