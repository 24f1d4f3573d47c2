import { config, Observable, Subject } from 'rxjs';
import { vi } from 'vitest';

/** Where the tests of one thread meet, and a fake may stand. */
const PLACES = {
  globalThis,
  Date,
  Math,
  'Performance.prototype': Performance.prototype,
  'Observable.prototype': Observable.prototype,
  'Subject.prototype': Subject.prototype,
  config,
};
const EVENTS = ['uncaughtException', 'unhandledRejection', 'warning', 'exit', 'SIGINT', 'SIGTERM'];

export interface World {
  readonly properties: readonly (readonly [name: string, place: object, key: string, value: unknown])[];
  readonly listeners: readonly (readonly [event: string, count: number])[];
  readonly insights: unknown;
}

export function worldNow(): World {
  return {
    properties: Object.entries(PLACES).flatMap(([name, place]) =>
      Object.entries(Object.getOwnPropertyDescriptors(place))
        // What is behind a getter may be loaded at any time.
        .filter(([, descriptor]) => 'value' in descriptor)
        .map(([key, { value }]) => [`${name}.${key}`, place, key, value] as const),
    ),
    listeners: EVENTS.map((event) => [`listeners of ${event}`, process.listenerCount(event)] as const),
    insights: Reflect.get(globalThis, Symbol.for('@rxjs-insights/env')) ?? null,
  };
}

/** Puts back whatever a test has replaced and left so, and names it. What libraries have added stays. */
export function putBack(before: World): string[] {
  // Whatever a spy stands before comes back when the spy goes, be it a fake that is over: better here than in the next file.
  vi.restoreAllMocks();
  const now = worldNow();
  const fakeTimers = vi.isFakeTimers();
  const replaced = before.properties.filter(
    ([, place, key, value]) => !Object.is(Reflect.get(place, key), value),
  );
  vi.useRealTimers();
  for (const [, place, key, value] of replaced) Reflect.set(place, key, value);
  return [
    ...(fakeTimers ? ['fake timers'] : []),
    ...replaced.map(([name]) => name),
    ...before.listeners
      .filter(([, count], index) => count !== now.listeners[index]?.[1])
      .map(([name]) => name),
    ...(before.insights === now.insights ? [] : ['the environment of rxjs-insights']),
  ];
}
