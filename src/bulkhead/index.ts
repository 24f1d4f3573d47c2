export { Bulkhead, type BulkheadConfig, BulkheadConfigSchema, type BulkheadState } from './bulkhead.ts';
export { bulkhead } from './operator.ts';
