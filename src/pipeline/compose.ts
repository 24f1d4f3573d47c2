import type { Observable, OperatorFunction } from 'rxjs';
import * as z from 'zod/mini';
import { parseConfig } from '../core/config.ts';

const ComposeSchema = z.object({
  operators: z.array(
    z.custom(
      (operator) => typeof operator === 'function',
      'must be an operator, such as retryWithBackoff(3)',
    ),
  ),
});

/**
 * One operator of several, the first innermost.
 *
 * @throws {ConfigurationError} in the name of `of`, naming what is not an operator.
 */
export function compose(
  of: string,
  operators: OperatorFunction<never, unknown>[],
): OperatorFunction<unknown, unknown> {
  parseConfig(of, ComposeSchema, { operators });
  return (source) => operators.reduce((inner, operator) => operator(inner as Observable<never>), source);
}
