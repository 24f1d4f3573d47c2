import * as z from 'zod/mini';
import { parseConfig } from '../core/config.ts';
import type { ChatMessage, ChatRequest } from './provider.ts';

/** As far as every provider needs it; the rest of a request is the provider's own business. */
const RequestSchema = z.object({
  messages: z
    .array(
      z.object({
        role: z.enum(['system', 'user', 'assistant', 'tool']),
        content: z.string('must be a string'),
      }),
      'must be an array of messages, or of a request that holds one',
    )
    .check(z.minLength(1, 'must hold at least one message')),
});

/**
 * The request that a caller means.
 *
 * @throws {ConfigurationError} in the name of `of`, naming what is not a message.
 */
export function requestFrom(of: string, input: readonly ChatMessage[] | ChatRequest): ChatRequest {
  const isRequest = typeof input === 'object' && input !== null && 'messages' in input;
  const request: ChatRequest = isRequest ? input : { messages: input };
  const { messages } = request as z.input<typeof RequestSchema>;
  parseConfig(of, RequestSchema, { messages });
  return request;
}
