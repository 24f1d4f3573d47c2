import type { Observable, OperatorFunction } from 'rxjs';

interface InsightsEnvironment {
  instrumentOperator<T, R>(
    operator: (policy: string) => OperatorFunction<T, R>,
    name: string,
  ): (policy: string) => (source: Observable<T>) => Observable<R>;
}

const ENVIRONMENT = Symbol.for('@rxjs-insights/env');

/**
 * Shows an operator in the RxJS developer tools under its own name, with the policy's name as its only argument: configs
 * may hold secrets. Looked up at the call, so it does not matter which of the two was imported first.
 */
export function labelled<T, R>(
  name: string,
  policy: string,
  operator: OperatorFunction<T, R>,
): OperatorFunction<T, R> {
  const insights = (globalThis as { [ENVIRONMENT]?: InsightsEnvironment })[ENVIRONMENT];
  return insights ? insights.instrumentOperator((_policy: string) => operator, name)(policy) : operator;
}
