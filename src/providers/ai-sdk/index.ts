export type { LanguageModel } from './language-model.ts';
export { type AiSdkConfig, AiSdkConfigSchema, aiSdk } from './provider.ts';
export { wholeEvents } from './whole-events.ts';
