import type { ChatChunk } from './chunk.ts';

type Piece = Extract<ChatChunk, { type: 'text' | 'reasoning' }>;

/**
 * The chunks of a stream, of which none ends in half a character: a provider may cut its text anywhere, and an answer that
 * breaks there could neither be shown nor be gone on with. The half waits for its other half.
 */
export class WholeCharacters {
  #half: Piece | undefined;

  /** Whether nothing waits. */
  get settled(): boolean {
    return this.#half === undefined;
  }

  /** @returns what can be delivered, in order. */
  add(chunk: ChatChunk): readonly ChatChunk[] {
    const half = this.#half;
    if (half === undefined && !endsInHalf(chunk)) return [chunk];
    this.#half = undefined;
    // It has no other half after all.
    if (half !== undefined && half.type !== chunk.type) return [half, ...this.add(chunk)];
    const { type, text } = chunk as Piece;
    const whole = { type, text: (half?.text ?? '') + text };
    if (!endsInHalf(whole)) return [whole];
    this.#half = { type, text: whole.text.slice(-1) };
    return whole.text.length > 1 ? [{ type, text: whole.text.slice(0, -1) }] : [];
  }
}

const HIGH_SURROGATES = { first: 0xd800, last: 0xdbff } as const;

function endsInHalf(chunk: ChatChunk): boolean {
  if (chunk.type !== 'text' && chunk.type !== 'reasoning') return false;
  const last = chunk.text.charCodeAt(chunk.text.length - 1);
  return last >= HIGH_SURROGATES.first && last <= HIGH_SURROGATES.last;
}
