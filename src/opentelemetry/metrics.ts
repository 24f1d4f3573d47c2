import type { Attributes } from '@opentelemetry/api';
import type { ErrorSummary } from '../core/event-parts.ts';
import type { EventData } from '../core/events.ts';
import { CHAT, type Conventions, ERROR_TYPE, providerOf } from './conventions.ts';
import type { Instruments } from './instruments.ts';
import type { Reactions } from './reactions.ts';
import { closed, errorTypeOf, type Names } from './vocabulary.ts';

type Asked = Pick<EventData<'attempt_ended'>, 'provider' | 'requestedModel' | 'model'>;
type Ended = Pick<EventData<'attempt_ended'>, 'outcome' | 'error'>;

/** The counts and times of what the bus tells. */
export function metricsOf(metric: Instruments, { genAi, version }: Conventions, names: Names): Reactions {
  const named = (source: string, more: Attributes = {}): Attributes => ({
    source: names.sources.of(source),
    ...more,
  });
  const because = (error: ErrorSummary | undefined): Attributes => ({
    [ERROR_TYPE]: errorTypeOf(error),
  });
  const ended = ({ outcome, error }: Ended): Attributes => ({
    outcome: closed('outcome', outcome),
    ...(outcome === 'failed' && because(error)),
  });
  /** Who was asked for which model, and which one answered. */
  const asked = ({ provider, requestedModel, model }: Asked): Attributes => ({
    [genAi.operation]: CHAT,
    [genAi.provider]: names.providers.of(providerOf(provider, version)),
    ...(requestedModel !== undefined && { [genAi.requestModel]: names.models.of(requestedModel) }),
    ...(model !== undefined && { [genAi.responseModel]: names.models.of(model) }),
  });

  return {
    call_ended: ({ source, data }) =>
      metric.callDuration.record(data.duration / 1_000, named(source, ended(data))),
    stream_ended({ source, data }, repeated) {
      const seconds = data.duration / 1_000;
      metric.callDuration.record(seconds, named(source, ended(data)));
      // How long somebody waited before he left says nothing of how long an answer takes.
      if (data.outcome === 'cancelled' || repeated) return;
      const failed = data.outcome === 'failed' ? because(data.error) : {};
      metric.operationDuration.record(seconds, { ...asked(data), ...failed });
    },
    first_token: ({ source, data }) => metric.timeToFirstToken.record(data.after / 1_000, named(source)),
    attempt_ended({ data }, repeated) {
      const { provider, outcome, usage, duration, timeToFirstToken } = data;
      metric.attempts.add(1, { provider: names.providers.of(provider), ...ended(data) });
      if (repeated) return;
      const attributes = asked(data);
      if (timeToFirstToken !== undefined)
        metric.attemptTimeToFirstToken.record(timeToFirstToken / 1_000, attributes);
      // The conventions want what was counted, or nothing.
      if (usage === undefined || usage.estimated) return;
      const { inputTokens, outputTokens } = usage;
      if (inputTokens !== undefined)
        metric.tokenUsage.record(inputTokens, { ...attributes, [genAi.tokenType]: 'input' });
      if (outputTokens === undefined) return;
      metric.tokenUsage.record(outputTokens, { ...attributes, [genAi.tokenType]: 'output' });
      if (outcome === 'completed' && timeToFirstToken !== undefined && outputTokens > 1) {
        const perToken = (duration - timeToFirstToken) / (outputTokens - 1);
        metric.timePerOutputToken.record(perToken / 1_000, attributes);
      }
    },

    retry_attempted: ({ source, data }) => metric.retries.add(1, named(source, because(data.error))),
    retry_exhausted: ({ source, data }) =>
      metric.retriesExhausted.add(
        1,
        named(source, { reason: closed('exhausted', data.reason), ...because(data.error) }),
      ),
    fallback_used: ({ source, data }) => metric.fallbacks.add(1, named(source, because(data.error))),
    fallback_exhausted: ({ source }) => metric.fallbacksExhausted.add(1, named(source)),
    stream_resumed: ({ source }) => metric.recoveries.add(1, named(source, { kind: 'resumed' })),
    stream_retracted: ({ source }) => metric.recoveries.add(1, named(source, { kind: 'retracted' })),
    stream_continued: ({ source }) => metric.recoveries.add(1, named(source, { kind: 'continued' })),
    provider_switched: ({ source }) => metric.recoveries.add(1, named(source, { kind: 'switched' })),
    timed_out: ({ source, data }) =>
      metric.timeouts.add(1, named(source, { kind: closed('timeout', data.kind) })),

    bulkhead_queued: ({ source }) => metric.queued.add(1, named(source)),
    circuit_rejected: ({ source }) => metric.rejections.add(1, named(source, { reason: 'circuit-open' })),
    bulkhead_rejected: ({ source, data }) =>
      metric.rejections.add(1, named(source, { reason: closed('queue', data.reason) })),
    rate_limited({ source, data }) {
      if (data.outcome === 'rejected') metric.rejections.add(1, named(source, { reason: 'rate-limit' }));
      else metric.queued.add(1, named(source));
    },
    throttled: ({ source }) => metric.rejections.add(1, named(source, { reason: 'throttled' })),
    load_shed: ({ source }) => metric.rejections.add(1, named(source, { reason: 'load-shed' })),

    hedge_started: ({ source }) => metric.hedges.add(1, named(source, { result: 'started' })),
    hedge_won: ({ source }) => metric.hedges.add(1, named(source, { result: 'won' })),
    hedge_refused: ({ source }) => metric.hedges.add(1, named(source, { result: 'refused' })),

    circuit_opened: ({ source, data }) =>
      metric.transitions.add(1, named(source, { state: closed('circuit', data.to) })),
    circuit_half_open: ({ source, data }) =>
      metric.transitions.add(1, named(source, { state: closed('circuit', data.to) })),
    circuit_closed: ({ source, data }) =>
      metric.transitions.add(1, named(source, { state: closed('circuit', data.to) })),
  };
}
