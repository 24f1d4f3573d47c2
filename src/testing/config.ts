import * as z from 'zod/mini';
import { FallbackKindSchema, type ProviderErrorKind } from '../chat/errors.ts';
import { count, functionOption, notEmpty, numberThat } from '../core/config.ts';

const KINDS: readonly string[] = [...FallbackKindSchema.options, 'cancelled' satisfies ProviderErrorKind];

/** What the marbles of the scripts stand for; more than that only the type of the stream can say. */
const values = () => z.optional(z.record(z.string(), z.unknown()));
const list = (of: z.ZodMiniType) => z.optional(z.readonly(z.array(of, 'must be a list, one error a script')));
const name = () => z.optional(z.string('must be a string').check(notEmpty('must not be empty')));
const marbles = () => z.string('must be marbles');

export const ScriptOptionsSchema = z.strictObject({
  values: values(),
  errors: list(z.unknown()),
  attempts: z.optional(count(1)),
  name: name(),
});

export const ScriptedProviderOptionsSchema = z.strictObject({
  name: name(),
  values: values(),
  errors: list(
    z.custom(
      (error) => typeof error !== 'string' || KINDS.includes(error),
      `must be an error, or a kind of ProviderError: ${KINDS.join(', ')}`,
    ),
  ),
  attempts: z.optional(count(1)),
});

export const FaultScheduleConfigSchema = z.strictObject({
  attempts: count(1),
  rate: numberThat((rate) => rate >= 0 && rate <= 1, 'must be at least 0 and at most 1'),
  faults: z._default(
    z.readonly(
      z.array(marbles(), 'must be a list of marbles').check(notEmpty('must hold at least one of them')),
    ),
    ['#'],
  ),
  answer: marbles(),
  random: functionOption<() => number>(),
});

export const RunOptionsSchema = z.strictObject({
  maxTasks: z._default(count(1), 100_000),
  maxValues: z._default(count(1), 1_000),
});
