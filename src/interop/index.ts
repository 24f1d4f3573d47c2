export type { AsyncSource } from './async-source.ts';
export { fromAbortable } from './from-abortable.ts';
export { fromAsyncIterable } from './from-async-iterable.ts';
export { type AsyncIterableConfig, AsyncIterableConfigSchema, toAsyncIterable } from './to-async-iterable.ts';
export { toObservable } from './to-observable.ts';
export { untilAborted } from './until-aborted.ts';
