import { MovingMean } from '../core/moving-mean.ts';
import type { TokenUsage } from '../rate-limit/index.ts';
import type { ChatUsage } from './chunk.ts';
import type { ChatRequest } from './provider.ts';
import { estimateTokens } from './tokens.ts';

/** What an answer may have before any has been counted. */
const FIRST_GUESS = 500;

/**
 * What a request may use before it is sent: what is in it, by its length, and what may be answered: as much as it allows
 * (`maxTokens`), for so do the services count, else as much as the last answers had on average.
 */
export class TokenEstimator {
  readonly #written = new MovingMean();

  estimate(request: ChatRequest): TokenUsage {
    return {
      inputTokens: Math.ceil(estimateTokens(charactersOf(request))),
      outputTokens: request.maxTokens ?? Math.ceil(this.#written.value ?? FIRST_GUESS),
    };
  }

  learn({ outputTokens }: ChatUsage): void {
    if (outputTokens !== undefined) this.#written.add(outputTokens);
  }
}

function charactersOf({ messages, tools = [] }: ChatRequest): number {
  let characters = tools.length === 0 ? 0 : JSON.stringify(tools).length;
  for (const message of messages) {
    characters += message.content.length;
    if (message.role === 'assistant')
      for (const call of message.toolCalls ?? []) characters += call.name.length + call.arguments.length;
  }
  return characters;
}
