import { hedging } from './hedging.ts';
import { outage } from './outage.ts';
import { quota } from './quota.ts';
import type { Scenario } from './scenario.ts';
import { slowProvider } from './slow-provider.ts';

/** What is played, in the order of the page. */
export const scenarios: readonly Scenario[] = [quota, slowProvider, outage, hedging];
