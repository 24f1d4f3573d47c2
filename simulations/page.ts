import { drawn } from './chart.ts';
import { scenarios } from './index.ts';
import { type Claim, isKept, type Outcome, type Scenario, type Table } from './scenario.ts';

const outcomes = new Map<Scenario, Outcome>();

/** What came of a scenario, which is always the same: so it is played once. */
export function outcomeOf(scenario: Scenario): Outcome {
  const known = outcomes.get(scenario) ?? scenario.run();
  outcomes.set(scenario, known);
  return known;
}

/** `docs/simulations.md` and its pictures, by path. */
export function simulationsPage(): Map<string, string> {
  const files = new Map<string, string>();
  const sections = scenarios.map((scenario) => {
    const { slug, title, prose } = scenario;
    const { charts, claims, table } = outcomeOf(scenario);
    const pictures = charts.map((chart) => {
      const picture = `pictures/simulations/${slug}-${chart.slug}.svg`;
      files.set(`docs/${picture}`, drawn(chart, `${slug}-${chart.slug}`));
      return `![${chart.title}. ${chart.description}](${picture})`;
    });
    return [`## ${title}`, prose, ...pictures, tableOf(claimsTable(claims)), tableOf(table)].join('\n\n');
  });
  files.set('docs/simulations.md', `${INTRODUCTION}\n${sections.join('\n\n')}\n`);
  return files;
}

const claimsTable = (claims: readonly Claim[]): Table => ({
  columns: ['What has to hold', 'Measured', ''],
  rows: claims.map((claim) => [
    claim.claim,
    `**${numberOf(claim.measured)}${claim.unit ?? ''}**`,
    isKept(claim) ? `✓ ${boundsOf(claim)}` : `✗ ${boundsOf(claim)}`,
  ]),
});

function boundsOf({ atLeast, atMost, unit = '' }: Claim): string {
  if (atLeast === undefined) return `at most ${numberOf(atMost ?? Number.NaN)}${unit}`;
  if (atMost === undefined) return `at least ${numberOf(atLeast)}${unit}`;
  return atLeast === atMost
    ? `exactly ${numberOf(atMost)}${unit}`
    : `${numberOf(atLeast)} to ${numberOf(atMost)}${unit}`;
}

function tableOf({ columns, rows }: Table): string {
  const align = columns.map((_, index) => (index === 0 ? '---' : '---:'));
  return [columns, align, ...rows]
    .map(
      (cells) => `| ${cells.map((cell) => (typeof cell === 'number' ? numberOf(cell) : cell)).join(' | ')} |`,
    )
    .join('\n');
}

/** As many digits as mean something. */
function numberOf(value: number): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 1;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

const INTRODUCTION = `<!-- Written by \`npm run docs\`: every number and every curve is what the code does now. -->

# Simulations

Some promises cannot be shown by a marble or two: that two hundred callers share a quota without a single refusal, or that
an outage does not become a stampede. Here they are played in virtual time, minutes of traffic in less than a second,
against a provider that has quotas, queues and bad days. Chance is seeded, so each scenario is the same every time; it is
also a test, and it fails when a number leaves the bounds that stand beside it.

The scenarios are in [\`simulations/\`](../simulations), one file each.
`;
