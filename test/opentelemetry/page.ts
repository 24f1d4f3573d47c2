import {
  conventionsOf,
  ERROR_TYPE,
  type MetricDefinition,
  OWN,
} from '../../src/opentelemetry/conventions.ts';
import { ERROR_TYPES, WORDS } from '../../src/opentelemetry/vocabulary.ts';
import { dashboard } from './dashboard.ts';
import { pictureOf } from './picture.ts';
import { troubledCall } from './trace.ts';

const PICTURE = 'pictures/opentelemetry/a-call-with-some-trouble.svg';
const TITLE = 'A call with some trouble';

/** The page of the bridge, with its picture and its dashboard, by path. */
export function openTelemetryPage(): Map<string, string> {
  return new Map([
    ['docs/opentelemetry.md', page()],
    [`docs/${PICTURE}`, pictureOf(troubledCall(), 'opentelemetry-trace', TITLE)],
    ['docs/opentelemetry/dashboard.json', dashboard()],
  ]);
}

const code = (word: string): string => `\`${word}\``;
const listed = (words: readonly string[]): string => words.map(code).join(', ');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const { current, next } = { current: conventionsOf('current'), next: conventionsOf('next') };

/** What the two versions of the conventions call it. */
function named(ofCurrent: string | undefined, ofNext: string | undefined): string {
  if (ofCurrent === ofNext) return code(ofCurrent ?? '');
  if (ofCurrent === undefined) return `${code(ofNext ?? '')} (\`next\` only)`;
  return `${code(ofCurrent)} (with \`next\` ${code(ofNext ?? '')})`;
}

function metricsTable(): string {
  const rows = (Object.keys(current.metrics) as (keyof typeof current.metrics)[]).map((key) => {
    const metric: MetricDefinition = current.metrics[key];
    const labels = metric.attributes.map((label) =>
      label === current.genAi.provider ? named(label, next.genAi.provider) : code(label),
    );
    return [
      named(metric.name, next.metrics[key].name),
      metric.instrument,
      metric.unit,
      labels.join(', '),
      metric.description,
    ];
  });
  return table(['Metric', 'Kind', 'Unit', 'Labels', 'What it is'], rows);
}

const { genAi } = current;
const CALL: readonly (readonly [name: string, meaning: string])[] = [
  [code(genAi.operation), '`chat`'],
  [
    named(genAi.provider, next.genAi.provider),
    'who was asked first, at the end who answered, by the name that the conventions have for it: `api.openai.com` is `openai`. A name that they do not know stays as it is',
  ],
  [code(genAi.requestModel), 'the model that was asked first'],
  [code(genAi.responseModel), 'the model that answered'],
  [code(genAi.finishReasons), 'why it stopped: `stop`, `length`, `tool_call`, `content_filter`, `other`'],
  [
    `${code(genAi.inputTokens)}, ${code(genAi.outputTokens)}`,
    'tokens of all attempts together, as far as they were counted',
  ],
  [
    [next.genAi.cachedTokens, next.genAi.reasoningTokens].map((name) => named(undefined, name)).join(', '),
    'which of them came out of a cache, and which were spent on thinking',
  ],
  [named(undefined, next.genAi.stream), '`true`'],
  [named(undefined, next.genAi.timeToFirstToken), 'seconds until the caller saw the first content'],
  [code(OWN.source), 'name of the `ResilientProvider`, or of `resilience()`'],
  [code(OWN.call), 'the id of the call, as in the events'],
  [code(OWN.outcome), listed(WORDS.outcome)],
  [code(OWN.attempts), 'how many attempts were made'],
  [code(ERROR_TYPE), 'why it failed'],
  [
    code(OWN.abandoned),
    '`evicted`: more than `maxOpenCalls` were open; `stopped`: the bridge was taken down before the end of the call',
  ],
];
const ATTEMPT: readonly (readonly [name: string, meaning: string])[] = [
  [code(OWN.attempt), 'its number, from 1, over all providers'],
  [code(OWN.provider), 'name of the provider'],
  [code(OWN.outcome), listed(WORDS.outcome)],
  [code(OWN.phase), 'how far it came: `connecting`, `preamble`, `content`, `ended`'],
  [code(OWN.delay), 'milliseconds that passed before it: a back-off, a wait for a place'],
  [
    `${code(genAi.requestModel)}, ${code(genAi.responseModel)}`,
    'the model that was asked, and the one that answered',
  ],
  [
    `${code(OWN.inputTokens)}, ${code(OWN.outputTokens)}, ${code(OWN.estimated)}`,
    'its tokens; not by the names of the conventions, or whoever adds up the spans would count them twice',
  ],
  [code(ERROR_TYPE), 'why it failed'],
];

