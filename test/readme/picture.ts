import type { Diagram } from '../../marbles/diagram.ts';

type Marbles = string | readonly string[];

/**
 * A diagram as people draw it: every lane at its place in time, one column a millisecond. The diagram itself is a test, so
 * its picture shows what really happens.
 */
export function picture(diagram: Diagram<unknown, unknown>): string {
  const sources = list(diagram.source);
  const attempts = diagram.subscriptions.map(compact).filter((lifetime) => lifetime.includes('^'));
  const consumers = list(diagram.consumers ?? '^').map(compact);
  const lanes: [name: string, marbles: string, remark?: string][] = [
    ...attempts.map((lifetime, index): [string, string] => [
      attempts.length === 1 ? 'source' : `attempt ${index + 1}`,
      cut(
        ' '.repeat(lifetime.indexOf('^')) + compact(sources[Math.min(index, sources.length - 1)]),
        lifetime,
      ),
    ]),
    ...list(diagram.expected).map((marbles, index): [string, string, string] => [
      consumers.length === 1 ? 'result' : `consumer ${index + 1}`,
      ended(arriving(compact(marbles), consumers[index]), consumers[index]),
      nameOf(diagram.errors?.[index]),
    ]),
    ...Object.entries(diagram.lanes ?? {}).map(
      ([name, { expected, values = {} }]): [string, string, string] => [
        name,
        compact(expected),
        Object.entries(values)
          .map(([letter, meaning]) => `${letter} ${String(meaning)}`)
          .join(', '),
      ],
    ),
  ];
  const widest = Math.max(...lanes.map(([, marbles]) => marbles.length));
  return lanes
    .map(([name, marbles, remark = '']) =>
      `${name.padEnd(12)}${remark === '' ? marbles : `${marbles.padEnd(widest)}   ${remark}`}`.trimEnd(),
    )
    .join('\n');
}

const list = (marbles: Marbles): readonly string[] => (typeof marbles === 'string' ? [marbles] : marbles);
const compact = (marbles = ''): string => marbles.replaceAll(' ', '');
const nameOf = (error: unknown): string => (typeof error === 'string' && error !== 'error' ? error : '');

/** What would have come after the attempt was given up is not there. */
function cut(marbles: string, lifetime: string): string {
  const end = lifetime.indexOf('!');
  return end < 0 || /[|#]/.test(marbles.slice(0, end + 1)) || marbles.includes('(')
    ? marbles
    : `${marbles.slice(0, end)}!`;
}

/** Nobody listens before the consumer subscribes. */
function arriving(marbles: string, consumer = '^'): string {
  const start = consumer.indexOf('^');
  return ' '.repeat(start) + marbles.slice(start);
}

/** A consumer that leaves. */
function ended(marbles: string, consumer = '^'): string {
  const end = consumer.indexOf('!');
  return end < 0 ? marbles : `${marbles.slice(0, end).padEnd(end, '-')}!`;
}
