import type { EventBus } from '../../src/core/event-bus.ts';
import type { EventData, EventType } from '../../src/core/events.ts';

const DOWN: Error = Object.assign(new Error('down'), { status: 503 });

export const ATTEMPT: EventData<'attempt_ended'> = {
  provider: 'openai',
  model: 'large-2',
  requestedModel: 'large',
  attempt: 1,
  phase: 'ended',
  outcome: 'completed',
  delay: 0,
  duration: 2_000,
  timeToFirstToken: 500,
  usage: { inputTokens: 10, outputTokens: 31, totalTokens: 41 },
};

type Data<Type extends EventType> = Parameters<typeof EventBus.prototype.publish<Type>>[2];

/** Every decision that a metric counts. */
export function decisions(events: EventBus, source: string): void {
  const publish = <Type extends EventType>(type: Type, ...all: Data<Type>[]): void => {
    for (const data of all) events.publish(type, source, data);
  };
  const error = DOWN;
  publish('call_ended', { outcome: 'failed', duration: 20, error });
  publish('retry_attempted', { attempt: 1, delay: 1, error }, { attempt: 2, delay: 1, error });
  publish('retry_exhausted', { attempts: 2, reason: 'budget', error });
  publish('fallback_used', { alternative: 0, error });
  publish('fallback_exhausted', { errors: [error] });
  publish('stream_resumed', { emitted: 1, error });
  publish('stream_retracted', { provider: 'a', error });
  publish('stream_continued', { provider: 'a', by: 'ask', characters: 1, error });
  publish('provider_switched', { from: 'a', to: 'b', error });
  publish('timed_out', { kind: 'each', after: 1 });
  publish('circuit_rejected', {});
  publish('bulkhead_queued', { activeCount: 1, queueSize: 1 });
  publish('bulkhead_rejected', { reason: 'queue-full', activeCount: 1, queueSize: 1 });
  publish('rate_limited', { outcome: 'rejected', retryAfter: 1 }, { outcome: 'queued', retryAfter: 1 });
  publish('throttled', { probability: 0.5 });
  publish('load_shed', { reason: 'deadline', priority: 1 });
  publish('hedge_started', { attempt: 2, delay: 1 });
  publish('hedge_won', { attempt: 2, after: 1 });
  publish('hedge_refused', { reason: 'budget' });
  publish('circuit_opened', { from: 'closed', to: 'open' });
  publish('concurrency_limit_changed', { from: 1, to: 7, reason: '' });
  publish('limiter_paused', { resumesAfter: 1, reason: '' });
  publish(
    'limiter_adjusted',
    { dimension: 'requests', from: 60, to: 30, reason: '' },
    { dimension: 'tokens', from: 1_000, to: 500, reason: '' },
  );
  publish('health_changed', { check: 'database', to: 'degraded' });
}

/** A chat that is answered, one that fails and one that is cancelled. */
export function chats(events: EventBus, source: string): void {
  const { provider, model, requestedModel } = ATTEMPT;
  const ended = { provider, model, requestedModel, duration: 3_000 };
  events.publish('first_token', source, { provider, after: 750 });
  const nothing = { model: undefined, usage: undefined, timeToFirstToken: undefined };
  events.publish('attempt_ended', source, { ...ATTEMPT, ...nothing, outcome: 'failed', error: DOWN });
  events.publish('attempt_ended', source, ATTEMPT);
  events.publish('stream_ended', source, { ...ended, outcome: 'completed' });
  events.publish('stream_ended', source, { ...ended, outcome: 'failed', error: DOWN });
  events.publish('stream_ended', source, { ...ended, outcome: 'cancelled' });
}
