export {
  type HedgeAlternative,
  type HedgeAnswer,
  type HedgeConfig,
  HedgeConfigSchema,
} from './hedge-config.ts';
export {
  LatencyPercentile,
  type LatencyPercentileConfig,
  LatencyPercentileConfigSchema,
} from './latency-percentile.ts';
export { hedge } from './operator.ts';
