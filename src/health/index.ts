export type { HealthStatus } from '../core/event-parts.ts';
export type { HealthAnswer, HealthCheck, HealthCheckContext, HealthFindings } from './check.ts';
export { circuitCheck } from './circuit-check.ts';
export {
  type DerivedCheckOptions,
  DerivedCheckOptionsSchema,
  type HealthCheckerConfig,
  HealthCheckerConfigSchema,
  type HealthCheckOptions,
  HealthCheckOptionsSchema,
} from './config.ts';
export {
  type HealthHandlerConfig,
  HealthHandlerConfigSchema,
  healthFetchHandler,
  healthNodeHandler,
  type NodeRequest,
  type NodeResponse,
} from './handlers.ts';
export { HealthChecker, type HealthSource } from './health-checker.ts';
export type { CheckReport, HealthReport } from './report.ts';
