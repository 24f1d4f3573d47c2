import type { Lane, Mark } from './lane.ts';
import { Letters, written } from './letters.ts';
import { drawLanes } from './render-lanes.ts';
import { same } from './same.ts';

/**
 * Two lanes that should be alike, beneath each other, with the first difference marked; `undefined` when they are alike.
 *
 * ```
 * answer
 *   expected  --a--b--|
 *   actual    --a-----#
 *                  ^ frame 5: expected b, but the next is # in frame 8
 *   # = "overloaded"
 * ```
 *
 * An error is expected by the name of its class (`'CircuitOpenError'`) or by its value.
 */
export function difference(
  expected: Lane,
  actual: Lane,
  values?: Readonly<Record<string, unknown>>,
): string | undefined {
  const index = firstDifference(expected.marks, actual.marks);
  if (index === -1) return undefined;
  const letters = new Letters(values);
  const { marbles, columns } = drawLanes([expected, actual], letters);
  const [wanted, got] = [expected.marks[index], actual.marks[index]];
  const frame = Math.min(wanted?.frame ?? Number.POSITIVE_INFINITY, got?.frame ?? Number.POSITIVE_INFINITY);
  const column = (columns.get(frame) ?? 0) + placeInGroup(frame, index, [expected, actual]);
  return [
    actual.name,
    `  expected  ${marbles[0]}`,
    `  actual    ${marbles[1]}`,
    `            ${' '.repeat(column)}^ frame ${frame}: ${reason(wanted, got, letters)}`,
    ...letters.legend().map((line) => `  ${line}`),
  ].join('\n');
}

/** How far the mark stands behind the first column of its frame. */
function placeInGroup(frame: number, index: number, lanes: readonly Lane[]): number {
  const places = lanes.map(({ marks }) => {
    const first = marks.findIndex((mark) => mark.frame === frame);
    const size = marks.filter((mark) => mark.frame === frame).length;
    return size > 1 && index >= first ? index - first + 1 : 0;
  });
  return Math.max(...places);
}

function firstDifference(expected: readonly Mark[], actual: readonly Mark[]): number {
  const length = Math.max(expected.length, actual.length);
  for (let index = 0; index < length; index++) if (!fits(expected[index], actual[index])) return index;
  return -1;
}

function fits(expected: Mark | undefined, actual: Mark | undefined): boolean {
  if (expected === undefined || actual === undefined) return false;
  if (expected.frame !== actual.frame) return false;
  if (expected.kind === 'next') return actual.kind === 'next' && same(expected.value, actual.value);
  if (expected.kind === 'error') return actual.kind === 'error' && fitsError(expected.error, actual.error);
  return expected.kind === actual.kind;
}

function fitsError(expected: unknown, actual: unknown): boolean {
  return same(expected, actual) || (actual instanceof Error && actual.name === expected);
}

function reason(expected: Mark | undefined, actual: Mark | undefined, letters: Letters): string {
  const [wanted, got] = [expected && described(expected, letters), actual && described(actual, letters)];
  if (expected === undefined) return `expected nothing more, got ${got}`;
  if (actual === undefined) return `expected ${wanted}, got nothing more`;
  if (actual.frame < expected.frame)
    return `got ${got}, but the next expected is ${wanted} in frame ${expected.frame}`;
  if (actual.frame > expected.frame)
    return `expected ${wanted}, but the next is ${got} in frame ${actual.frame}`;
  return `expected ${wanted}, got ${got}`;
}

function described(mark: Mark, letters: Letters): string {
  switch (mark.kind) {
    case 'next':
      return letters.of(mark.value);
    case 'error':
      return `# (${written(mark.error)})`;
    case 'complete':
      return '| (completion)';
    case 'subscribe':
      return '^ (subscription)';
    case 'unsubscribe':
      return '! (unsubscription)';
  }
}