const page =
  (): string => `<!-- Written by \`npm run docs\` from the code of the bridge, and from spans that the SDK has finished. -->

# OpenTelemetry

\`rxjs-resilience/opentelemetry\` makes traces and metrics of what the bus tells. The streams know nothing of it: events
come per call and per attempt, so a token costs what it cost before. \`@opentelemetry/api\` 1.9 is an optional peer
dependency; which SDK and which exporters stand behind it is up to you.

\`\`\`ts
import { Bulkhead, getCircuitRegistry } from 'rxjs-resilience';
import { instrument } from 'rxjs-resilience/opentelemetry';

// Once, after the SDK has been started.
const places = new Bulkhead({ name: 'openai', maxConcurrent: 20 });
const bridge = instrument({ observe: () => [places, ...getCircuitRegistry().list()] });
\`\`\`

\`bridge.unsubscribe()\` takes it down. \`tracerProvider\` and \`meterProvider\` stand in for the global ones.

## Traces

![${TITLE}: a call of 3.25 seconds, two attempts at openai that fail, one at ollama, and what was decided meanwhile](${PICTURE})

Drawn from the spans of a call that really ran, in virtual time. The first attempt was refused, the second broke off after
its first words, and another provider answered.

- **A call** of a \`ResilientProvider\` is one span of kind \`CLIENT\`, named after the operation and the model. A call through
  \`resilience()\` (also by \`protect()\` and \`@resilient\`) is one of kind \`INTERNAL\`, named after the policy. It stands in
  the context in which it was subscribed. A call inside of a call is a span inside of its span.
- **An attempt** is a span below it, with a span event \`first_token\` where there was one.
- **A decision** is a span event, named like the [event](events.md) on the bus: retries with their delay, fallbacks,
  retracts, switches, timeouts, rejections, changes of circuits that the call has caused. Its numbers and words are there,
  its messages are not.
- **A failure** has the status \`ERROR\` without a description, and an \`error.type\`. A call that was cancelled has not failed.
- **No span is left open.** Spans of attempts are made when the attempt has ended, and dated back. Calls are ended by their
  end, by the \`maxOpenCalls\`th call after them, or by \`bridge.unsubscribe()\`.

The span of a call has these attributes, as far as they are known:

${table(['Attribute', 'What it is'], CALL)}

The span of an attempt has these:

${table(['Attribute', 'What it is'], ATTEMPT)}

Spans of HTTP clients are no children of the attempt: a listener of a bus cannot set the context of those who speak. They
stand beside the call, in the context of whoever subscribed. Operators without \`resilience()\` around them have metrics and
no span, because nobody says where such a call begins and ends.

## Metrics

${metricsTable()}

Gauges of circuits, health checks, adaptive limits and paused limiters are known from the bus, from their first change on.
What is in \`observe\` is asked whenever somebody collects: circuit breakers, bulkheads, adaptive limits, rate limiters and
throttles, or what shows itself like one of them. A policy that is given as a config cannot be observed: make the object, and
give that.

The time to the first token and the time per token are named \`gen_ai.server.…\` in version 1.36, which has no others. They
are measured here, at the client, so the network is in them.

**Labels are bounded.** \`source\`, \`provider\`, \`check\` and the models have as many values as you have names, at most
\`maxNames\` (100) of each sort; the rest is \`other\`. All else is one of these words:

${table(
  ['Label', 'Values'],
  [
    [code(ERROR_TYPE), listed(ERROR_TYPES)],
    [code('outcome'), listed(WORDS.outcome)],
    [`${code('state')} of a circuit`, listed(WORDS.circuit)],
    [`${code('dimension')} of a limiter`, listed(WORDS.dimension)],
    [`${code('status')} of a check`, listed(WORDS.health)],
    [`${code('reason')} of retries that were given up`, listed(WORDS.exhausted)],
    [`${code('kind')} of a timeout`, listed(WORDS.timeout)],
    [`${code('kind')} of a recovery`, listed(['resumed', 'retracted', 'continued', 'switched'])],
    [
      `${code('reason')} of a rejection`,
      listed(['circuit-open', ...WORDS.queue, 'rate-limit', 'throttled', 'load-shed']),
    ],
    [`${code('result')} of a hedge`, listed(['started', 'won', 'refused'])],
  ],
)}

**No prompt, no answer, no key** and no message of an error is in a span or a metric: a test sends secrets through a
provider that repeats them wherever it can, and looks for them.

## The coming names

The semantic conventions for generative AI are in development, and ask instrumentations to stay with version 1.36 until
they are stable. \`semanticConventions: 'next'\` takes what they have become since (\`gen_ai_latest_experimental\`). The tables
above say what differs.

## Prometheus

Through OpenTelemetry's own exporter:

\`\`\`ts
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { instrument } from 'rxjs-resilience/opentelemetry';

const exporter = new PrometheusExporter({ port: 9464 }); // http://localhost:9464/metrics
instrument({ meterProvider: new MeterProvider({ readers: [exporter] }) });
\`\`\`

- [dashboard.json](opentelemetry/dashboard.json) is a dashboard for Grafana, ready to import, with all metrics above.
- [alerts.yml](opentelemetry/alerts.yml) has alert rules: a circuit is open, calls fail, retries pile up, first tokens come
  late, a queue is full. [alerts.test.yml](opentelemetry/alerts.test.yml) are their tests, for \`promtool test rules\`.

The tests of this repository start a Prometheus that scrapes the exporter, make every alert fire, and put every query of
the dashboard to it. Dots become underscores: \`rxjs_resilience_call_duration_bucket\`. The OpenTelemetry Collector appends the
unit as well: there it is \`rxjs_resilience_call_duration_seconds_bucket\`.
`;
