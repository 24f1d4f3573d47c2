import type { EventType, ResilienceEvent, ResilienceEventOf } from '../core/events.ts';

/** What is done about which events. */
export type Reactions = {
  readonly [Type in EventType]?: (event: ResilienceEventOf<Type>, repeated: boolean) => void;
};

export function react(reactions: Reactions, event: ResilienceEvent, repeated = false): void {
  (reactions[event.type] as ((event: ResilienceEvent, repeated: boolean) => void) | undefined)?.(
    event,
    repeated,
  );
}
