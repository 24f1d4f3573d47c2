import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { type Bar, type Note, waterfall } from '../../marbles/picture/waterfall.ts';
import { ERROR_TYPE, OWN } from '../../src/opentelemetry/conventions.ts';

const millis = ([seconds, nanos]: ReadableSpan['startTime']): number => seconds * 1_000 + nanos / 1e6;
const seconds = (milliseconds: number): string => `${milliseconds / 1_000} s`;

/** The picture of a trace, drawn from the spans that the SDK has finished. */
export function pictureOf(spans: readonly ReadableSpan[], id: string, title: string): string {
  const root = spans.find(({ parentSpanContext }) => parentSpanContext === undefined);
  if (root === undefined) throw new Error('There is no root span.');
  const parts = spans
    .filter((span) => span !== root)
    .sort((a, b) => millis(a.startTime) - millis(b.startTime));
  const begun = millis(root.startTime);
  const at = (time: ReadableSpan['startTime']): number => millis(time) - begun;

  const bars = [root, ...parts].map((span): Bar => {
    const error = span.attributes[ERROR_TYPE];
    const first = span === root ? undefined : span.events.find(({ name }) => name === 'first_token');
    return {
      name: span.name,
      depth: span === root ? 0 : 1,
      from: at(span.startTime),
      to: at(span.endTime),
      mood: span === root ? 'count' : error === undefined ? 'well' : 'ill',
      remark: [seconds(at(span.endTime) - at(span.startTime)), error ?? []].flat().join(' · '),
      spoke: first && at(first.time),
    };
  });
  const notes = root.events.map(({ name, time, attributes = {} }): Note => {
    const { [ERROR_TYPE]: error, [OWN.source]: _, [OWN.attempt]: __, ...rest } = attributes;
    const told = Object.entries(rest).map(
      ([key, value]) => `${key.slice(OWN.prefix.length)} ${String(value)}`,
    );
    return {
      at: at(time),
      name,
      remark: [error ?? [], told].flat().join(', '),
      mood: name === 'first_token' ? 'well' : /exhausted|rejected|timed/.test(name) ? 'ill' : 'count',
    };
  });
  const description = [
    ...bars.map(
      ({ name, from, to, remark }) => `${name}: from ${seconds(from)} to ${seconds(to)}, ${remark}.`,
    ),
    ...notes.map(({ at, name, remark }) => `${name} at ${seconds(at)}: ${remark}.`),
  ].join(' ');
  return waterfall({ id, title, description, bars, notes });
}
