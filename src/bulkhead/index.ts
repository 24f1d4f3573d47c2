export type { PlacesState as BulkheadState } from '../core/places.ts';
export { Bulkhead, type BulkheadConfig, BulkheadConfigSchema } from './bulkhead.ts';
export { bulkhead } from './operator.ts';
