import type { Observable } from 'rxjs';
import { META } from './core-types.ts';

/** One subscription, as it was recorded, and those that it made. */
export interface Insight {
  /** Of the operator or the stream, such as `retryWithBackoff`; `Internal…` where it has none of its own. */
  readonly name: string;
  /** The names of the policies that it belongs to. */
  readonly tags: readonly string[];
  /** What was recorded of its values: their kinds, unless `describe` said otherwise. */
  readonly values: readonly unknown[];
  /** How it ended, if it has. */
  readonly end: 'complete' | 'error' | 'unsubscribe' | undefined;
  /** What was recorded of its error. */
  readonly error?: unknown;
  readonly sources: readonly Insight[];
}

/**
 * What was recorded of every subscription to a stream since `installInsights()`, down to its sources. Streams without a name,
 * of RxJS or of the inside of this package, are left out, and what they subscribed to stands in their place.
 *
 * Policies that stand directly upon each other are one subscriber; they are shown one in the other all the same.
 *
 * @param internal whether to show streams without a name too. @default false
 */
export function insightsOf(stream: Observable<unknown>, { internal = false } = {}): readonly Insight[] {
  const { observableRef: recorded } =
    (stream as { [META]?: { observableRef: RecordedObservable } })[META] ?? {};
  return (recorded?.subscribers ?? []).flatMap((subscriber) => shown(subscriber, internal));
}

/** The model of `@rxjs-insights/recorder`, as far as it is read here. */
interface RecordedObservable {
  readonly internal: boolean;
  readonly declaration: { readonly name: string };
  readonly tags: readonly string[];
  readonly subscribers: readonly RecordedSubscriber[];
  readonly sourceObservable?: RecordedObservable;
}
interface RecordedSubscriber {
  readonly observable: RecordedObservable;
  readonly sources: readonly RecordedSubscriber[];
  readonly events: readonly RecordedEvent[];
}
interface RecordedEvent {
  readonly declaration: {
    readonly name: 'subscribe' | 'next' | NonNullable<Insight['end']>;
    readonly args?: readonly unknown[];
  };
}

function shown(subscriber: RecordedSubscriber, internal: boolean): Insight[] {
  const sources = subscriber.sources.flatMap((source) => shown(source, internal));
  const { observable } = subscriber;
  if (observable.internal && !internal) return sources;
  const end = subscriber.events.find(
    ({ declaration: { name } }) => name !== 'subscribe' && name !== 'next',
  )?.declaration;
  const seen = {
    values: subscriber.events
      .filter(({ declaration }) => declaration.name === 'next')
      .map(({ declaration }) => declaration.args?.[0]),
    end: end?.name as Insight['end'],
    ...(end?.name === 'error' && { error: end.args?.[0] }),
  };
  const insight = (
    { declaration: { name }, tags }: RecordedObservable,
    below: readonly Insight[],
  ): Insight => ({ name, tags, ...seen, sources: below });
  const inside = fused(subscriber).reduceRight<readonly Insight[]>(
    (below, layer) => [insight(layer, below)],
    sources,
  );
  return [insight(observable, inside)];
}

/** The named layers between a subscriber and its sources that have no subscriber of their own: this one subscribes for them. */
function fused({ observable, sources }: RecordedSubscriber): RecordedObservable[] {
  const subscribed = new Set<RecordedObservable>();
  const visit = (source: RecordedSubscriber): void => {
    subscribed.add(source.observable);
    if (source.observable.internal) source.sources.forEach(visit);
  };
  sources.forEach(visit);
  const layers: RecordedObservable[] = [];
  for (let layer = observable.sourceObservable; layer !== undefined; layer = layer.sourceObservable) {
    if (subscribed.has(layer)) return layers;
    if (!layer.internal) layers.push(layer);
  }
  return [];
}
