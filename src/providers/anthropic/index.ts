export { type AnthropicConfig, AnthropicConfigSchema, anthropic } from './provider.ts';
