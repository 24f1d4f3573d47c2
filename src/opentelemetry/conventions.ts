/**
 * Every name that leaves this house for OpenTelemetry, in one place.
 *
 * The semantic conventions for generative AI are in development. `current` is version 1.36, which they ask
 * instrumentations to stay with until they are stable, and which dashboards know; `next` is what they have become since
 * (`gen_ai_latest_experimental`), as of October 2026.
 */
export type SemanticConventions = 'current' | 'next';

/** What the conventions call the things that both versions know. */
const GEN_AI = {
  operation: 'gen_ai.operation.name',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  tokenType: 'gen_ai.token.type',
} as const;

/** What they call those that differ. What a version has no name for is `undefined`, and is not told. */
const GEN_AI_BY_VERSION = {
  current: {
    provider: 'gen_ai.system',
    stream: undefined,
    timeToFirstToken: undefined,
    cachedTokens: undefined,
    reasoningTokens: undefined,
  },
  next: {
    provider: 'gen_ai.provider.name',
    stream: 'gen_ai.request.stream',
    timeToFirstToken: 'gen_ai.response.time_to_first_chunk',
    cachedTokens: 'gen_ai.usage.cache_read.input_tokens',
    reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  },
} as const;

export const ERROR_TYPE = 'error.type';
export const CHAT = 'chat';

/** What this house calls its own things in spans. The attributes of events are these and the fields of the event. */
export const OWN = {
  prefix: 'rxjs_resilience.',
  source: 'rxjs_resilience.source',
  call: 'rxjs_resilience.call.id',
  outcome: 'rxjs_resilience.outcome',
  attempts: 'rxjs_resilience.attempts',
  attempt: 'rxjs_resilience.attempt',
  provider: 'rxjs_resilience.provider',
  phase: 'rxjs_resilience.phase',
  delay: 'rxjs_resilience.delay',
  inputTokens: 'rxjs_resilience.usage.input_tokens',
  outputTokens: 'rxjs_resilience.usage.output_tokens',
  estimated: 'rxjs_resilience.usage.estimated',
  /** The span was ended before its call was: `evicted` from the table of open calls, or the bridge was `stopped`. */
  abandoned: 'rxjs_resilience.abandoned',
} as const;

export interface MetricDefinition {
  readonly name: string;
  readonly instrument: 'counter' | 'histogram' | 'gauge';
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly string[];
  readonly buckets?: readonly number[];
}

/** The bounds that the conventions ask for. */
const SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
const PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];
const TOKENS = Array.from({ length: 14 }, (_, index) => 4 ** index);

const count = (name: string, unit: string, description: string, attributes: readonly string[]) => ({
  name: OWN.prefix + name,
  instrument: 'counter' as const,
  unit: `{${unit}}`,
  description,
  attributes,
});
const gauge = (name: string, unit: string, description: string, attributes: readonly string[]) => ({
  name: OWN.prefix + name,
  instrument: 'gauge' as const,
  unit: unit === '1' ? unit : `{${unit}}`,
  description,
  attributes,
});
const histogram = (
  name: string,
  unit: string,
  description: string,
  attributes: readonly string[],
  buckets: readonly number[],
) => ({ name, instrument: 'histogram' as const, unit, description, attributes, buckets });

