/** Dashboard and alert rules, against what OpenTelemetry's exporter exports, and against a Prometheus where there is one. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { NEVER, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { AdaptiveThrottle } from '../../src/adaptive-throttle/index.ts';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { conventionsOf } from '../../src/opentelemetry/conventions.ts';
import { resilience } from '../../src/pipeline/index.ts';
import { RateLimiter } from '../../src/rate-limit/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { dashboard } from './dashboard.ts';
import { chats, decisions } from './everything.ts';
import { laboratory } from './surroundings.ts';

const ALERTS = 'docs/opentelemetry/alerts.yml';
const ALERT_TESTS = 'docs/opentelemetry/alerts.test.yml';
const alerts = readFileSync(ALERTS, 'utf8');

const queriesOf = (json: string): string[] =>
  (JSON.parse(json) as { panels: { targets?: { expr: string }[] }[] }).panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => expr),
  );
const expressions = [...alerts.matchAll(/expr: (?:\|-\n((?: {10}.*\n)+)|(.*)\n)/g)].map(
  ([, block, line]) => block ?? line ?? '',
);
const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);

test('every metric and every label in the dashboard and the rules is one that is exported', async () => {
  const events = new EventBus();
  const observe = [
    new Bulkhead({ name: 'places', events }),
    new RateLimiter({ name: 'permits', events }),
    new CircuitBreaker({ name: 'circuit', events }),
    new AdaptiveThrottle({ name: 'throttle', events }),
  ];
  const exporter = new PrometheusExporter({ preventServerStart: true });
  laboratory({ events, observe, maxOpenCalls: 1 }, exporter);
  decisions(events, 'api');
  chats(events, 'assistant');
  const open = [1, 2].map(() => NEVER.pipe(resilience({ events, timeout: 60_000 })).subscribe());

  const { resourceMetrics } = await exporter.collect();
  for (const call of open) call.unsubscribe();
  const exported = new Map<string, Set<string>>();
  for (const [, name = '', labels = ''] of new PrometheusSerializer()
    .serialize(resourceMetrics)
    .matchAll(/^(\w+)(?:\{(.*)\})? /gm)) {
    const known = exported.get(name) ?? exported.set(name, new Set()).get(name);
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known?.add(label);
  }
  // Prometheus adds it itself.
  const isLabel = (metric: string, label: string): boolean =>
    label === 'job' || (exported.get(metric)?.has(label) ?? false);

  const queries = [...queriesOf(dashboard()), ...expressions];
  const used = queries.flatMap((query) => metricsIn(query));
  expect(used.length).toBeGreaterThan(35);
  expect(used.filter(({ name }) => !exported.has(name))).toStrictEqual([]);
  expect(used.filter(({ name, labels }) => !labels.every((label) => isLabel(name, label)))).toStrictEqual([]);

  const series = [...exported.keys()].join('\n');
  const shown = queriesOf(dashboard()).join('\n');
  const defined = Object.values(conventionsOf('current').metrics).map(({ name }) =>
    name.replaceAll('.', '_'),
  );
  expect(defined.filter((name) => !series.includes(name))).toStrictEqual([]);
  expect(defined.filter((name) => !shown.includes(name))).toStrictEqual([]);
});

interface Used {
  readonly name: string;
  /** Those that it is selected or summed up by. */
  readonly labels: readonly string[];
}

function metricsIn(query: string): Used[] {
  const sums: string[] = [];
  const selectors = query.replaceAll(/by \(([^)]*)\)/g, (_, labels: string) => {
    sums.push(...labels.split(', '));
    return '';
  });
  return [...selectors.matchAll(/\b((?:rxjs_resilience|gen_ai)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', selector = '']) => ({
      name,
      labels: [...sums, ...[...selector.matchAll(/(\w+)(?:=~|!=|=)/g)].map(([, label = '']) => label)],
    }),
  );
}

const version = spawnSync('prometheus', ['--version'], { encoding: 'utf8' });
const missing = version.status === 0 ? '' : ' (skipped: no Prometheus is installed, see .ci/run)';

