import {
  type Attributes,
  type AttributeValue,
  type Context,
  context,
  type HrTime,
  type Span,
  type SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { ErrorSummary } from '../core/event-parts.ts';
import type { ResilienceEvent } from '../core/events.ts';
import { ERROR_TYPE, OWN } from './conventions.ts';
import { errorTypeOf } from './vocabulary.ts';

/** Attributes by name; what has no name, or no value, is not told. */
export type Facts = readonly (readonly [name: string | undefined, value: AttributeValue | undefined])[];

export interface Opening {
  readonly name: string;
  readonly kind: SpanKind;
  readonly begun: number;
  readonly facts: Facts;
  /** What it is inside of. Without it, it stands in the context that is active now. */
  readonly inside: OpenSpan | undefined;
}

interface Failed {
  readonly error?: ErrorSummary | undefined;
}

/** A part of a call, once it is over. */
export interface Part {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly facts: Facts;
  /** When its first content came, if any did. */
  readonly spoke?: number | undefined;
  readonly failure?: Failed | undefined;
}

/** The fields of events whose texts are words of this house, or names that its user gave. */
const TELLABLE: ReadonlySet<string> = new Set([
  'kind',
  'reason',
  'outcome',
  'from',
  'to',
  'provider',
  'model',
  'by',
  'fault',
  'dimension',
  'check',
  'change',
  'name',
]);

/**
 * The span of something that is under way. On it are the decisions, in the order in which they were taken. Below it are its
 * parts, each made when it is over and dated back to its beginning, so none can be left open.
 */
export class OpenSpan {
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #begun: number;
  /** What its parts stand in. */
  readonly #context: Context;

  constructor(tracer: Tracer, { name, kind, begun, facts, inside }: Opening) {
    // The bus tells of a call while that is being subscribed, so this is the context of whoever called.
    const outside = inside === undefined ? context.active() : inside.#context;
    this.#tracer = tracer;
    this.#begun = begun;
    this.#span = tracer.startSpan(name, { kind, startTime: timeOf(begun), attributes: told(facts) }, outside);
    this.#context = trace.setSpan(outside, this.#span);
  }

  /** Of a decision are told numbers and known words: never a message, which may hold anything. */
  decided({ type, source, timestamp, attempt, data }: ResilienceEvent): void {
    if (!this.#span.isRecording()) return;
    const { error } = data as { readonly error?: ErrorSummary };
    const facts: Facts = [
      ...wordsOf(data),
      [OWN.source, source],
      [OWN.attempt, attempt],
      [ERROR_TYPE, error && errorTypeOf(error)],
    ];
    this.#span.addEvent(type, told(facts), timeOf(timestamp));
  }

  part({ name, from, to, facts, spoke, failure }: Part): void {
    // Of what has no beginning, a duration is known, by another clock than the one that dates the events.
    const begun = Math.max(from, this.#begun);
    const options = { startTime: timeOf(begun), attributes: told(facts) };
    const span = this.#tracer.startSpan(name, options, this.#context);
    if (spoke !== undefined) span.addEvent('first_token', {}, timeOf(begun + spoke));
    if (failure !== undefined) fail(span, failure.error);
    span.end(timeOf(Math.max(begun, to)));
  }

  end(at: number, facts: Facts, failure?: Failed): void {
    this.#span.setAttributes(told(facts));
    if (failure !== undefined) fail(this.#span, failure.error);
    this.#span.end(timeOf(Math.max(this.#begun, at)));
  }

  /** Ends before what it is of, of which nobody will tell any more. */
  abandon(why: 'evicted' | 'stopped', at: number): void {
    this.end(at, [[OWN.abandoned, why]]);
  }
}

/** The status has no description: the message of an error may hold what nobody should read. */
function fail(span: Span, error: ErrorSummary | undefined): void {
  span.setAttribute(ERROR_TYPE, errorTypeOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function told(facts: Facts): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of facts) if (name !== undefined && value !== undefined) attributes[name] = value;
  return attributes;
}

/** What may be told of the data of an event. */
function wordsOf(data: object): Facts {
  const facts: [string, AttributeValue][] = [];
  for (const [field, value] of Object.entries(data) as [string, unknown][])
    if (typeof value === 'number' || (typeof value === 'string' && TELLABLE.has(field)))
      facts.push([OWN.prefix + snakeCase(field), value]);
  return facts;
}

/** As seconds and nanoseconds: a small number would be taken for a reading of the monotonic clock. */
function timeOf(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1_000);
  return [seconds, Math.trunc((milliseconds - seconds * 1_000) * 1e6)];
}

const snakeCase = (field: string): string =>
  field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
