export type { OfficialClient } from '../official-client.ts';
export { type OpenAIConfig, OpenAIConfigSchema, openai } from './provider.ts';
