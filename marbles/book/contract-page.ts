import type { Proofs, Rule, Section } from '../contract/rule.ts';
import { chapters } from '../index.ts';
import { Manuscript } from './manuscript.ts';
import { GENERATED } from './page.ts';

/** `docs/contract.md`: every rule with links to the pictures and tests that prove it. */
export function contractPage(contract: readonly Section[]): string {
  const pages = new Map(chapters.map((chapter) => [chapter.operator, new Manuscript(chapter).folder]));
  const pictures = (shown: Proofs): string[] =>
    linked(
      shown,
      (operator, title) => `[${operator}: ${title}](${pages.get(operator)}.md#${anchorOf(title)})`,
    );
  const tests = ({ because, ...tested }: NonNullable<Rule['tested']>): string[] =>
    linked(tested, (file, title) => `[${title}](../${file})`).map((link, index) =>
      index === 0 ? `by test, because ${because}: ${link}` : link,
    );

  const ruleOf = ({ name, promise, shown, tested }: Rule): string =>
    [
      `**${name}.** ${promise}`,
      ...[...(shown ? pictures(shown) : []), ...(tested ? tests(tested) : [])].map((proof) => `- ${proof}`),
    ].join('\n');

  return [
    GENERATED,
    '# The contract',
    `What this library promises, rule by rule, and what proves it. ${count(contract)} Each link leads to a picture that is a test, or to the test where a picture cannot show it. A test fails when a proof is gone.`,
    ...contract.flatMap(({ title, rules }) => [`## ${title}`, ...rules.map(ruleOf)]),
  ]
    .join('\n\n')
    .concat('\n');
}

function count(contract: readonly Section[]): string {
  const rules = contract.flatMap((section) => section.rules);
  const shown = rules.filter((rule) => rule.shown !== undefined).length;
  return `${shown} of its ${rules.length} rules are shown by marbles.`;
}

const linked = (proofs: Proofs, link: (where: string, title: string) => string): string[] =>
  Object.entries(proofs).flatMap(([where, titles]) => [titles].flat().map((title) => link(where, title)));

/** What a heading is called in a link. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
