export { AdaptiveConcurrency } from './adaptive-concurrency.ts';
export { type AimdConfig, AimdConfigSchema, aimd } from './aimd.ts';
export type { LimitAlgorithm, LimitBounds, LimitControl, LimitSample } from './algorithm.ts';
export {
  type AdaptiveConcurrencyConfig,
  AdaptiveConcurrencyConfigSchema,
  type DropVerdict,
  type LimitAlgorithmName,
} from './config.ts';
export { type GradientConfig, GradientConfigSchema, gradient } from './gradient.ts';
export { adaptiveConcurrency } from './operator.ts';
