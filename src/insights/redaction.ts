import { EVENT_CATEGORIES } from '../core/event-categories.ts';
import { isOurs, labelOf } from '../core/label.ts';
import type { InsightsRecorder } from './core-types.ts';

/** What is recorded of a value, an error, an argument, an observable or an observer. */
export type Describe = (value: unknown) => unknown;

/** The types of chunks that may be told: a test compares them with those of the chat. */
export const CHUNK_TYPES = [
  'text',
  'reasoning',
  'tool-call',
  'usage',
  'finish',
  'retract',
  'resume',
  'switch',
] as const;

const TOLD: ReadonlySet<unknown> = new Set([...CHUNK_TYPES, ...Object.keys(EVENT_CATEGORIES)]);

/** What kind of thing it is, and of a chunk or an event its type: nothing that somebody has said or configured. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const { type, constructor } = value as { type?: unknown; constructor?: { name?: unknown } };
  if (TOLD.has(type)) return String(type);
  return typeof constructor?.name === 'string' ? constructor.name : 'Object';
}

/**
 * A recorder to which nothing gets that `describe` has not let through, except names: of operators and of policies. It also
 * finds the names of streams that were made before it was there.
 */
export function redacting(recorder: InsightsRecorder, describe: Describe): InsightsRecorder {
  const told = (value: unknown): unknown => {
    try {
      return describe(value);
    } catch {
      return 'unknown';
    }
  };
  return {
    declarationRef: (name, declared, args, locations) =>
      recorder.declarationRef(
        name,
        undefined,
        declared !== undefined && isOurs(declared) ? args : args?.map(told),
        locations,
      ),
    observableRef(target, declaration, source, internal) {
      const label = internal === true ? labelOf(target) : undefined;
      if (label === undefined)
        return recorder.observableRef(told(target) as object, declaration, source, internal);
      const { name, policy } = label;
      const named = recorder.declarationRef(name, undefined, policy === undefined ? [] : [policy]);
      const ref = recorder.observableRef(told(target) as object, named, source, false);
      if (policy !== undefined) recorder.addTag(ref, policy);
      return ref;
    },
    subscriberRef: (target, observable, destination) =>
      recorder.subscriberRef(target.map(told), observable, destination),
    init: (context) => recorder.init?.(context),
    callerRef: (declaration) => recorder.callerRef(declaration),
    observableEventRef: (declaration, observable, source) =>
      recorder.observableEventRef(declaration, observable, source),
    subscriberEventRef: (declaration, subscriber, source) =>
      recorder.subscriberEventRef(declaration, subscriber, source),
    addTag: (observable, tag) => recorder.addTag(observable, tag),
    setInternal: (observable, internal) => recorder.setInternal(observable, internal),
    startTask: (name) => recorder.startTask(name),
    endTask: () => recorder.endTask(),
  };
}
