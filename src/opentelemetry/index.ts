export type { SemanticConventions } from './conventions.ts';
export type {
  Observed,
  ObservedCircuit,
  ObservedLimiter,
  ObservedPlaces,
  ObservedThrottle,
} from './gauges.ts';
export { type InstrumentConfig, InstrumentConfigSchema, instrument } from './instrument.ts';
