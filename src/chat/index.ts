export type { ChatResponse } from './answer.ts';
export {
  type ChatChunk,
  ChatChunkSchema,
  type ChatUsage,
  ChatUsageSchema,
  type FinishReason,
  FinishReasonSchema,
  isContent,
} from './chunk.ts';
export { text } from './collectors.ts';
export {
  isProviderError,
  isStreamInterruptedError,
  kindOf,
  ProviderError,
  type ProviderErrorDetails,
  type ProviderErrorKind,
  StreamInterruptedError,
} from './errors.ts';
export type { ChatContext, ChatMessage, ChatProvider, ChatRequest, ChatTool, ToolCall } from './provider.ts';
export {
  type CallOptions,
  CallOptionsSchema,
  type ResilientProviderConfig,
  ResilientProviderConfigSchema,
} from './resilient-config.ts';
export { ResilientProvider, type ResilientProviderStats } from './resilient-provider.ts';
