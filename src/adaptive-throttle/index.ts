export {
  AdaptiveThrottle,
  type AdaptiveThrottleConfig,
  AdaptiveThrottleConfigSchema,
  type Reception,
} from './adaptive-throttle.ts';
export { adaptiveThrottle } from './operator.ts';
