import type { ObservableNotification } from 'rxjs';

/** One thing that happened in a lane, and the millisecond in which it did. */
export type Mark = { readonly frame: number } & (
  | { readonly kind: 'next'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'complete' | 'subscribe' | 'unsubscribe' }
);

/** What one stream did, or one of the subscriptions to it. */
export interface Lane {
  readonly name: string;
  /** In the order in which they happened. */
  readonly marks: readonly Mark[];
  /** Nothing is drawn before. @default 0 */
  readonly from?: number;
}

/** A message of RxJS' `TestScheduler`. */
export interface Message {
  readonly frame: number;
  readonly notification: ObservableNotification<unknown>;
}

export function markOf({ frame, notification }: Message): Mark {
  switch (notification.kind) {
    case 'N':
      return { frame, kind: 'next', value: notification.value };
    case 'E':
      return { frame, kind: 'error', error: notification.error };
    case 'C':
      return { frame, kind: 'complete' };
  }
}

/** When something was subscribed and unsubscribed; the shape of RxJS' own log. */
export interface SubscriptionFrames {
  readonly subscribedFrame: number;
  /** `Infinity` while it lasts. */
  readonly unsubscribedFrame: number;
}

/** A subscription as a lane shows it; none is an empty lane. */
export function subscriptionMarks(subscription: SubscriptionFrames | undefined): Mark[] {
  if (subscription === undefined) return [];
  const { subscribedFrame, unsubscribedFrame } = subscription;
  const marks: Mark[] = [];
  if (Number.isFinite(subscribedFrame)) marks.push({ frame: subscribedFrame, kind: 'subscribe' });
  if (Number.isFinite(unsubscribedFrame)) marks.push({ frame: unsubscribedFrame, kind: 'unsubscribe' });
  return marks;
}

/** After these a stream shows nothing any more. */
export const isEnd = ({ kind }: Mark): boolean =>
  kind === 'complete' || kind === 'error' || kind === 'unsubscribe';
