export { timeout } from './operator.ts';
export { type Expiry, type TimeoutConfig, TimeoutConfigSchema } from './timeout-config.ts';
