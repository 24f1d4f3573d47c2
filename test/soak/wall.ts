/** The other side of the soak, in a process of its own: it can be stopped and killed, and forgets all when it is. */
import { seededRandom } from '../../src/testing/random.ts';
import { restFor } from '../matrix/cell.ts';
import {
  type AttemptRequest,
  cutAfter,
  endAfter,
  errorAfter,
  errorFirst,
  type Fault,
  httpStatus,
  malformedAfter,
  ok,
  overloaded,
  rateLimited,
  reset,
  resetAfter,
  serverError,
  stallAfter,
  startFaultServer,
} from '../support/fault-server.ts';

const [seed, faultRate, pace] = process.argv.slice(2).map(Number) as [number, number, number];

/** With so many tokens before it. */
const BROKEN: readonly ((tokens: number) => Fault)[] = [
  cutAfter,
  resetAfter,
  endAfter,
  stallAfter,
  malformedAfter,
  (tokens) => errorAfter(tokens, { kind: 'overloaded' }),
  () => errorFirst(),
  () => reset(),
  () => serverError(),
  () => overloaded(),
  () => httpStatus(502),
  () => rateLimited({ retryAfterMs: 5 }),
];

/** How often each stream has asked. */
const asked = new Map<string, number>();

/** What happens to a request follows from the seed, its stream and how often that has asked: whoever comes first, it is the same. */
function faultFor(request: AttemptRequest): Fault {
  const { body } = request.startingAfter?.response ?? request;
  const stream = /Stream (\d+)/.exec(JSON.stringify(body.messages ?? body.input))?.[1];
  if (stream === undefined) return ok();
  const times = asked.get(stream) ?? 0;
  asked.set(stream, times + 1);
  const chance = seededRandom(seed + 1_000 * Number(stream) + times);
  const tokenDelay = Math.ceil(chance() * pace);
  const broken = chance() < faultRate ? BROKEN[Math.floor(chance() * BROKEN.length)] : undefined;
  return { ...(broken?.(Math.floor(chance() * 8)) ?? ok()), tokenDelay };
}

async function serve(port: number): Promise<void> {
  const wall = await startFaultServer({
    port,
    script(_, request) {
      const fault = faultFor(request);
      const rest = restFor(request);
      return rest === undefined ? fault : { ...fault, answer: rest };
    },
  });
  process.send?.(wall.url);
  // Whoever asks how many requests are open asks between laps, when nothing has to be known of those before.
  process.on('message', () => {
    process.send?.(wall.openSockets);
    if (wall.openSockets > 0) return;
    asked.clear();
    wall.forget();
  });
  process.once('SIGTERM', () => void wall.close().then(() => process.exit()));
}

process.once('message', (port) => void serve(Number(port)));
process.once('disconnect', () => process.exit());
process.send?.('ready');
