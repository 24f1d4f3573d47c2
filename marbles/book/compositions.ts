import { CONFIGS } from './options.ts';
import { isNode, keyOf, type Node, nodes, type Syntax, valueOf, within } from './syntax.ts';

const PIPES: ReadonlySet<string> = new Set(['pipe', 'protect', 'resilient']);
/** Parts that are given several times, or under a name for one and a name for many, are one part. */
const SAME: Readonly<Record<string, string>> = {
  fallbackProviders: 'fallbackProvider',
  spare: 'fallbackProvider',
};
const NO_PARTS: ReadonlySet<string> = new Set(['provider', 'random', 'commitOn', 'fallbackOn']);

/**
 * Which patterns the code puts together: `timeout < retryWithBackoff` in a pipe, the first innermost, and
 * `resilience: bulkhead + retry` in a config. One pattern alone is no composition.
 *
 * @param shorthands functions of the code itself, by the composition that they make.
 */
export function compositionsIn(
  { program }: Syntax,
  shorthands: Readonly<Record<string, string>> = {},
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { type, callee, arguments: given } of within(program)) {
    if ((type !== 'CallExpression' && type !== 'NewExpression') || !isNode(callee)) continue;
    const name = nameOf(callee);
    const composer = shorthands[name] ?? name;
    if (PIPES.has(composer)) {
      const operators = nodes(given)
        .map(nameOf)
        .filter((it) => Object.hasOwn(CONFIGS, it));
      if (operators.length > 1) found.add(operators.join(' < '));
    }
    if (COMPOSERS.has(composer)) {
      const parts = new Set(nodes(nodes(given)[0]?.properties).flatMap(partsOf));
      if (parts.size > 1) found.add(`${composer}: ${[...parts].sort().join(' + ')}`);
    }
  }
  return found;
}

const COMPOSERS: ReadonlySet<string> = new Set(['resilience', 'ResilientProvider']);

/** What an operator or a method is called: `retry` in `retry(3)`, `source.retry(3)` and `retry`. */
function nameOf(node: Node): string {
  if (typeof node.name === 'string') return node.name;
  const inner = node.property ?? node.callee;
  return isNode(inner) ? nameOf(inner) : '';
}

function partsOf(property: Node): string[] {
  const key = keyOf(property) ?? '';
  const part = SAME[key] ?? key;
  if (part === '' || NO_PARTS.has(part) || COMMON.has(part)) return [];
  if (part !== 'timeout') return [part];
  const limits = valueOf(property);
  // A number is the total.
  if (limits?.type !== 'ObjectExpression') return ['timeout.total'];
  return nodes(limits.properties)
    .map((limit) => keyOf(limit) ?? '')
    .filter((limit) => LIMITS.has(limit))
    .map((limit) => `timeout.${limit}`);
}

const COMMON: ReadonlySet<string> = new Set(['name', 'events', 'scheduler']);
const LIMITS: ReadonlySet<string> = new Set(['first', 'each', 'total', 'headers', 'minTokensPerSecond']);
