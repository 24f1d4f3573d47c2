export type { SemanticConventions } from './conventions.ts';
export type { Observed, ObservedBulkhead, ObservedCircuit, ObservedLimiter } from './gauges.ts';
export { type InstrumentConfig, InstrumentConfigSchema, instrument } from './instrument.ts';
