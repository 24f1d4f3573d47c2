import type { Load } from '../core/waiting-line.ts';

/** What is limited. */
export const DIMENSIONS = ['requests', 'tokens', 'input-tokens', 'output-tokens'] as const;
export type RateLimitDimension = (typeof DIMENSIONS)[number];

/** Model tokens. What is not known is absent, and that is not 0. */
export interface TokenUsage {
  /** What is sent. */
  readonly inputTokens?: number | undefined;
  /** What is written in answer. */
  readonly outputTokens?: number | undefined;
  /** Both together. @default their sum, if both are known */
  readonly totalTokens?: number | undefined;
}

export const NO_TOKENS: TokenUsage = {};

/** What a request for itself asks for, by dimension. */
export const ONE_REQUEST: Load = [1, 0, 0, 0];

export const NOTHING: Load = [0, 0, 0, 0];

/** What is known for sure, in whole tokens: a number alone is the total, and of sum and parts two give the third. */
export function knownOf(usage: TokenUsage | number | null | undefined): TokenUsage {
  if (usage === null || usage === undefined) return NO_TOKENS;
  if (typeof usage === 'number') return { totalTokens: whole(usage) };
  const [input, output, total] = [usage.inputTokens, usage.outputTokens, usage.totalTokens].map(whole);
  return {
    inputTokens: input ?? difference(total, output),
    outputTokens: output ?? difference(total, input),
    totalTokens: total ?? sum(input, output),
  };
}

/** What was expected, corrected by what is known. */
export function corrected(expected: TokenUsage, known: TokenUsage): TokenUsage {
  const inputTokens = known.inputTokens ?? expected.inputTokens;
  const outputTokens = known.outputTokens ?? expected.outputTokens;
  const totalTokens =
    known.totalTokens ??
    sum(inputTokens, outputTokens) ??
    noLess(expected.totalTokens, inputTokens ?? outputTokens ?? 0);
  return { inputTokens, outputTokens, totalTokens };
}

/** What it asks for, by dimension. A part of which only the whole is known may be all of it. */
export function loadOf(usage: TokenUsage): Load {
  if (usage === NO_TOKENS) return ONE_REQUEST;
  const { inputTokens, outputTokens, totalTokens } = usage;
  const total = totalTokens ?? (inputTokens ?? 0) + (outputTokens ?? 0);
  return [1, total, inputTokens ?? totalTokens ?? 0, outputTokens ?? totalTokens ?? 0];
}

/** The greater of each. */
export const atLeast = (load: Load, least: Load): Load =>
  load.map((amount, dimension) => Math.max(amount, least[dimension] as number));

const whole = (tokens: unknown): number | undefined =>
  typeof tokens === 'number' && tokens >= 0 && Number.isFinite(tokens) ? Math.ceil(tokens) : undefined;

const sum = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? undefined : one + other;

const difference = (total: number | undefined, part: number | undefined): number | undefined =>
  total === undefined || part === undefined ? undefined : Math.max(0, total - part);

const noLess = (total: number | undefined, part: number): number | undefined =>
  total === undefined ? undefined : Math.max(total, part);
