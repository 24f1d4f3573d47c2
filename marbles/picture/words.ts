import { same } from '../../src/testing/same.ts';
import type { Message } from '../recording.ts';

/** A value in as few words as say what it is. */
export function wordsOf(value: unknown): string {
  if (value instanceof Error) return value.name;
  if (typeof value !== 'object' || value === null) return String(value);
  if ('type' in value && typeof value.type === 'string')
    return chunkWords(value.type, value as Partial<Fields>);
  return Object.entries(value)
    .map(([key, it]) => `${key} ${wordsOf(it)}`)
    .join(', ');
}

interface Fields {
  readonly text: string;
  readonly reason: string;
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly arguments: string;
  readonly usage: Readonly<Record<string, unknown>>;
}

/** What the fields of a chunk have to say beside its type. */
function chunkWords(
  type: string,
  { text, reason, from, to, name, arguments: of, usage }: Partial<Fields>,
): string {
  // A piece of text stands for itself.
  if (type === 'text') return text || 'empty text';
  const details = [
    text,
    reason,
    from && `${from} → ${to}`,
    name && `${name}(${of})`,
    usage &&
      Object.entries(usage)
        .map(([unit, number]) => `${String(number)} ${unit}`)
        .join(', '),
  ].filter((it) => it !== undefined);
  return details.length === 0 ? type : `${type}: ${details.join(', ')}`;
}

/** What an error is called where it stands in a picture; one without a name of its own is only a cross. */
export const errorWords = (error: unknown): string => (error === 'error' ? '' : wordsOf(error));

/** The letters that came and do not speak for themselves, with their words, in the order of the record. */
export function meaningsOf(
  messages: readonly Message[],
  values: Readonly<Record<string, unknown>>,
): [letter: string, words: string][] {
  return Object.entries(values)
    .filter(([, value]) => messages.some((message) => message.kind === 'next' && same(message.value, value)))
    .map(([letter, value]): [string, string] => [letter, wordsOf(value)])
    .filter(([letter, words]) => letter !== words);
}
