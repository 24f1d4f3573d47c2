import * as z from 'zod/mini';

const tokens = (): z.ZodMiniOptional<z.ZodMiniNumber> => z.optional(z.number());

/** Tokens as the provider counted them. What nobody knows is absent: unknown is not 0. */
export const ChatUsageSchema = z.object({
  inputTokens: tokens(),
  outputTokens: tokens(),
  totalTokens: tokens(),
  /** Input tokens that came out of the provider's cache. */
  cachedTokens: tokens(),
  /** Output tokens that were spent on thinking. */
  reasoningTokens: tokens(),
  /** Some of these tokens nobody has counted, because a provider broke off: they are estimated, or missing. */
  estimated: z.optional(z.literal(true)),
});
export type ChatUsage = z.infer<typeof ChatUsageSchema>;

export const FinishReasonSchema = z.enum(['stop', 'length', 'tool-calls', 'content-filter', 'other']);
export type FinishReason = z.infer<typeof FinishReasonSchema>;

/**
 * One piece of a chat answer. The first five types are what providers say; the last three are recovery marks, which make
 * a repair visible instead of silent.
 */
export const ChatChunkSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('reasoning'), text: z.string() }),
  z.object({
    type: z.literal('tool-call'),
    /** Which of the answer's tool calls this piece belongs to, from 0. */
    index: z.number(),
    id: z.optional(z.string()),
    name: z.optional(z.string()),
    /** The next piece of the arguments' JSON. */
    arguments: z.string(),
  }),
  z.object({ type: z.literal('usage'), usage: ChatUsageSchema }),
  /** The proof that the answer is whole, and its last chunk. */
  z.object({
    type: z.literal('finish'),
    reason: FinishReasonSchema,
    /** Who answered; each as far as it is known. */
    provider: z.optional(z.string()),
    model: z.optional(z.string()),
    requestId: z.optional(z.string()),
  }),
  /** Forget what was shown: the answer begins anew. */
  z.object({ type: z.literal('retract') }),
  /** The stream had been interrupted; what follows continues what was shown. */
  z.object({ type: z.literal('resume') }),
  /** From here on another provider speaks. */
  z.object({ type: z.literal('switch'), from: z.string(), to: z.string() }),
]);
export type ChatChunk = z.infer<typeof ChatChunkSchema>;

/**
 * Whether a chunk says something: text, reasoning, or arguments of a tool call. The first one commits the stream; a role,
 * an empty delta, the name of a tool, usage and marks do not.
 */
export function isContent(chunk: ChatChunk): boolean {
  switch (chunk.type) {
    case 'text':
    case 'reasoning':
      return chunk.text !== '';
    case 'tool-call':
      return chunk.arguments !== '';
    default:
      return false;
  }
}
