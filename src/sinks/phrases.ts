import type { ErrorSummary } from '../core/event-parts.ts';
import type { EventData, EventType } from '../core/events.ts';

/** What an event tells, for people: the rest of a sentence that begins with its source. */
export const PHRASES: { readonly [Type in EventType]: (data: EventData<Type>) => string } = {
  circuit_opened: ({ from, to, retryAfter, error }) =>
    `circuit ${to} (was ${from})${retryAfter === undefined ? '' : `, a probe in ${span(retryAfter)}`}${after(error)}`,
  circuit_closed: ({ from, to }) => `circuit ${to} (was ${from})`,
  circuit_half_open: ({ from }) => `circuit half-open (was ${from})`,
  circuit_rejected: ({ retryAfter }) => `circuit refuses${again(retryAfter)}`,
  retry_attempted: ({ attempt, delay, error }) => `retry ${attempt} in ${span(delay)}${after(error)}`,
  retry_exhausted: ({ attempts, reason, error }) =>
    `gave up after ${attempts} attempts (${reason})${after(error)}`,
  stream_resumed: ({ emitted, error }) => `goes on after ${emitted} values${after(error)}`,
  bulkhead_queued: ({ activeCount, queueSize }) =>
    `waits for a place (${activeCount} active, ${queueSize} waiting)`,
  bulkhead_rejected: ({ reason, activeCount, queueSize }) =>
    `refused: ${reason} (${activeCount} active, ${queueSize} waiting)`,
  rate_limited: ({ outcome, retryAfter }) =>
    `${outcome === 'queued' ? 'waits for a permit' : 'refused'}, there is one in ${span(retryAfter)}`,
  timed_out: ({ kind, after: limit }) => `timed out: ${kind} after ${span(limit)}`,
  limiter_paused: ({ resumesAfter, reason }) => `pauses for ${span(resumesAfter)} (${reason})`,
  limiter_resumed: () => 'goes on',
  limiter_adjusted: ({ dimension, from, to, reason }) =>
    `${dimension} a minute: ${from} -> ${to} (${reason})`,
  limiter_lowered: ({ dimension, from, to }) => `${dimension} left: ${to} instead of ${from}`,
  hedge_started: ({ attempt, delay }) => `attempt ${attempt} joins the race after ${span(delay)}`,
  hedge_won: ({ attempt, after: time }) => `attempt ${attempt} wins the race after ${span(time)}`,
  hedge_refused: ({ reason }) => `nobody joins the race (${reason})`,
  concurrency_limit_changed: ({ from, to, reason }) => `limit ${from} -> ${to} (${reason})`,
  throttled: ({ probability }) => `refused by chance (${Math.round(probability * 100)} %)`,
  load_shed: ({ reason, priority, retryAfter }) =>
    `shed: ${reason} (priority ${priority})${again(retryAfter)}`,
  chaos_injected: ({ fault, delay }) => `CHAOS: ${fault}${delay === undefined ? '' : ` for ${span(delay)}`}`,
  health_changed: ({ check, from, to, error }) =>
    `${check ?? 'overall'} is ${to}${from === undefined ? '' : ` (was ${from})`}${after(error)}`,
  registry_changed: ({ change, name }) => `${name} ${change}`,
  fallback_used: ({ alternative, error }) => `asks alternative ${alternative}${after(error)}`,
  fallback_exhausted: ({ errors }) =>
    `no alternative left after ${errors.length} errors${after(errors.at(-1))}`,
  call_started: () => 'call begins',
  call_ended: ({ outcome, duration, error }) => `call ${outcome} after ${span(duration)}${after(error)}`,
  stream_started: ({ provider, model }) => `call begins with ${provider}${named(model)}`,
  attempt_started: ({ provider, requestedModel }) => `asks ${provider}${named(requestedModel)}`,
  first_token: ({ provider, after: time }) => `first words of ${provider} after ${span(time)}`,
  stream_retracted: ({ provider, error }) => `takes back the words of ${provider}${after(error)}`,
  provider_switched: ({ from, to, error }) => `${to} speaks instead of ${from}${after(error)}`,
  stream_continued: ({ provider, by, characters, error }) =>
    `${provider} goes on after ${characters} characters (${by})${after(error)}`,
  attempt_ended: ({ provider, outcome, phase, duration, usage, error }) =>
    `${provider} ${outcome} in phase ${phase} after ${span(duration)}${usage?.outputTokens === undefined ? '' : `, ${usage.outputTokens} tokens`}${after(error)}`,
  frame_skipped: ({ error }) => `skipped a frame${after(error)}`,
  events_dropped: ({ count }) => `${count} events are missing here`,
  stream_ended: ({ provider, outcome, duration, error }) =>
    `call ${outcome} by ${provider} after ${span(duration)}${after(error)}`,
};

const named = (model: string | undefined): string => (model === undefined ? '' : ` (${model})`);

const again = (retryAfter: number | undefined): string =>
  retryAfter === undefined ? '' : `, try again in ${span(retryAfter)}`;

const after = (error: ErrorSummary | undefined): string =>
  error === undefined ? '' : `: ${[error, ...(error.causes ?? [])].map(told).join(' < ')}`;

const told = ({ name, message, code }: Pick<ErrorSummary, 'name' | 'message' | 'code'>): string =>
  `${name}${code === undefined ? '' : ` ${code}`}: ${message}`;

/** A duration as a person would say it. */
export function span(milliseconds: number): string {
  if (milliseconds < 1_000) return `${round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${round(milliseconds / 1_000)} s`;
  return `${round(milliseconds / 60_000)} min`;
}

const round = (value: number): number => Number(value.toPrecision(3));
