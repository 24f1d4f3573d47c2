/** Calls over real HTTP: a first provider with a fault, one retry, and a spare provider that is well. */
import { Bulkhead } from '../../src/bulkhead/index.ts';
import { type CallPhase, isStreamInterruptedError, kindOf, ResilientProvider } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import type { ResilienceEvent } from '../../src/core/events.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import {
  type AttemptRequest,
  DEFAULT_ANSWER,
  type Fault,
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
export function restFor({ body }: AttemptRequest, answer = DEFAULT_ANSWER): string | undefined {
  const messages = (body.messages ?? body.input ?? []) as readonly { role?: string; content: unknown }[];
  const partial = messages.findLast(({ role }) => role === 'assistant')?.content;
  if (partial === undefined) return undefined;
  const text =
    typeof partial === 'string'
      ? partial
      : (partial as readonly { text: string }[]).map((part) => part.text).join('');
  if (!answer.startsWith(text)) throw new Error(`Nobody said "${text}".`);
  return answer.slice(text.length);
}

type Role = 'first' | 'spare';

const WELL: Fault = ok();
const IN_ONE_PIECE = { writes: 'glued' } as const;

/** What a cell has of the wall. */
export interface CellOfWall {
  url(role: Role): string;
  readonly requests: Readonly<Record<Role, readonly AttemptRequest[]>>;
}

export interface MatrixWall extends FaultServer {
  /** @param mode under `fail` every frame comes by itself, under the other two as many as can be come at once. */
  cell(row: Row, mode: Mode): CellOfWall;
}

/** One wall for all cells, so that they share its connections: each has two folders of it, one for each provider. */
export async function startMatrixWall(): Promise<MatrixWall> {
  const cells: { row: Row; mode: Mode; requests: Record<Role, AttemptRequest[]> }[] = [];
  const wall = await startFaultServer({
    script(_, request) {
      const [, cell = '', role = ''] = request.path.split('/');
      const { row, mode, requests } = cells[Number(cell)] as (typeof cells)[number];
      const { faults, onContinuation } = row;
      const asked = requests[role as Role];
      asked.push(request);
      const rest = restFor(request);
      const fault = (role === 'first' && faults[Math.min(asked.length, faults.length) - 1]) || WELL;
      // A model goes on where it is asked to, and so the fault breaks what is left of the answer.
      const answered = rest === undefined ? fault : (onContinuation ?? { ...fault, answer: rest });
      return mode === 'fail' ? answered : { ...IN_ONE_PIECE, ...answered };
    },
  });
  return Object.assign(wall, {
    cell(row: Row, mode: Mode): CellOfWall {
      const requests = { first: [], spare: [] };
      const number = cells.push({ row, mode, requests }) - 1;
      return { url: (role) => `${wall.url}/${number}/${role}`, requests };
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

export async function see(row: Row, wall: MatrixWall, { at }: Adapter, mode: Mode): Promise<Seen> {
  const events = new EventBus();
  const heard: ResilienceEvent[] = [];
  events.subscribe((event) => heard.push(event));
  const { url, requests } = wall.cell(row, mode);
  const spare = at(url('spare'), 'spare');
  const bulkhead = new Bulkhead({ name: 'first', events });
  const scheduler = row.timeout && new ManualScheduler();
  const provider = new ResilientProvider({
    provider: at(url('first'), 'first'),
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
  let words = 0;
  // A slow machine is no fault: time passes where the fault has begun, and nowhere else.
  const hasBegun = (): boolean => {
    if (now?.phase === 'queued') return true;
    if (row.silent) return requests.first.length === now?.attempt;
    return now?.phase === 'content' && row.timePassesAt === undefined;
  };
  const passTime = (): void => scheduler?.advanceTo(scheduler.now() + SHORT);
  const pump = scheduler && setInterval(() => hasBegun() && passTime(), 5);
  const error = await new Promise<unknown>((resolve) => {
    const onPhase = (phase: CallPhase): void => {
      if (phase.attempt !== now?.attempt) words = 0;
      now = phase;
    };
    provider.stream([{ role: 'user', content: 'Hello' }], { onPhase }).subscribe({
      next(chunk) {
        if (chunk.type === 'text') {
          text += chunk.text;
          // Before the next word, which waits for a timer.
          if (++words >= (row.timePassesAt ?? Infinity)) setImmediate(passTime);
        }
        if (chunk.type === 'retract') text = '';
        if (chunk.type === 'retract' || chunk.type === 'resume' || chunk.type === 'switch')
          marks.push(chunk.type);
      },
      error: resolve,
      complete: () => resolve(undefined),
    });
  });
  clearInterval(pump);
  const times = requests.first.map(({ startedAt }) => startedAt);
  return {
    end: endOf(error, text),
    text,
    kind: kindOf(error),
    marks,
    requests: [requests.first.length, requests.spare.length],
    waits: times.slice(1).map((time, index) => time - (times[index] ?? 0)),
    sent: requests.first.map(({ index }) => wall.attempts[index]?.sentTokens ?? 0),
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
