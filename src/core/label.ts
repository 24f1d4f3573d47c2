import { Observable } from 'rxjs';

type Operator = (source: Observable<never>) => Observable<unknown>;

/** What `@rxjs-insights/core` puts on the global object, as far as it is needed here. */
interface InsightsEnvironment {
  readonly recorder: { addTag(observable: unknown, tag: string): void };
  readonly tracer: {
    getTrace(): object | undefined;
    run<R>(trace: object, task: () => R): R;
  };
  instrumentOperator(
    make: (...policy: string[]) => (source: unknown) => unknown,
    name: string,
  ): (...policy: string[]) => (source: unknown) => unknown;
  instrumentCreator(make: (...policy: string[]) => unknown, name: string): (...policy: string[]) => unknown;
}

const ENVIRONMENT = Symbol.for('@rxjs-insights/env');
const META = Symbol.for('@rxjs-insights/meta');

// Looked up whenever something is made: so it does not matter which of the two was imported first.
const environment = (): InsightsEnvironment | undefined =>
  // It is null where the tools have been removed.
  (globalThis as { [ENVIRONMENT]?: InsightsEnvironment | null })[ENVIRONMENT] ?? undefined;

/**
 * Shows an operator in the RxJS developer tools under its own name, with the policy's name as its only argument, and as a
 * tag: configs may hold secrets. Without the tools it is the same operator.
 */
export function labelled<Made extends Operator>(name: string, policy: string, operator: Made): Made {
  const insights = environment();
  if (insights === undefined) return operator;
  const label = { name, policy };
  const shown = (source: Observable<never>): Observable<unknown> => {
    const made = operator(source);
    // A composition of nothing: the source keeps its own name.
    if (made === source)
      return shownOperator(insights, label, source, new Observable((it) => source.subscribe(it)));
    if (!Object.hasOwn(made, META)) return shownOperator(insights, label, source, made);
    // A composition has the name of its outermost layer already: it gets a second object, not a second layer.
    return shownOperator(insights, label, made, Object.create(made) as typeof made);
  };
  return shown as Made;
}

/** The same for a stream that this library has just made, and that nobody else knows yet. */
export function labelledStream<Stream extends Observable<unknown>>(
  name: string,
  policy: string,
  stream: Stream,
): Stream {
  const insights = environment();
  return insights === undefined ? stream : shownStream(insights, { name, policy }, stream);
}

/**
 * The same for a stream that is made once and kept, such as `state$`: developer tools that are installed later find its name
 * on it.
 */
export function labelledField<Stream extends object>(
  name: string,
  policy: string | undefined,
  stream: Stream,
): Stream {
  const insights = environment();
  const label: Label = { name, policy };
  if (insights !== undefined) return shownStream(insights, label, stream);
  return Object.defineProperty(stream, LABEL, { value: label });
}

/** Runs something later as part of what runs now. */
export type Trace = (task: () => void) => void;

/** For whoever waits: what follows the wait, such as an attempt, belongs to the stream that has waited. */
export function currentTrace(): Trace | undefined {
  const insights = environment();
  const trace = insights?.tracer.getTrace();
  return insights && trace && ((task) => insights.tracer.run(trace, task));
}

/** A task for later, as part of what runs now. */
export function traced(task: () => void): () => void {
  const trace = currentTrace();
  return trace === undefined ? task : () => trace(task);
}

/** How a stream is called in the developer tools, and whose it is. */
export interface Label {
  readonly name: string;
  /** Name of the policy, the provider or the checker. */
  readonly policy: string | undefined;
}

/** On a stream its label, on a function the mark of ours: its only argument is a policy's name. */
const LABEL = Symbol.for('rxjs-resilience/label');

/** The label that a stream carries, also one from another copy of this package. */
export const labelOf = (stream: object): Label | undefined => (stream as { [LABEL]?: Label })[LABEL];

/** Whether what was declared with this function has nothing but the name of a policy for an argument. */
export const isOurs = (declared: object): boolean => LABEL in declared;

const ours = <Declared extends object>(declared: Declared): Declared =>
  Object.defineProperty(declared, LABEL, { value: true });

function shownOperator(
  insights: InsightsEnvironment,
  label: Label,
  source: Observable<unknown>,
  made: Observable<unknown>,
): Observable<unknown> {
  const declared = insights.instrumentOperator(
    ours(() => () => made),
    label.name,
  );
  declared(...argumentsOf(label))(source);
  return tagged(insights, label, made);
}

function shownStream<Stream extends object>(
  insights: InsightsEnvironment,
  label: Label,
  stream: Stream,
): Stream {
  insights.instrumentCreator(
    ours(() => stream),
    label.name,
  )(...argumentsOf(label));
  return tagged(insights, label, stream);
}

const argumentsOf = ({ policy }: Label): string[] => (policy === undefined ? [] : [policy]);

function tagged<Stream extends object>(
  insights: InsightsEnvironment,
  { policy }: Label,
  stream: Stream,
): Stream {
  const { observableRef } = (stream as unknown as { [META]: { observableRef: unknown } })[META];
  if (policy !== undefined) insights.recorder.addTag(observableRef, policy);
  return stream;
}
