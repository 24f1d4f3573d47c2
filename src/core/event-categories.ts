import type { EventType } from './events.ts';

/**
 * Every type belongs to one category, so a listener can ask for a whole class of events. Apart from the schemas: the bus
 * needs no more than this.
 */
export const EVENT_CATEGORIES = {
  circuit_opened: 'state',
  circuit_closed: 'state',
  circuit_half_open: 'state',
  circuit_rejected: 'rejection',
  retry_attempted: 'recovery',
  retry_exhausted: 'error',
  stream_resumed: 'recovery',
  bulkhead_queued: 'lifecycle',
  bulkhead_rejected: 'rejection',
  rate_limited: 'rejection',
  timed_out: 'error',
  limiter_paused: 'state',
  limiter_resumed: 'state',
  limiter_adjusted: 'state',
  limiter_lowered: 'state',
  hedge_started: 'recovery',
  hedge_won: 'recovery',
  hedge_refused: 'rejection',
  concurrency_limit_changed: 'state',
  throttled: 'rejection',
  load_shed: 'rejection',
  chaos_injected: 'chaos',
  health_changed: 'state',
  registry_changed: 'lifecycle',
  fallback_used: 'recovery',
  fallback_exhausted: 'error',
  call_started: 'lifecycle',
  call_ended: 'lifecycle',
  stream_started: 'lifecycle',
  attempt_started: 'lifecycle',
  first_token: 'metric',
  stream_retracted: 'recovery',
  provider_switched: 'recovery',
  stream_continued: 'recovery',
  attempt_ended: 'metric',
  frame_skipped: 'error',
  events_dropped: 'error',
  stream_ended: 'lifecycle',
} as const satisfies Record<EventType, string>;

export type EventCategory = (typeof EVENT_CATEGORIES)[EventType];
