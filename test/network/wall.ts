/** The provider at the other end of the link. Its first answer to a caller takes long where it says so, all others come at once. */
import { restFor } from '../matrix/cell.ts';
import { combine, connectionClose, glued, ok, startFaultServer, trickle } from '../support/fault-server.ts';
import { ANSWER, SLOW } from './answer.ts';
import { THERE } from './link.ts';

/** What the wall knows of those who have asked. */
export interface Records {
  readonly open: number;
  readonly attempts: readonly { readonly caller: string; readonly sentTokens: number }[];
}

const callerOf = (path: string): string => path.split('/')[1] ?? '';

const tell = (answer: string | Records): void => void process.send?.(answer);

async function serve(): Promise<void> {
  const asked = new Set<string>();
  const wall = await startFaultServer({
    host: THERE,
    answer: ANSWER,
    script(_, request) {
      const caller = callerOf(request.path);
      const manner = caller.startsWith(SLOW) && !asked.has(caller) ? trickle(20) : glued();
      asked.add(caller);
      const rest = restFor(request, ANSWER);
      return combine(manner, connectionClose(), rest === undefined ? ok() : ok({ answer: rest }));
    },
  });
  tell(wall.url);
  process.on('message', () =>
    tell({
      open: wall.openSockets,
      attempts: wall.attempts.map(({ path, sentTokens }) => ({ caller: callerOf(path), sentTokens })),
    }),
  );
}

process.once('message', () => void serve());
process.once('disconnect', () => process.exit());
tell('ready');
