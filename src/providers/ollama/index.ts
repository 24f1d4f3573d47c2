export { type OllamaConfig, OllamaConfigSchema, ollama } from './provider.ts';
