/** What the usual tokenizers need for English text. */
const CHARACTERS_PER_TOKEN = 4;

/** Tokens that a text of this length may have, where nobody has counted them. */
export function estimateTokens(characters: number): number {
  return characters / CHARACTERS_PER_TOKEN;
}
