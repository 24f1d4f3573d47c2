export type { Alternative, Answer, AnswerStream, FallbackFailure } from './alternative.ts';
export { type FallbackConfig, FallbackConfigSchema } from './fallback-config.ts';
export { fallback } from './operator.ts';
