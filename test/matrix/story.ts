/** What happened to a call, from its events alone: nothing here knows what the provider or the reader has seen. */
import type { ErrorSummary, ResilienceEvent } from '../../src/index.ts';
import type { Outcome } from './expectation.ts';

export interface Story extends Omit<Outcome, 'text'> {
  /** Milliseconds of every back-off, in order. */
  readonly delays: readonly number[];
  /** Whether an attempt at the first provider has broken off behind some content, in order. */
  readonly spoke: readonly boolean[];
  /** What does not fit together; empty in a story that is whole. */
  readonly contradictions: readonly string[];
}

const MARKS: Readonly<Record<string, string>> = {
  stream_retracted: 'retract',
  stream_continued: 'resume',
  provider_switched: 'switch',
};

/** @param source the name of the provider that was called. */
export function storyOf(events: readonly ResilienceEvent[], source: string): Story {
  // A provider that nests tells its own part of the call under its own name.
  const own = events.filter((event) => event.source === source);
  const started = own.filter((event) => event.type === 'attempt_started');
  const ended = own.filter((event) => event.type === 'attempt_ended');
  const end = own.find((event) => event.type === 'stream_ended');
  const asked = (provider: string): number => started.filter(({ data }) => data.provider === provider).length;
  return {
    end: end?.data.outcome === 'completed' ? 'answer' : endOf(end?.data.error),
    kind: kindOf(end?.data.error),
    marks: own.flatMap(({ type }) => MARKS[type] ?? []),
    requests: [asked('first'), asked('spare')],
    delays: own.flatMap((event) => (event.type === 'retry_attempted' ? event.data.delay : [])),
    spoke: ended.filter(({ data }) => data.provider === 'first').map(({ data }) => data.phase === 'content'),
    contradictions: [...contradictions()],
  };

  function* contradictions(): Generator<string> {
    if (new Set(events.map(({ call }) => call)).size !== 1) yield 'the events tell of several calls';
    const numbers = started.map(({ attempt = 0 }) => attempt);
    if (numbers.some((number, index) => number <= (numbers[index - 1] ?? 0)))
      yield `attempts begin in the order ${numbers.join()}`;
    if (ended.map(({ attempt }) => attempt).join() !== numbers.join()) yield 'an attempt has no end';
    if (ended.some(({ data, attempt }) => data.attempt !== attempt)) yield 'an attempt has two numbers';
    const outcomes = ended.map(({ data }) => data.outcome).join();
    const good = end?.data.outcome === 'completed';
    if (!(good ? /^(failed,)*completed$/ : /^(failed,)*failed$/).test(outcomes))
      yield `the attempts have ended ${outcomes}, the call ${end?.data.outcome}`;
    if (ended.some(({ data }) => (data.outcome === 'failed') !== (data.error !== undefined)))
      yield 'an attempt has failed without an error, or the other way round';
    const took = ended.reduce((sum, { data }) => sum + data.delay + data.duration, 0);
    if (end === undefined || took > end.data.duration + 1)
      yield `the attempts took ${took} ms, the call ${end?.data.duration} ms`;
    if (own.at(0)?.type !== 'stream_started' || own.at(-1)?.type !== 'stream_ended')
      yield 'the call does not begin or end where it should';
  }
}

function endOf(error: ErrorSummary | undefined): Outcome['end'] {
  return error?.name === 'StreamInterruptedError' ? 'interrupted' : 'refused';
}

/** The kind of the first error of the chain that has one. */
function kindOf(error: ErrorSummary | undefined): Outcome['kind'] {
  const told = error && [error, ...(error.causes ?? [])].find(({ kind }) => kind !== undefined);
  return (told?.name === 'StreamTimeoutError' ? 'timeout' : told?.kind) as Outcome['kind'];
}
