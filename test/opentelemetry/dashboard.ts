import { conventionsOf, type MetricDefinition } from '../../src/opentelemetry/conventions.ts';

const { metrics, genAi } = conventionsOf('current');

/** What the Prometheus exporter of OpenTelemetry for JavaScript makes of a name. */
const exported = (name: string): string => name.replaceAll(/\W/g, '_');
const series = ({ name, instrument }: MetricDefinition): string =>
  exported(name) + (instrument === 'counter' ? '_total' : '');

const OURS = '{source=~"$source"}';
const perSecond = (metric: MetricDefinition, by: readonly string[], selector = OURS, suffix = ''): string =>
  `sum by (${by.join(', ')}) (rate(${series(metric)}${suffix}${selector}[$__rate_interval]))`;
const quantile = (of: number, metric: MetricDefinition, by: readonly string[], selector = ''): string =>
  `histogram_quantile(${of}, ${perSecond(metric, [...by, 'le'], selector, '_bucket')})`;

interface Panel {
  readonly title: string;
  readonly description?: string;
  readonly unit?: string;
  readonly kind?: 'timeseries' | 'stat' | 'state-timeline';
  readonly stacked?: boolean;
  /** Queries by what their series are called. */
  readonly queries: Readonly<Record<string, string>>;
}

const model = exported(genAi.requestModel);
const provider = exported(genAi.provider);
const tokenType = exported(genAi.tokenType);
const asked = `{{${provider}}} {{${model}}}`;

const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  Calls: [
    {
      title: 'Calls',
      description: 'How calls ended, retries and fallbacks included.',
      unit: 'reqps',
      stacked: true,
      queries: { '{{outcome}}': perSecond(metrics.callDuration, ['outcome'], OURS, '_count') },
    },
    {
      title: 'Calls that fail',
      description: 'Of those that were not cancelled.',
      unit: 'percentunit',
      queries: {
        '{{source}}': `${perSecond(metrics.callDuration, ['source'], '{source=~"$source",outcome="failed"}', '_count')} / ${perSecond(metrics.callDuration, ['source'], '{source=~"$source",outcome!="cancelled"}', '_count')}`,
      },
    },
    {
      title: 'Duration of a call',
      unit: 's',
      queries: {
        '{{source}} median': quantile(0.5, metrics.callDuration, ['source'], OURS),
        '{{source}} p95': quantile(0.95, metrics.callDuration, ['source'], OURS),
      },
    },
    {
      title: 'Time to the first token',
      description: 'As the caller sees it: from the call, over waits and failed attempts.',
      unit: 's',
      queries: {
        '{{source}} median': quantile(0.5, metrics.timeToFirstToken, ['source'], OURS),
        '{{source}} p95': quantile(0.95, metrics.timeToFirstToken, ['source'], OURS),
      },
    },
    {
      title: 'Why calls fail',
      unit: 'reqps',
      stacked: true,
      queries: {
        '{{error_type}}': perSecond(
          metrics.callDuration,
          ['error_type'],
          '{source=~"$source",outcome="failed"}',
          '_count',
        ),
      },
    },
    {
      title: 'Calls under way',
      queries: { 'open spans': series(metrics.openCalls), 'ended early': series(metrics.evictedCalls) },
    },
  ],
  Models: [
    {
      title: 'Tokens',
      description: 'As the providers counted them, of all attempts.',
      unit: 'short',
      queries: {
        [`${asked} {{${tokenType}}}`]: perSecond(
          metrics.tokenUsage,
          [provider, model, tokenType],
          '',
          '_sum',
        ),
      },
    },
    {
      title: 'Duration of an operation, p95',
      unit: 's',
      queries: { [asked]: quantile(0.95, metrics.operationDuration, [provider, model]) },
    },
    {
      title: 'Time to the first token of an attempt, p95',
      unit: 's',
      queries: { [asked]: quantile(0.95, metrics.attemptTimeToFirstToken, [provider, model]) },
    },
    {
      title: 'Time per token, median',
      unit: 's',
      queries: { [asked]: quantile(0.5, metrics.timePerOutputToken, [provider, model]) },
    },
    {
      title: 'Attempts',
      unit: 'reqps',
      stacked: true,
      queries: { '{{provider}} {{outcome}}': perSecond(metrics.attempts, ['provider', 'outcome'], '') },
    },
    {
      title: 'Why attempts fail',
      unit: 'reqps',
      stacked: true,
      queries: {
        '{{provider}} {{error_type}}': perSecond(
          metrics.attempts,
          ['provider', 'error_type'],
          '{outcome="failed"}',
        ),
      },
    },
  ],
  Recovery: [
    {
      title: 'Retries',
      unit: 'reqps',
      queries: {
        '{{source}} {{error_type}}': perSecond(metrics.retries, ['source', 'error_type']),
        '{{source}} gave up: {{reason}}': perSecond(metrics.retriesExhausted, ['source', 'reason']),
      },
    },
    {
      title: 'Fallbacks',
      unit: 'reqps',
      queries: {
        '{{source}}': perSecond(metrics.fallbacks, ['source']),
        '{{source}} had none left': perSecond(metrics.fallbacksExhausted, ['source']),
      },
    },
    {
      title: 'Repairs of streams',
      unit: 'reqps',
      queries: { '{{kind}}': perSecond(metrics.recoveries, ['kind']) },
    },
    {
      title: 'Timeouts',
      unit: 'reqps',
      queries: { '{{source}} {{kind}}': perSecond(metrics.timeouts, ['source', 'kind']) },
    },
    {
      title: 'Hedges',
      unit: 'reqps',
      queries: { '{{result}}': perSecond(metrics.hedges, ['result']) },
    },
    {
      title: 'Rejections',
      description: 'Attempts that were not made.',
      unit: 'reqps',
      stacked: true,
      queries: { '{{source}} {{reason}}': perSecond(metrics.rejections, ['source', 'reason']) },
    },
  ],
  Policies: [
    {
      title: 'Circuits',
      kind: 'state-timeline',
      queries: { '{{source}} {{state}}': `${series(metrics.circuitState)}${OURS} == 1` },
    },
    {
      title: 'Changes of circuits',
      unit: 'reqps',
      queries: { '{{source}} {{state}}': perSecond(metrics.transitions, ['source', 'state']) },
    },
    {
      title: 'Places in use',
      queries: {
        '{{source}}': series(metrics.active) + OURS,
        '{{source}} of': series(metrics.limit) + OURS,
      },
    },
    {
      title: 'Waiting lines',
      queries: {
        '{{source}}': series(metrics.queueSize) + OURS,
        '{{source}} of': series(metrics.queueLimit) + OURS,
        '{{source}} newcomers, a second': perSecond(metrics.queued, ['source']),
      },
    },
    {
      title: 'Permits',
      queries: {
        '{{source}} {{dimension}}': series(metrics.balance) + OURS,
        '{{source}} {{dimension}} a minute': series(metrics.rate) + OURS,
        '{{source}} paused': series(metrics.paused) + OURS,
      },
    },
    {
      title: 'Turned away by a throttle',
      unit: 'percentunit',
      queries: { '{{source}}': series(metrics.probability) + OURS },
    },
    {
      title: 'Health',
      kind: 'state-timeline',
      queries: { '{{check}} {{status}}': `${series(metrics.healthStatus)} == 1` },
    },
  ],
};

