import type { ChatRequest } from './provider.ts';

/** What the usual tokenizers need for English text. */
const CHARACTERS_PER_TOKEN = 4;

/** Tokens that a text of this length may have, where nobody has counted them. */
export function estimateTokens(characters: number): number {
  return characters / CHARACTERS_PER_TOKEN;
}

/** Tokens that a request may have. What is in `extra` is not looked at. */
export function estimateRequest({ messages, tools = [] }: ChatRequest): number {
  const length = messages.reduce((sum, message) => {
    const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : [];
    return sum + message.content.length + (calls.length > 0 ? JSON.stringify(calls).length : 0);
  }, 0);
  return Math.ceil(estimateTokens(length + (tools.length > 0 ? JSON.stringify(tools).length : 0)));
}
