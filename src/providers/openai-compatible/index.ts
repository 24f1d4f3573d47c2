export { type OpenAICompatibleConfig, OpenAICompatibleConfigSchema, openAICompatible } from './provider.ts';