const COLUMNS = 3;
const [WIDTH, HEIGHT] = [24 / COLUMNS, 8];
const DATASOURCE = { type: 'prometheus', uid: '$datasource' };

/** A dashboard for Grafana with all metrics of the bridge, as Grafana imports it. */
export function dashboard(): string {
  const panels: object[] = [];
  let y = 0;
  const add = (panel: object): void => void panels.push({ id: panels.length + 1, ...panel });
  for (const [title, row] of Object.entries(ROWS)) {
    add({ type: 'row', title, collapsed: false, gridPos: { x: 0, y: y++, w: 24, h: 1 }, panels: [] });
    for (const [index, panel] of row.entries()) {
      const line = y + Math.floor(index / COLUMNS) * HEIGHT;
      add(drawn(panel, { x: (index % COLUMNS) * WIDTH, y: line, w: WIDTH, h: HEIGHT }));
    }
    y += Math.ceil(row.length / COLUMNS) * HEIGHT;
  }
  const variable = { refresh: 2, sort: 1, hide: 0 };
  const sources = `label_values({__name__=~"${exported('rxjs_resilience.')}.+"}, source)`;
  return `${JSON.stringify(
    {
      title: 'rxjs-resilience',
      uid: 'rxjs-resilience',
      description: 'Calls, models, recovery and policies, from the metrics of rxjs-resilience/opentelemetry.',
      tags: ['rxjs-resilience', 'opentelemetry'],
      schemaVersion: 39,
      editable: true,
      refresh: '30s',
      time: { from: 'now-1h', to: 'now' },
      templating: {
        list: [
          { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', ...variable },
          {
            name: 'source',
            label: 'Policy',
            type: 'query',
            datasource: DATASOURCE,
            query: { query: sources, refId: 'source' },
            definition: sources,
            multi: true,
            includeAll: true,
            allValue: '.*',
            current: { text: 'All', value: '$__all' },
            ...variable,
          },
        ],
      },
      panels,
    },
    undefined,
    2,
  )}\n`;
}

function drawn(
  { title, description, unit = 'none', kind = 'timeseries', stacked, queries }: Panel,
  gridPos: object,
) {
  const custom =
    kind === 'timeseries'
      ? {
          fillOpacity: stacked ? 25 : 8,
          showPoints: 'never',
          stacking: { mode: stacked ? 'normal' : 'none' },
        }
      : {};
  return {
    type: kind,
    title,
    ...(description !== undefined && { description }),
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0, custom }, overrides: [] },
    options: {
      legend: { displayMode: 'list', placement: 'bottom' },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      editorMode: 'code',
      expr,
      legendFormat,
    })),
  };
}
