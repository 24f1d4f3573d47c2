/** Something that came along a track. Frames are milliseconds of virtual time. */
export type Message = { readonly frame: number } & (
  | { readonly kind: 'next'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'complete' }
);

/** From its subscription to its end, for whatever reason; `Infinity` is never. */
export interface Lifetime {
  readonly from: number;
  readonly until: number;
}

/** What happened to one subscription to the source. */
export interface AttemptTrack extends Lifetime {
  readonly kind: 'attempt';
  readonly name: string;
  readonly messages: readonly Message[];
  /** Which consumer it was made for, from 0. */
  readonly consumer: number | undefined;
  readonly expected: Lifetime;
}

/** What one consumer received. */
export interface ConsumerTrack extends Lifetime {
  readonly kind: 'consumer';
  readonly name: string;
  readonly messages: readonly Message[];
  readonly expected: readonly Message[];
}

/** What was watched beside the stream. */
export interface LaneTrack {
  readonly kind: 'lane';
  readonly name: string;
  readonly messages: readonly Message[];
  readonly expected: readonly Message[];
  /** What the letters of the lane mean. */
  readonly values: Readonly<Record<string, unknown>>;
  /** A state has a value from the start and always, a level is one whose values are numbers; events happen. */
  readonly shows: 'state' | 'level' | 'events';
}

export type Track = AttemptTrack | ConsumerTrack | LaneTrack;

/** All that happened in one run of a diagram. */
export interface Recording {
  readonly attempts: readonly AttemptTrack[];
  readonly consumers: readonly ConsumerTrack[];
  readonly lanes: readonly LaneTrack[];
  /** What the letters of the stream mean. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Whether the track was left before its end. */
export function isCancelled({ until, messages }: AttemptTrack | ConsumerTrack): boolean {
  return until < Number.POSITIVE_INFINITY && !messages.some(({ kind }) => kind !== 'next');
}