describe.skipIf(missing !== '')(`a real Prometheus${missing}`, () => {
  const run = promisify(execFile);

  test('finds no fault in the rules, and they fire on what they are for', async () => {
    const { stdout: checked } = await run('promtool', ['check', 'rules', ALERTS]);
    expect(checked).toContain(`${names.length} rules found`);
    const { stdout: tested } = await run('promtool', ['test', 'rules', ALERT_TESTS]);
    expect(tested).toContain('SUCCESS');
    const covered = readFileSync(ALERT_TESTS, 'utf8');
    expect(names.filter((name) => !covered.includes(`alertname: ${name}\n        exp_alerts`))).toStrictEqual(
      [],
    );
  });

  test('scrapes the exporter, fires every alert, and can answer the dashboard', async () => {
    const events = new EventBus();
    const places = new Bulkhead({
      name: 'places',
      maxConcurrent: 1,
      maxQueue: 5,
      queueTimeout: Infinity,
      events,
    });
    const circuit = new CircuitBreaker({ name: 'payments', events });
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const { bridge } = laboratory({ events, observe: [places] }, exporter);
    const waiting = Array.from({ length: 6 }, () => NEVER.pipe(bulkhead(places)).subscribe());
    circuit.forceOpen();
    const retry = { maxRetries: 1, backoff: fixedBackoff(0) };
    const prices = throwError(() => new Error('down')).pipe(resilience({ name: 'prices', events, retry }));
    const traffic = setInterval(() => {
      prices.subscribe({ error() {} });
      events.publish('first_token', 'assistant', { provider: 'openai', after: 20_000 });
    }, 100);

    const scraped = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
    await using prometheus = await startPrometheus(await listening(scraped));
    try {
      expect(await prometheus.firing(names)).toStrictEqual([
        'CallsFail prices',
        'CircuitOpen payments',
        'QueueSaturated places',
        'RetryStorm ',
        'SlowFirstToken assistant',
      ]);
      const queries = queriesOf(dashboard()).map((query) =>
        query.replaceAll('$__rate_interval', '2s').replaceAll('$source', '.*'),
      );
      const answers = await Promise.all(
        queries.map((query) => prometheus.ask(`query?query=${encodeURIComponent(query)}`)),
      );
      expect(answers.map(({ status }) => status)).toStrictEqual(queries.map(() => 'success'));
    } finally {
      clearInterval(traffic);
      scraped.close();
      for (const call of waiting) call.unsubscribe();
      bridge.unsubscribe();
    }
  });
});

interface Answer {
  readonly status: string;
  readonly data: {
    readonly alerts: readonly { readonly state: string; readonly labels: Readonly<Record<string, string>> }[];
  };
}

/** A Prometheus of our own on loopback that scrapes four times a second, with rules that look back two seconds. */
async function startPrometheus(port: number) {
  const folder = mkdtempSync(join(tmpdir(), 'rxjs-resilience-prometheus-'));
  const probe = createServer();
  const own = await listening(probe);
  probe.close();
  writeFileSync(
    join(folder, 'alerts.yml'),
    alerts.replaceAll('[5m]', '[2s]').replaceAll(/for: \d+m/g, 'for: 0s'),
  );
  writeFileSync(
    join(folder, 'prometheus.yml'),
    [
      'global: { scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms }',
      'rule_files: [alerts.yml]',
      `scrape_configs: [{ job_name: shop, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }]`,
    ].join('\n'),
  );
  const options = {
    'config.file': join(folder, 'prometheus.yml'),
    'storage.tsdb.path': join(folder, 'data'),
    'web.listen-address': `127.0.0.1:${own}`,
    'log.level': 'error',
  };
  const server = spawn(
    'prometheus',
    Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    { cwd: resolve(folder), stdio: 'ignore' },
  );
  const ask = async (path: string): Promise<Answer> =>
    (await (await fetch(`http://127.0.0.1:${own}/api/v1/${path}`)).json()) as Answer;
  return {
    ask,
    /** The alerts that fire, once these all do. */
    async firing(expected: readonly (string | undefined)[]): Promise<string[]> {
      let firing: Answer['data']['alerts'] = [];
      for (const end = performance.now() + 30_000; performance.now() < end; await wait(100)) {
        const answer = await ask('alerts').catch(() => undefined);
        firing = (answer?.data.alerts ?? []).filter(({ state }) => state === 'firing');
        if (expected.every((name) => firing.some(({ labels }) => labels.alertname === name))) break;
      }
      return firing.map(({ labels }) => `${labels.alertname} ${labels.source ?? ''}`).sort();
    },
    async [Symbol.asyncDispose]() {
      const gone = once(server, 'exit');
      server.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @returns the port. */
async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
