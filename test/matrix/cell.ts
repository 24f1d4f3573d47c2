/** Calls over real HTTP: a first provider with a fault, one retry, and a spare provider that is well. */
import { Bulkhead } from '../../src/bulkhead/index.ts';
import { type CallPhase, isStreamInterruptedError, kindOf, ResilientProvider } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { ResilienceEvent } from '../../src/core/events.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import {
  type AttemptRequest,
  DEFAULT_ANSWER,
  type FaultServer,
  ok,
  startFaultServer,
} from '../support/fault-server.ts';
import { ManualScheduler } from '../support/manual-scheduler.ts';
import type { Adapter } from './adapters.ts';
import { MAX_DELAY, MAX_RETRIES, type Mode, type Outcome } from './expectation.ts';
import { type Row, SHORT } from './faults.ts';
import { type Story, storyOf } from './story.ts';

/** The end of the answer, when a request asks to go on with its beginning. */
export function restFor({ body }: AttemptRequest): string | undefined {
  const messages = (body.messages ?? body.input ?? []) as readonly { role?: string; content: unknown }[];
  const partial = messages.findLast(({ role }) => role === 'assistant')?.content;
  if (partial === undefined) return undefined;
  const text =
    typeof partial === 'string'
      ? partial
      : (partial as readonly { text: string }[]).map((part) => part.text).join('');
  if (!DEFAULT_ANSWER.startsWith(text)) throw new Error(`Nobody said "${text}".`);
  return DEFAULT_ANSWER.slice(text.length);
}

/** One wall for all cells of a row: each has two folders of it, for its first provider and for its spare one. */
export function wallOf({ faults, onContinuation }: Row): Promise<FaultServer> {
  const asked = new Map<string, number>();
  return startFaultServer({
    script(_, request) {
      const [, cell = '', role = ''] = request.path.split('/');
      const index = asked.get(cell + role) ?? 0;
      asked.set(cell + role, index + 1);
      const rest = restFor(request);
      const fault = (role === 'first' && faults[Math.min(index, faults.length - 1)]) || ok();
      // A model goes on where it is asked to, and so the fault breaks what is left of the answer.
      return rest === undefined ? fault : (onContinuation ?? { ...fault, answer: rest });
    },
  });
}

export interface Seen extends Outcome {
  /** Milliseconds between the requests to the first provider. */
  readonly waits: readonly number[];
  /** The same, as the bus tells it. */
  readonly story: Story;
  /** What the wall has recorded of the attempts at the first provider: how many tokens left it. */
  readonly sent: readonly number[];
  /** Leases and places that are still taken after the end. */
  readonly leases: number;
}

/** @param cell its name on the wall. */
export async function see(
  row: Row,
  wall: FaultServer,
  cell: string,
  { at }: Adapter,
  mode: Mode,
): Promise<Seen> {
  const events = new EventBus();
  const heard: ResilienceEvent[] = [];
  events.subscribe((event) => heard.push(event));
  const spare = at(`${wall.url}/${cell}/spare`, 'spare');
  const bulkhead = new Bulkhead({ name: 'first', events });
  const scheduler = row.timeout === undefined ? undefined : new ManualScheduler();
  const requestsTo = (role: string) =>
    wall.attempts.filter(({ path }) => path.startsWith(`/${cell}/${role}/`));
  const provider = new ResilientProvider({
    provider: at(`${wall.url}/${cell}/first`, 'first'),
    // The clock that is to run out on the first provider must not race with the answer of the other one.
    fallbackProvider: row.timeout === undefined ? spare : new ResilientProvider({ provider: spare, events }),
    retry: { maxRetries: MAX_RETRIES, backoff: fixedBackoff(1), maxDelay: MAX_DELAY },
    timeout: row.timeout,
    recovery: mode,
    bulkhead,
    events,
    scheduler,
  });
  let text = '';
  const marks: string[] = [];
  let now: CallPhase | undefined;
  const onPhase = (phase: CallPhase): void => {
    now = phase;
  };
  // A slow machine is no fault: time passes where the fault has begun, and nowhere else.
  const pump = setInterval(() => {
    if (scheduler === undefined || now === undefined) return;
    const { phase, attempt } = now;
    const begun = row.silent === true ? requestsTo('first').length === attempt : phase === 'content';
    if (phase === 'queued' || begun) scheduler.advanceTo(scheduler.now() + SHORT);
  }, 5);
  const error = await new Promise<unknown>((resolve) => {
    provider.stream([{ role: 'user', content: 'Hello' }], { onPhase }).subscribe({
      next(chunk) {
        if (chunk.type === 'text') text += chunk.text;
        if (chunk.type === 'retract') text = '';
        if (chunk.type === 'retract' || chunk.type === 'resume' || chunk.type === 'switch')
          marks.push(chunk.type);
      },
      error: resolve,
      complete: () => resolve(undefined),
    });
  });
  clearInterval(pump);
  const times = requestsTo('first').map(({ startedAt }) => startedAt);
  return {
    end: endOf(error, text),
    text,
    kind: kindOf(error),
    marks,
    requests: [times.length, requestsTo('spare').length],
    waits: times.slice(1).map((time, index) => time - (times[index] ?? 0)),
    sent: requestsTo('first').map(({ sentTokens }) => sentTokens),
    story: storyOf(heard, provider.name),
    leases: provider.circuitBreaker.stats.activeCount + bulkhead.activeCount + provider.stats.active,
  };
}

function endOf(error: unknown, text: string): Outcome['end'] {
  if (error === undefined) return 'answer';
  if (!isStreamInterruptedError(error)) return 'refused';
  if (error.text !== text) throw new Error(`The error carries "${error.text}", and "${text}" is shown.`);
  return 'interrupted';
}
