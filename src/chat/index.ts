export type { ChatAnswer, ChatResponse } from './answer.ts';
export type { CallPhase } from './call.ts';
export {
  type ChatChunk,
  ChatChunkSchema,
  type ChatUsage,
  ChatUsageSchema,
  type FinishReason,
  FinishReasonSchema,
  isContent,
} from './chunk.ts';
export { type ChatTimeout, ChatTimeoutSchema } from './clocks.ts';
export { snapshots, text, toResponse } from './collectors.ts';
export {
  type FallbackConditions,
  isProviderError,
  isStreamInterruptedError,
  kindOf,
  ProviderError,
  type ProviderErrorDetails,
  type ProviderErrorKind,
  StreamInterruptedError,
} from './errors.ts';
export { type ChatHedge, ChatHedgeSchema } from './hedging.ts';
export type { AttemptOutcome, AttemptReport, AttemptTotals, ChatPhase } from './ledger.ts';
export type {
  ChatCapabilities,
  ChatContext,
  ChatMessage,
  ChatProvider,
  ChatRequest,
  ChatTool,
  ToolCall,
} from './provider.ts';
export {
  type CallOptions,
  CallOptionsSchema,
  type ResilientProviderConfig,
  ResilientProviderConfigSchema,
} from './resilient-config.ts';
export { ResilientProvider, type ResilientProviderStats } from './resilient-provider.ts';
export { staticAnswer } from './static-answer.ts';