/** All names of one version of the conventions. */
export function conventionsOf(version: SemanticConventions) {
  const genAi = { ...GEN_AI, ...GEN_AI_BY_VERSION[version] };
  const attempt = [genAi.operation, genAi.provider, genAi.requestModel, genAi.responseModel];
  return {
    version,
    genAi,
    metrics: {
      operationDuration: histogram(
        'gen_ai.client.operation.duration',
        's',
        'Duration of a call, retries and fallbacks included. Cancelled calls are not in it.',
        [...attempt, ERROR_TYPE],
        SECONDS,
      ),
      tokenUsage: histogram(
        'gen_ai.client.token.usage',
        '{token}',
        'Tokens of an attempt, as the provider counted them.',
        [...attempt, genAi.tokenType],
        TOKENS,
      ),
      attemptTimeToFirstToken: histogram(
        version === 'current'
          ? 'gen_ai.server.time_to_first_token'
          : 'gen_ai.client.operation.time_to_first_chunk',
        's',
        'Time from the request to its first content, of one attempt, seen from the client.',
        attempt,
        version === 'current' ? FIRST_TOKEN : SECONDS,
      ),
      timePerOutputToken: histogram(
        'gen_ai.server.time_per_output_token',
        's',
        'Time per token after the first one, the mean of an attempt that completed, seen from the client.',
        attempt,
        PER_TOKEN,
      ),
      callDuration: histogram(
        'rxjs_resilience.call.duration',
        's',
        'Duration of a call, retries and fallbacks included.',
        ['source', 'outcome', ERROR_TYPE],
        SECONDS,
      ),
      timeToFirstToken: histogram(
        'rxjs_resilience.time_to_first_token',
        's',
        'Time from the call to the first content that its caller saw, waits and failed attempts included; once more for an answer that began anew.',
        ['source'],
        SECONDS,
      ),
      attempts: count('attempts', 'attempt', 'Attempts that ended.', ['provider', 'outcome', ERROR_TYPE]),
      retries: count('retries', 'retry', 'Retries, and what they were for.', ['source', ERROR_TYPE]),
      retriesExhausted: count('retries.exhausted', 'call', 'Times that retrying was given up, and why.', [
        'source',
        'reason',
        ERROR_TYPE,
      ]),
      fallbacks: count('fallbacks', 'fallback', 'Times that an alternative was asked, and what for.', [
        'source',
        ERROR_TYPE,
      ]),
      fallbacksExhausted: count('fallbacks.exhausted', 'call', 'Times that every alternative had failed.', [
        'source',
      ]),
      recoveries: count('recoveries', 'recovery', 'Repairs of a stream that had begun.', ['source', 'kind']),
      timeouts: count('timeouts', 'timeout', 'Clocks that ran out.', ['source', 'kind']),
      rejections: count('rejections', 'attempt', 'Attempts that were not made.', ['source', 'reason']),
      queued: count('queued', 'attempt', 'Attempts that had to wait for a place or a permit.', ['source']),
      hedges: count('hedges', 'hedge', 'Second attempts beside a slow one.', ['source', 'result']),
      transitions: count('circuit.transitions', 'transition', 'Changes of state of a circuit.', [
        'source',
        'state',
      ]),
      circuitState: gauge(
        'circuit.state',
        'circuit',
        '1 for the state that a circuit is in, 0 for all others.',
        ['source', 'state'],
      ),
      healthStatus: gauge('health.status', 'check', '1 for the status of a health check, 0 for all others.', [
        'check',
        'status',
      ]),
      active: gauge('concurrency.active', 'attempt', 'Places that are taken.', ['source']),
      limit: gauge(
        'concurrency.limit',
        'attempt',
        'Places that there are, at the moment where that changes.',
        ['source'],
      ),
      probability: gauge('throttle.probability', '1', 'How likely it is that an attempt is turned away.', [
        'source',
      ]),
      balance: gauge(
        'rate_limiter.balance',
        'permit',
        'What a limiter could hand out now; below 0 is a debt.',
        ['source', 'dimension'],
      ),
      rate: gauge(
        'rate_limiter.limit',
        'permit',
        'Permits or tokens a minute, since a limiter was adjusted to what its service says.',
        ['source', 'dimension'],
      ),
      paused: gauge(
        'rate_limiter.paused',
        'limiter',
        '1 while a limiter hands out nothing, 0 again afterwards.',
        ['source'],
      ),
      queueSize: gauge('queue.size', 'attempt', 'Attempts that wait for a place or a permit.', ['source']),
      queueLimit: gauge('queue.limit', 'attempt', 'Attempts that may wait.', ['source']),
      openCalls: gauge('calls.open', 'call', 'Calls that have a span under way.', []),
      evictedCalls: count('calls.evicted', 'call', 'Spans that were ended early, to bound their number.', []),
    },
  } as const;
}
export type Conventions = ReturnType<typeof conventionsOf>;

/** What the conventions call the providers that they know, each with what else it is known by. */
const PROVIDERS: readonly (readonly [name: string, ...aliases: string[]])[] = [
  ['anthropic', 'api.anthropic.com'],
  ['aws.bedrock', 'amazon-bedrock', 'amazonaws.com'],
  ['azure.ai.inference'],
  ['azure.ai.openai', 'azure', 'openai.azure.com'],
  ['cohere', 'api.cohere.com'],
  ['deepseek', 'api.deepseek.com'],
  ['gcp.gemini', 'google', 'gemini', 'generativelanguage.googleapis.com'],
  ['gcp.vertex_ai', 'aiplatform.googleapis.com'],
  ['groq', 'api.groq.com'],
  ['ibm.watsonx.ai'],
  ['mistral_ai', 'mistral', 'api.mistral.ai'],
  ['openai', 'api.openai.com'],
  ['perplexity', 'api.perplexity.ai'],
  ['x_ai', 'xai', 'api.x.ai'],
];

/**
 * What the conventions call a provider, by the name that it has here: that is the host of its URL, what the AI SDK calls it
 * (`openai.chat`), or what its owner likes; a name that says nothing to them stays as it is.
 */
export function providerOf(name: string, version: SemanticConventions): string {
  const host = name.toLowerCase().replace(/:\d+$/, '');
  const family = host.replace(/\..*/, '');
  const known = PROVIDERS.find((names) =>
    names.some((it) => host === it || family === it || host.endsWith(`.${it}`)),
  )?.[0];
  return known === 'x_ai' && version === 'current' ? 'xai' : (known ?? name);
}

/** What they call the reasons for which a model stops. */
export const FINISH_REASONS: ReadonlyMap<string, string> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool-calls', 'tool_call'],
  ['content-filter', 'content_filter'],
]);
