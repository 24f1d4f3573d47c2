/**
 * What `@rxjs-insights/core` works with, as far as it is needed here. Its own types are not used in what this package
 * exports: they would have to be there also for those who have not installed it.
 */

/** Stands for something that the recorder keeps, or for nothing. */
export type Ref = unknown;

/** Receives everything that happens. That of `@rxjs-insights/recorder` keeps it as a graph. */
export interface InsightsRecorder {
  init?(context: unknown): void;
  declarationRef(name: string, declared?: object, args?: unknown[], locations?: unknown): Ref;
  observableRef(target: object, declaration: Ref, source?: Ref, internal?: boolean): Ref;
  subscriberRef(target: unknown[], observable: Ref, destination: Ref): Ref;
  callerRef(declaration: Ref): Ref;
  observableEventRef(declaration: Ref, observable: Ref, source: Ref): Ref;
  subscriberEventRef(declaration: Ref, subscriber: Ref, source: Ref): Ref;
  addTag(observable: Ref, tag: string): void;
  setInternal(observable: Ref, internal: boolean): void;
  startTask(name: string): void;
  endTask(): void;
}

export interface InsightsEnvironment {
  readonly recorder: InsightsRecorder;
}

/** `@rxjs-insights/core`. */
export interface InsightsCore {
  install(parts: {
    readonly Observable: unknown;
    readonly Subject: unknown;
    readonly Subscriber: unknown;
    readonly recorder: InsightsRecorder;
    readonly tracer: object;
    readonly locator: { locate(): object };
  }): void;
}

/** `@rxjs-insights/recorder`. */
export interface InsightsRecorderModule {
  getRecorder(): InsightsRecorder;
}

export const ENVIRONMENT = Symbol.for('@rxjs-insights/env');
export const META = Symbol.for('@rxjs-insights/meta');
