import { same } from '../../src/testing/same.ts';
import type { Message } from '../recording.ts';

/** A value in as few words as say what it is. */
export function wordsOf(value: unknown): string {
  if (value instanceof Error) return value.name;
  if (typeof value !== 'object' || value === null) return String(value);
  if ('type' in value) {
    const { type, ...rest } = value;
    // A piece of text stands for itself.
    if (type === 'text' && 'text' in rest) return String(rest.text) || 'empty text';
    return [type, ...leavesOf(rest)].join(' ');
  }
  return Object.entries(value)
    .map(([key, it]) => `${key} ${wordsOf(it)}`)
    .join(', ');
}

const leavesOf = (value: unknown): string[] => {
  if (typeof value === 'string') return [JSON.stringify(value)];
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.values(value).flatMap(leavesOf);
};

/** What an error is called where it stands in a picture; one without a name of its own is only a cross. */
export const errorWords = (error: unknown): string => (error === 'error' ? '' : wordsOf(error));

/** The letters that came and do not speak for themselves, in the order of the record: `c closed`. */
export function meaningsOf(
  messages: readonly Message[],
  values: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(values)
    .filter(([, value]) => messages.some((message) => message.kind === 'next' && same(message.value, value)))
    .map(([letter, value]): [string, string] => [letter, wordsOf(value)])
    .filter(([letter, words]) => letter !== words)
    .map(([letter, words]) => `${letter} ${words}`);
}
