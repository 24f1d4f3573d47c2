export { protect } from './protect.ts';
export { resilience } from './resilience.ts';
export { type ResilienceConfig, ResilienceConfigSchema } from './resilience-config.ts';
export { resilient } from './resilient.ts';
