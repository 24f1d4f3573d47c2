export { type ChaosConfig, ChaosConfigSchema, type ChaosDelay } from './chaos-config.ts';
export { chaos } from './operator.ts';
