export { type BridgeConfig, BridgeConfigSchema, bridge, type EventBridge, type Port } from './bridge.ts';
export { type ConsoleSinkConfig, ConsoleSinkConfigSchema, consoleSink } from './console-sink.ts';
export { EventSink, type EventSinkConfig, EventSinkConfigSchema, type WriteEvents } from './event-sink.ts';
export { jsonLinesSink } from './json-lines-sink.ts';
export { ReplayBuffer, type ReplayBufferConfig, ReplayBufferConfigSchema } from './replay-buffer.ts';
