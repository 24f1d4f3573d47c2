/** A process of its own: a hundred calls at once, of which chance breaks about a third. It has to end by itself. */
import { getEventListeners } from 'node:events';
import { lastValueFrom } from 'rxjs';
import { Bulkhead } from '../../src/bulkhead/index.ts';
import { ResilientProvider, text } from '../../src/chat/index.ts';
import { CircuitBreaker } from '../../src/circuit-breaker/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import {
  cutAfter,
  DEFAULT_ANSWER,
  endAfter,
  errorAfter,
  errorFirst,
  type Fault,
  malformedAfter,
  ok,
  overloaded,
  rateLimited,
  reset,
  resetAfter,
  serverError,
  startFaultServer,
} from '../support/fault-server.ts';
import { ADAPTERS } from './adapters.ts';
import { restFor } from './cell.ts';

const CALLS = 100;
const FAULT_RATE = 0.3;
const BROKEN = [
  cutAfter(3),
  resetAfter(5),
  endAfter(3),
  endAfter(0),
  errorAfter(4, { kind: 'overloaded' }),
  errorFirst(),
  malformedAfter(2),
  reset(),
  serverError(),
  overloaded(),
  rateLimited({ retryAfterMs: 20 }),
];

/** Park and Miller's generator, so that every run meets the same faults. */
let state = 20_261_124;
function chance(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}

const wall = await startFaultServer({
  script(_, request) {
    const spare = request.path.startsWith('/spare/');
    const fault: Fault =
      !spare && chance() < FAULT_RATE ? (BROKEN[Math.floor(chance() * BROKEN.length)] ?? ok()) : ok();
    const rest = restFor(request);
    return rest === undefined ? fault : { ...fault, answer: rest };
  },
});
const bulkhead = new Bulkhead({ name: 'crowd', maxConcurrent: 20, maxQueue: CALLS, queueTimeout: Infinity });
const circuitBreaker = new CircuitBreaker({ name: 'crowd', failureThreshold: CALLS });
const providers = ADAPTERS.flatMap(({ at }) =>
  (['restart', 'continue'] as const).map(
    (recovery) =>
      new ResilientProvider({
        provider: at(`${wall.url}/first`, 'first'),
        fallbackProvider: at(`${wall.url}/spare`, 'spare'),
        retry: { maxRetries: 1, backoff: fixedBackoff(1) },
        recovery,
        bulkhead,
        circuitBreaker,
      }),
  ),
);
const { signal } = new AbortController();
const answers = await Promise.all(
  Array.from({ length: CALLS }, (_, index) => {
    const provider = providers[index % providers.length] as ResilientProvider;
    return lastValueFrom(
      provider.stream([{ role: 'user', content: 'Hello' }], { signal }).pipe(text()),
    ).catch(String);
  }),
);
await wall.idle();
console.log(
  JSON.stringify({
    wrong: answers.filter((answer) => answer !== DEFAULT_ANSWER),
    answers: answers.length,
    faults: wall.attempts.filter(({ fault }) => fault.name !== 'ok').length,
    left: {
      leases: circuitBreaker.stats.activeCount,
      places: bulkhead.activeCount + bulkhead.queueSize,
      calls: providers.reduce((sum, { stats }) => sum + stats.active, 0),
      listeners: getEventListeners(signal, 'abort').length,
      sockets: wall.openSockets,
    },
  }),
);
await wall.close();
