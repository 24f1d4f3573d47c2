import { isCallerError, isLocalRejection } from '../core/errors.ts';
import type { CircuitBreakerOptions, Classification } from './config.ts';

/** The answer of a config to "what does this error say about the other side?". Ignore beats record. */
export function classifier({
  classify,
  ignore,
  record,
}: CircuitBreakerOptions): (error: unknown) => Classification {
  return (error) => {
    if (isLocalRejection(error)) return 'neutral';
    if (classify) return classify(error);
    if (ignore?.(error)) return 'neutral';
    if (record) return record(error) ? 'failure' : 'success';
    return isCallerError(error) ? 'neutral' : 'failure';
  };
}
