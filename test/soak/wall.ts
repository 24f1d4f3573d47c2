/** The other side of the soak, in a process of its own: it can be stopped and killed, and forgets all when it is. */

import { seededRandom } from '../../src/testing/random.ts';
import { restFor } from '../matrix/cell.ts';
import {
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
  trickle,
} from '../support/fault-server.ts';

const [port = '0', seed = '1', faultRate = '0.3'] = process.argv.slice(2);
const chance = seededRandom(Number(seed));

const BROKEN: readonly (() => Fault)[] = [
  () => cutAfter(Math.floor(chance() * 8)),
  () => resetAfter(Math.floor(chance() * 8)),
  () => endAfter(Math.floor(chance() * 8)),
  () => errorAfter(Math.floor(chance() * 8), { kind: 'overloaded' }),
  () => errorFirst(),
  () => malformedAfter(2),
  () => reset(),
  () => serverError(),
  () => overloaded(),
  () => httpStatus(502),
  () => rateLimited({ retryAfterMs: 5 }),
  () => stallAfter(Math.floor(chance() * 8)),
];

const wall = await startFaultServer({
  port: Number(port),
  script(_, request) {
    const broken =
      chance() < Number(faultRate) ? BROKEN[Math.floor(chance() * BROKEN.length)]?.() : undefined;
    const fault = broken ?? (chance() < 0.2 ? trickle(Math.ceil(chance() * 5)) : ok());
    const rest = restFor(request);
    return rest === undefined ? fault : { ...fault, answer: rest };
  },
});
process.send?.({ url: wall.url });
process.once('disconnect', () => process.exit(0));
