import type { Observable } from 'rxjs';

type Operator = (source: Observable<never>) => Observable<unknown>;

interface InsightsEnvironment {
  instrumentOperator<Made extends Operator>(
    operator: (policy: string) => Made,
    name: string,
  ): (policy: string) => Made;
}

const ENVIRONMENT = Symbol.for('@rxjs-insights/env');

/**
 * Shows an operator in the RxJS developer tools under its own name, with the policy's name as its only argument: configs
 * may hold secrets. Looked up at the call, so it does not matter which of the two was imported first.
 */
export function labelled<Made extends Operator>(name: string, policy: string, operator: Made): Made {
  const insights = (globalThis as { [ENVIRONMENT]?: InsightsEnvironment })[ENVIRONMENT];
  return insights ? insights.instrumentOperator((_policy: string) => operator, name)(policy) : operator;
}
