/**
 * A link between two networks that exist as long as their processes do: the one this process was started in, and the one
 * of the process at the other end. Nothing else on the machine sees them, and nothing has to be removed.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Reserved for examples. */
const HERE = '192.0.2.1';
export const THERE = '192.0.2.2';

const run = (command: string): void => {
  const [program = '', ...options] = command.split(' ');
  execFileSync(program, options, { stdio: ['ignore', 'ignore', 'inherit'] });
};

export function connect(otherEnd: number): void {
  const there = `nsenter --net=/proc/${otherEnd}/ns/net ip`;
  run('ip link set lo up');
  run(`ip link add wire type veth peer name wire netns ${otherEnd}`);
  run(`ip addr add ${HERE}/24 dev wire`);
  run(`${there} addr add ${THERE}/24 dev wire`);
  run(`${there} link set wire up`);
  run('ip link set wire up');
}

/** What a network does to those who use it. `mend` takes it back. */
export interface Trouble {
  readonly begin: () => void;
  readonly mend: () => void;
}

function rules(...all: readonly string[]): Trouble {
  return {
    begin() {
      for (const rule of all) run(`iptables -A ${rule}`);
    },
    mend() {
      for (const rule of all) run(`iptables -D ${rule}`);
    },
  };
}

export const answersDropped = rules(`INPUT -s ${THERE} -j DROP`);
export const allDropped = rules(`INPUT -s ${THERE} -j DROP`, `OUTPUT -d ${THERE} -j DROP`);
/** Also those that are about to be made: then it is called "refused". */
export const connectionsReset = rules(`OUTPUT -d ${THERE} -p tcp -j REJECT --reject-with tcp-reset`);
export const cablePulled: Trouble = {
  begin: () => run('ip link set wire down'),
  mend: () => run('ip link set wire up'),
};

/** Ports of this end whose connection to the other one stands, as the kernel here sees it. */
export function connectedPorts(): number[] {
  const ESTABLISHED = '01';
  const there = THERE.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  const address = there.reverse().join('').toUpperCase();
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => remote?.startsWith(address) && state === ESTABLISHED)
    .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16));
}
