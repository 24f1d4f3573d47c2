export { type Insight, insightsOf } from './graph.ts';
export {
  type Insights,
  type InsightsConfig,
  InsightsConfigSchema,
  installInsights,
} from './install-insights.ts';
export { renderInsights } from './render.ts';
