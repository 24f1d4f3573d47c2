import type { ChatChunk } from '../chat/index.ts';
import type { Mark } from './lane.ts';
import { parseStream } from './marbles.ts';

/** What letters stand for in the marbles of a chat: a text, or any chunk. */
export type ChatLetters = Readonly<Record<string, string | ChatChunk>>;

const MARKS: ChatLetters = {
  F: { type: 'finish', reason: 'stop' },
  R: { type: 'retract' },
};

/** `F` is the finish and `R` the retract mark; any other letter is itself as a piece of text, unless it is said otherwise. */
export function chunkOf(letter: string, letters: ChatLetters = {}): ChatChunk {
  const meaning = letters[letter] ?? MARKS[letter] ?? letter;
  return typeof meaning === 'string' ? { type: 'text', text: meaning } : meaning;
}

export function parseChat(marbles: string, letters?: ChatLetters, error?: unknown): Mark[] {
  return parseStream(marbles, undefined, error).map((mark) =>
    mark.kind === 'next' ? { ...mark, value: chunkOf(mark.value as string, letters) } : mark,
  );
}
