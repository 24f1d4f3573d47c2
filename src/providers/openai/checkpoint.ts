import * as z from 'zod/mini';
import { ConfigurationError } from '../../core/errors.ts';

const CheckpointSchema = z.object({
  /** Of the response. */
  id: z.string(),
  /** `sequence_number` of the last event that was read. */
  after: z.number(),
  /** Output items that are tool calls, in their order. */
  calls: z.array(z.number()),
});

/** A place in a background response: what it takes to read the rest. */
export type Checkpoint = z.infer<typeof CheckpointSchema>;

export function checkpointFrom(token: string): Checkpoint {
  const result = z.safeParse(CheckpointSchema, parsed(token));
  if (result.success) return result.data;
  throw new ConfigurationError(
    'openai: "resume" must be a token that an earlier stream gave to "checkpoint"',
  );
}

function parsed(token: string): unknown {
  try {
    return JSON.parse(token);
  } catch {
    return undefined;
  }
}
